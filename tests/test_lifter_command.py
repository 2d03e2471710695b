"""The laboratory's door: help without weight, every verb there, what is missing told in a line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lifter.__main__ import VERBS, main

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("verb", ["", *VERBS, "prepare mocap", "prepare h36m", "prepare 3dhp", "prepare detections"])
def test_help_loads_nothing_heavy(verb: str) -> None:
    code = (
        "import sys; from lifter.__main__ import main\n"
        f"try: main({[*verb.split(), '--help']!r})\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'torch', 'numpy', 'scipy', 'mmengine', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert f"usage: python -m lifter {verb}".strip() in done.stdout


def test_every_verb_has_its_file() -> None:
    assert {file.stem for file in (ROOT / "lifter" / "commands").glob("*.py")} >= set(VERBS)


def test_a_package_of_the_laboratory_that_is_missing_is_one_line(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['mmengine'] = None\n"  # the import system's word for what is not there
        "from lifter.__main__ import main\n"
        f"sys.exit(main(['train', 'configs/mocap.py', '--out', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "needs mmengine" in done.stderr and "[lab]" in done.stderr


def test_no_verb_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
