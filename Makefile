# `make help` lists the targets. PYTHON chooses the interpreter that makes the virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEVICE ?= cpu
ARGS ?=
SECONDS ?= 20
SEED ?= 0

.PHONY: help train test test-slow asan ubsan tsan fuzz parity differential bench lint format wheel clean

help:
	@echo "make train    make $(VENV), install kerasgpu into it and train a digit classifier"
	@echo "make test     run the tests (install first if needed)"
	@echo "make test-slow  the tests marked slow as well"
	@echo "make asan ubsan tsan  tests of kernels and threads with a sanitizer of the compiler (ARGS='tests/kernels/test_gemm.py')"
	@echo "make fuzz     call kernels and load files with random changes, SECONDS=3600 each"
	@echo "make parity   compare with real Keras (installs keras and jax)"
	@echo "make differential  run random programs here and on real Keras, SECONDS=600 SEED=0"
	@echo "make bench    time every kernel (DEVICE=cpu|gpu, ARGS='--compare old.json', ARGS='--only gemm')"
	@echo "make lint     ruff, mypy, clang-format, and a C++ build in which warnings are errors"
	@echo "make format   rewrite the sources in the project's format"
	@echo "make wheel    build the sdist and the wheel into dist/"
	@echo "make clean    remove everything that was built"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

# Rebuilt when a source changed: the compiler runs only on what is new. setup.py comes first because pip would hide how far it is;
# pip then finds the object files.
$(VENV)/.installed: $(BIN)/python pyproject.toml setup.py $(shell find csrc -type f)
	@echo "Compiling the kernels: minutes the first time, later only the files that changed."
	$(BIN)/python -m pip install -q pybind11 'setuptools>=77'
	$(BIN)/python setup.py -q build_ext --inplace
	$(BIN)/python -m pip install -q -e '.[examples,test]'
	@touch $@

train: $(VENV)/.installed
	$(BIN)/python examples/mnist.py

test: $(VENV)/.installed
	$(BIN)/python -m pytest -q -m "not slow and not sweep and not gpu and not parity" $(ARGS)

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -q -m "slow and not gpu" $(ARGS)

# The extension with a sanitizer lies in build/<sanitizer>; the one in the package stays as it is.
SANITIZED = tests/kernels tests/engine/test_passes.py tests/engine/test_threads_and_forks.py
SANITIZE_ISAS ?= portable,avx512

asan: SANITIZER = address
ubsan: SANITIZER = undefined
tsan: SANITIZER = thread
tsan: SANITIZED = tests/sanitized/test_races.py
asan ubsan tsan: $(VENV)/.installed
	$(BIN)/python -m pip install -q pybind11 setuptools
	KERASGPU_SANITIZE=$(SANITIZER) KERASGPU_BUILD_ISAS=$(SANITIZE_ISAS) $(BIN)/python setup.py -q build_ext --inplace
	$(BIN)/python tests/sanitized/run.py $(SANITIZER) -m "not slow and not sweep and not gpu and not parity" $(or $(ARGS),$(SANITIZED))
fuzz: $(VENV)/.installed
	KERASGPU_FUZZ_SECONDS=$(SECONDS) KERASGPU_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -q tests/fuzz $(ARGS)

parity: $(VENV)/.installed
	$(BIN)/python -m pip install -q keras==3.15.1 jax
	KERAS_BACKEND=jax $(BIN)/python -m pytest -q -m parity $(ARGS)

differential: $(VENV)/.installed
	$(BIN)/python -m pip install -q keras==3.15.1 jax
	KERAS_BACKEND=$(or $(KERAS_BACKEND),jax) $(BIN)/python -m tests.differential $(SEED) $(SECONDS)

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks --device $(DEVICE) $(ARGS)

$(VENV)/.lint: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install -q ruff==0.17.6 mypy==2.4.1 clang-format==23.1.5
	@touch $@

lint: $(VENV)/.installed $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy kerasgpu
	$(BIN)/clang-format --dry-run -Werror $(shell find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')

format: $(VENV)/.lint
	$(BIN)/ruff check --fix-only -q . || true
	$(BIN)/ruff format -q .
	$(BIN)/clang-format -i $(shell find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')

wheel: $(BIN)/python
	$(BIN)/python -m pip install -q build
	$(BIN)/python -m build

clean:
	rm -rf build dist *.egg-info $(VENV) .pytest_cache .mypy_cache .ruff_cache kerasgpu/*.so
