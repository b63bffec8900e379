# The only requirements are Python 3.11 or later, make, and a network connection to install packages.
#   make run     all stages on the bundled sample           make test         the fast tests
#   make real    the README's tables (needs KOBERT_DATA)    make test-system  whole programs: kills, README commands
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
# Without a GPU, TORCH_INDEX=https://download.pytorch.org/whl/cpu saves gigabytes of CUDA libraries.
TORCH_INDEX ?=
GPU := $(shell command -v nvidia-smi 2>/dev/null)
define CHECK_GPU_BUILD
$(BIN)/python -c 'import sys, torch; sys.exit(None if torch.version.cuda else "This machine has a GPU, but the installed torch is a CPU build. Run: make TORCH_INDEX=https://download.pytorch.org/whl/cu130")'
endef

.PHONY: run test test-system test-real real systems speedrun bench-corpora bench-tokenizer bench-dataset bench-pretrain bench-distil bench-klue bench-export bench-gpu house lint format clean

run: $(READY)
	$(BIN)/kobert run quickstart --yes

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==$(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(if $(GPU),$(CHECK_GPU_BUILD))
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

# At most four processes, of one thread each.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test: $(READY)
	$(PYTEST) -m "not system and not real"

test-system: $(READY)
	$(PYTEST) -m system

test-real: $(READY)
	$(BIN)/pytest -m real

real: $(READY)
	$(BIN)/python tests/real/run.py

systems: $(READY)
	$(BIN)/python tests/bench/systems.py

# SPEEDRUN="NAME SETTING=VALUE …" is an attempt of your own
speedrun: $(READY)
	$(BIN)/python tests/bench/speedrun.py $(SPEEDRUN)

bench-corpora: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python tests/bench/bench_corpora.py

bench-tokenizer: $(READY)
	$(BIN)/python tests/bench/bench_tokenizer.py

bench-dataset: $(READY)
	$(BIN)/python tests/bench/bench_dataset.py

bench-pretrain: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python tests/bench/bench_pretrain.py

bench-distil: $(READY)
	$(BIN)/python tests/bench/bench_distil.py

bench-gpu: $(READY)
	$(BIN)/python tests/bench/gpu.py pack build/bench/gpu.tar.xz
	$(BIN)/python tests/bench/gpu.py run build/bench/gpu.tar.xz

bench-klue: $(READY)
	$(BIN)/python tests/bench/bench_klue.py

bench-export: $(READY)
	$(BIN)/python tests/bench/bench_export.py

# Sizes, imports and names of the source. Next to another checkout: make house OTHER=path
house: $(READY)
	$(BIN)/python tests/support/house.py $(OTHER) .

# What tests share, and the tests of the whole project. The others pass made-up objects and partial settings on purpose.
TYPED_TESTS := tests/support tests/*.py tests/real/*.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=tests/support $(BIN)/mypy --explicit-package-bases $(TYPED_TESTS)
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
