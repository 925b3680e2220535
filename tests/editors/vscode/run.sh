#!/bin/bash
# Everything that is tested in the real VS Code: brings what it needs, builds the extension, runs the tests.
#
# usage: run.sh FORETYPE FOLDER [test options…]; FORETYPE: the command that is tested, with its model pulled
set -euo pipefail
HERE=$(realpath "$(dirname "$0")")
FORETYPE=$(realpath -s "$1")
FOLDER=$2
shift 2
PROGRAMS=$("$HERE/install.sh" "$FOLDER") || { [ $? = 77 ] && exit 0 || exit 1; }
[ -z "$PROGRAMS" ] || export PATH=$PROGRAMS:$PATH
FOLDER=$(realpath "$FOLDER")
export FORETYPE FORETYPE_VSCODE=$FOLDER
FORETYPE_MODEL=$("$FORETYPE" models path)
export FORETYPE_MODEL
exec timeout 840 node --test --test-reporter=spec --test-concurrency=1 "$@" "$HERE"/*.test.mjs
