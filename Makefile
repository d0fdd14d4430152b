# make demo: install, then the miniature from raw text to figures. make test: install, then the tests that are not slow;
# make test-all adds the slow ones. Needs Python 3.11+.

PYTHON ?= python3
BIN := .venv/bin
# pip would take half of the installation's time to compile 18,000 modules. Python compiles those that are imported, once;
# it keeps them even if the shell says PYTHONDONTWRITEBYTECODE.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
unexport PYTHONDONTWRITEBYTECODE

PYTEST := $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder

.PHONY: install demo test test-slow test-all check config-docs speed gpu-check clean

install: .venv/installed

demo: .venv/installed
	$(BIN)/snakemake --profile laptop all

# Three at a time on two cores: some tests wait for processes that they have started, or for Slurm.
test: .venv/installed-dev
	$(PYTEST) -n 3 -m "not slow"

test-slow: .venv/installed-dev
	$(PYTEST) -n 3 -m slow

test-all: test test-slow

check: .venv/installed-dev
	$(BIN)/ruff format --check src tests speed workflow/scripts
	$(BIN)/ruff check src tests speed workflow/scripts
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint

config-docs: .venv/installed
	$(BIN)/python -m growmerge.config.describe

# At most 20 minutes, on a machine that does nothing else: writes docs/measured/speed.csv and the tables of docs/speed.md.
speed: .venv/installed-dev
	$(BIN)/python speed/compare.py $(ARGUMENTS)

# On a machine with a GPU: at most eight minutes after the installation. The page is gpu-check/page.md.
gpu-check: .venv/installed-gpu
	$(BIN)/python speed/gpu_check.py

# pip uses one core: torch, the largest package, is installed beside all others; then what this build of it needs.
.venv/installed: requirements.lock requirements-torch.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "growmerge needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(PIP) --no-deps -r requirements-torch.lock & torch=$$!; \
	$(PIP) --no-deps --require-hashes -r requirements.lock; others=$$?; wait $$torch && exit $$others
	$(PIP) -r requirements-torch.lock
	$(PIP) --no-deps -e .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	touch $@

# Without liger-kernel the check runs, too, and leaves its rows out.
.venv/installed-gpu: .venv/installed-dev requirements-gpu.lock
	-$(PIP) -r requirements-gpu.lock
	touch $@

clean:
	rm -rf .venv .snakemake results
