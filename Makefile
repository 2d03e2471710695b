# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test bench lint clean

setup: $(READY)

# mediapipe and mmpose come without their own lists, which ask for packages that do not build and are not
# imported; what they do import stands in pyproject.toml.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[lab,mmpose,dev]'
	$(BIN)/python -m pip install --quiet --no-deps mmpose==1.3.2 mediapipe==0.10.21
	touch $@

# Draws a person, finds them, lifts them, and says how far off it was; VIDEO=film.mp4 takes your own.
demo: setup
	$(BIN)/python -m pipeline.demo $(if $(VIDEO),"$(VIDEO)")

test: setup
	$(BIN)/python -m pytest

# Ratios measured side by side; what each means: tests/benchmarks/README.md.
bench: setup
	$(BIN)/python tests/benchmarks

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) runs build *.egg-info
