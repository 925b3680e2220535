#!/bin/sh
# Build llama-server from the source that llama-cpp-python carries, so that both sides run the same llama.cpp.
# usage: build_peer.sh PYTHON FOLDER; the program is FOLDER/bin/llama-server.
set -eu
python=$1
folder=$2
mkdir -p "$folder"
if [ -x "$folder/bin/llama-server" ]; then
    echo "$folder/bin/llama-server is there already."
    exit 0
fi
command -v cmake >/dev/null || "$python" -m pip install --quiet cmake ninja
PATH=$(dirname "$python"):$PATH
version=$("$python" -c 'import llama_cpp; print(llama_cpp.__version__)')
echo "Fetching the source of llama-cpp-python $version …"
"$python" -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$folder" "llama-cpp-python==$version"
tar -xzf "$folder"/llama_cpp_python-*.tar.gz -C "$folder"
rm "$folder"/llama_cpp_python-*.tar.gz
source=$(ls -d "$folder"/llama_cpp_python-*/vendor/llama.cpp)
echo "Compiling llama-server, about 6 minutes on 2 cores …"
cmake -S "$source" -B "$folder/cmake" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON \
    -DLLAMA_BUILD_SERVER=ON -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    -DLLAMA_OPENSSL=OFF >"$folder/build.log" 2>&1
cmake --build "$folder/cmake" --target llama-server -j "$(nproc)" >>"$folder/build.log" 2>&1 ||
    { tail -20 "$folder/build.log"; exit 1; }
mkdir -p "$folder/bin"
cp "$folder/cmake/bin/llama-server" "$folder/bin/llama-server"
rm -rf "$folder/cmake" "$source"
echo "Built $folder/bin/llama-server."
