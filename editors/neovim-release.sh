#!/bin/sh
# Writes the plugin as a repository of its own would hold it: `plugin/`, `lua/`, `lsp/` and `doc/` at the root, which is
# where lazy.nvim, vim.pack and plain packages look for them. It is what belongs on a release branch.
#   neovim-release.sh OUT
# OUT is written anew, but for a `.git` in it; nothing is committed or pushed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
find "$out" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
for part in plugin lua lsp doc; do
  cp -R "$here/neovim/$part" "$out/$part"
done
cp "$here/../LICENSE" "$out/LICENSE"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../pyproject.toml")
cat > "$out/README.md" <<END
# foretype for Neovim

Ghost text from a model on your own machine: the Neovim plugin of foretype $version, without the rest of the project.
It needs Neovim 0.10 or newer and the program \`foretype\`; \`:help foretype\` says how to get it, \`:checkhealth foretype\` what is
missing.

vim.pack (Neovim 0.12), the branch being the one that you read this on:

    vim.pack.add({ { src = 'https://HOST/OWNER/REPOSITORY', name = 'foretype', version = 'BRANCH' } })

lazy.nvim:

    { 'OWNER/REPOSITORY', name = 'foretype', branch = 'BRANCH', opts = {} }

As a plain package:

    git clone --branch BRANCH https://HOST/OWNER/REPOSITORY ~/.local/share/nvim/site/pack/foretype/start/foretype
END
