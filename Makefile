# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   make         build the tools into build/bin and install the Python package into .venv
#   make demo    the above, then train a small network and show what Noether says about it
#   make check   all tests
#   make wheel   a Python package in dist/ that carries the compiler and needs no MLIR
#   make docs    write docs/generated from the sources
#   make site    the documentation as pages, in build/site
#   make clean   remove what was built
#
# Debian packages that are missing are installed (tools/install-dependencies.sh).

BUILD ?= build
VENV ?= .venv
PYTHON ?= python3
BUILD_TYPE ?= Release
LLVM ?= /usr/lib/llvm-22

CMAKE_ARGS ?= -DMLIR_DIR=$(LLVM)/lib/cmake/mlir \
  -DCMAKE_C_COMPILER=$(LLVM)/bin/clang -DCMAKE_CXX_COMPILER=$(LLVM)/bin/clang++ \
  -DLLVM_USE_LINKER=lld -DCMAKE_BUILD_TYPE=$(BUILD_TYPE)

# The Python package finds the tool by this.
export NOETHER_OPT := $(abspath $(BUILD))/bin/noether-opt

.PHONY: all build python demo check check-cpp check-python wheel docs site clean
.DELETE_ON_ERROR:

all: build python

# --- The tools -------------------------------------------------------------------------------

$(BUILD)/.dependencies: tools/install-dependencies.sh
	tools/install-dependencies.sh
	mkdir -p $(BUILD)
	touch $@

# The runtime of the kernels is compiled against the headers in jaxlib, so Python's packages come first.
$(BUILD)/build.ninja: | $(BUILD)/.dependencies $(VENV)/.installed
	ccache=$$(command -v ccache) && \
	  launcher="-DCMAKE_C_COMPILER_LAUNCHER=$$ccache -DCMAKE_CXX_COMPILER_LAUNCHER=$$ccache"; \
	cmake -G Ninja -S . -B $(BUILD) $(CMAKE_ARGS) $$launcher

build: $(BUILD)/build.ninja
	cmake --build $(BUILD)

# --- The Python package ----------------------------------------------------------------------

$(VENV)/bin/python: | $(BUILD)/.dependencies
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[jax,torch,report,dev]'
	touch $@

python: $(VENV)/.installed

# --- What to do with them --------------------------------------------------------------------

demo: all
	$(VENV)/bin/python examples/digits/main.py

check-cpp: build
	cmake --build $(BUILD) --target check-noether

$(BUILD)/.test-dependencies: tools/install-dependencies.sh
	tools/install-dependencies.sh --tests
	mkdir -p $(BUILD)
	touch $@

check-python: all $(BUILD)/.test-dependencies
	$(VENV)/bin/python -m pytest -n 2 -q

check: check-cpp check-python

wheel: python
	tools/install-dependencies.sh --wheel
	$(VENV)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .

docs: build
	cmake --build $(BUILD) --target noether-doc

site: python
	$(VENV)/bin/mkdocs build --strict --quiet --site-dir $(abspath $(BUILD))/site

clean:
	rm -rf $(BUILD) $(VENV)/.installed
