"""The house stays as drawn: who may import whom, nothing heavy on import, no names of old rooms."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ISLANDS = {"detectors", "lifter", "render"}
PACKAGES = {*ISLANDS, "pipeline"}
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file) for file in FILES}


def imports(file: Path, everywhere: bool) -> set[str]:
    """Modules that a file imports: everywhere in it, or only when it is imported itself."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree)) if everywhere else list(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            # Of a package either a module, or a name that the package's own file has.
            found |= whole if whole <= MODULES else whole | {node.module}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))
def test_islands_import_no_one(file: Path) -> None:
    package = file.relative_to(ROOT).parts[0]
    foreign = {name.split(".")[0] for name in imports(file, everywhere=True)} & PACKAGES - {package}
    assert not foreign or package == "pipeline"


@pytest.mark.parametrize("everywhere", [False, True], ids=["on import", "inside functions and for types too"])
def test_no_circles(everywhere: bool) -> None:
    modules = {module_of(file): file for file in FILES}
    needs = {name: imports(file, everywhere) & set(modules) - {name} for name, file in modules.items()}
    done: set[str] = set()
    while ready := {name for name in needs if name not in done and needs[name] <= done}:
        done |= ready
    assert not set(needs) - done, "these import each other in a circle"


VERBS = (
    "run", "live", "batch", "compare", "detect", "lift", "render", "detectors", "doctor", "export", "view", "measure",
    "report", "completion",
)  # fmt: skip


@pytest.mark.parametrize("verb", [[], *([verb] for verb in VERBS)])
def test_help_loads_nothing_heavy(verb: list[str]) -> None:
    code = (
        "import sys; from pipeline.cli import main\n"
        f"try: main({[*verb, '--help']!r})\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'torch', 'numpy', 'cv2', 'av', 'mmpose', 'mediapipe', 'scipy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "usage: python -m pipeline" in done.stdout


@pytest.mark.parametrize("package", ["pipeline.run", "detectors.registry", "pipeline.settings"])
def test_import_does_nothing_heavy(package: str) -> None:
    code = f"import {package}, sys; assert not {{'torch', 'cv2', 'mmpose', 'mediapipe'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


# What only other detectors, the laboratory, terminals and plots need.
OTHERS = {
    "onnxruntime", "openvino", "mediapipe", "mmpose", "mmdet", "mmcv", "mmengine", "torchvision", "matplotlib", "rich",
    "tensorboard", "h5py", "ray", "sympy", "pandas", "PIL",
}  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "unneeded"),
    [
        (["render", "film.mp4"], {"torch", "scipy", *OTHERS}),
        (["detect", "film.mp4", "--detector", "scripted"], {"torch", *OTHERS}),
        (["run", "film.mp4", "--detector", "scripted"], OTHERS),
    ],
)
def test_a_run_loads_only_what_it_uses(verb: list[str], unneeded: set[str], tmp_path: Path) -> None:
    from test_run import make_film

    make_film(tmp_path / "film.mp4", frames=4, size=(64, 48))
    words = [*verb, "--output", "out", "--quiet"]
    before = f"main({['run', *words[1:2], '--detector', 'scripted', *words[-3:]]!r})" if verb[0] == "render" else "0"
    code = (
        "import os, sys; from pipeline.cli import main\n"
        f"if not os.fork(): sys.exit({before})\n"
        "assert os.wait()[1] == 0\n"
        f"assert main({words!r}) == 0\n"
        f"heavy = {unneeded!r} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr


def test_functions_stay_short() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1} lines"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 80
    ]
    assert not long


def test_the_islands_mean_the_same_skeleton() -> None:
    from detectors.joints import H36M_17
    from lifter import joints
    from render.drawn import JOINTS, PARENTS

    assert H36M_17 == joints.NAMES == tuple(JOINTS)
    assert tuple(PARENTS[1:]) == joints.PARENTS[1:]  # the root has no parent, said in two ways
