#!/bin/bash
# Brings the editors that the tests run in, as far as this machine can have them; what is there already stays.
#   install.sh DIR PYTHON [vscode|neovim|debian]...
# What cannot be had is named here and skipped with a reason by its tests. Only as root is anything installed outside
# of DIR: Debian's Chromium, Emacs and Kakoune, by apt-get.
set -eu
here=$(dirname "$0")
dir=$1 python=$2
shift 2
[ $# -gt 0 ] || set -- neovim debian vscode
mkdir -p "$dir"

debian() {
  missing=
  command -v emacs >/dev/null || missing="emacs-nox elpa-eglot elpa-lsp-mode"
  command -v kak >/dev/null || missing="$missing kakoune"
  command -v vim >/dev/null || missing="$missing vim"
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Emacs, Kakoune or Vim is not here, and only root can install it with apt-get: its tests will be skipped."
    return 0
  fi
  echo "  $missing …"
  # shellcheck disable=SC2086 # several packages
  if ! { timeout 300 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y --no-install-recommends $missing; } \
      >"$dir/debian.log" 2>&1 </dev/null; then
    tail -3 "$dir/debian.log"
    echo "apt-get could not bring$missing: the tests in these editors will be skipped."
  fi
}

for what in "$@"; do
  case $what in
    debian) debian ;;
    neovim) bash "$here/neovim/install.sh" "$dir" "$python" ;;
    vscode) bash "$here/vscode/install.sh" "$dir/vscode" ;;
    *) echo "There is no editor '$what'." >&2; exit 2 ;;
  esac
done
