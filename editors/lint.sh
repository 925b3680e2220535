#!/bin/sh
# Checks the front ends: TypeScript with tsc and Biome, Lua with StyLua and luacheck. `--fix` formats instead.
# What this machine doesn't have is skipped with the reason; npm brings its three the first time.
set -u
cd "$(dirname "$0")" || exit 1
mkdir -p ../build
failed=0

skipped() {
	echo "skipped: $1"
}

check() { # a program and its arguments; says which one found something
	"$@" || { echo "$(basename "$1") found what stands above."; failed=1; }
}

brought() { # whether a folder has the packages of its lock file; npm is asked when it changed
	[ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] && return 0
	(cd "$1" && npm ci --silent --no-audit --no-fund && touch node_modules/.package-lock.json)
}

if ! command -v npm >/dev/null; then
	skipped "TypeScript and the format of Lua: there is no npm (Debian: apt install npm)."
elif ! brought .; then
	skipped "TypeScript and the format of Lua: npm could not bring Biome and StyLua."
elif [ "${1-}" = --fix ]; then
	check node_modules/.bin/biome check --write vscode
	check node_modules/.bin/stylua neovim
else
	check node_modules/.bin/biome check vscode
	check node_modules/.bin/stylua --check neovim
	if brought vscode; then
		check vscode/node_modules/.bin/tsc --project vscode --incremental --tsBuildInfoFile ../build/vscode.tsbuildinfo
	else
		skipped "the types of TypeScript: npm could not bring what the extension is built with."
	fi
fi

if command -v luacheck >/dev/null; then
	check luacheck neovim --quiet --no-color
else
	skipped "the names of Lua: there is no luacheck (Debian: apt install lua-check; else: luarocks install luacheck)."
fi
exit "$failed"
