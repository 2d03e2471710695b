"""The soak tells growth, losses and litter, and a batch of some films has none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))
import soak


def seen(memory: float = 0.0, handles: float = 0.0) -> list[soak.Look]:
    """A batch of 100 films that grows by so much a film."""
    return [soak.Look(done, 400 + memory * done, round(10 + handles * done)) for done in range(101)]


def told(failed: int = 16, count: int = 100) -> list[dict[str, object]]:
    return [{"state": "failed" if number < failed else "done"} for number in range(count)]


def test_what_does_not_grow_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.judge(seen(memory=0.1), told(), tmp_path, 100) == []
    assert "from the second tenth to the last: +8.0 MB, +0 open files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("looks", "outcomes", "wrong"),
    [
        (seen(memory=1), told(), "grows by 80 MB and 0 open files"),
        (seen(handles=0.1), told(), "grows by 0 MB and 8 open files"),
        (seen(), told(count=99), "99 of 100 films told of, 16 failed"),
        (seen(), told(failed=17), "100 of 100 films told of, 17 failed"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, looks: list[soak.Look], outcomes: list[dict[str, object]], wrong: str
) -> None:
    assert soak.judge(looks, outcomes, tmp_path, 100) == [wrong]


def test_what_is_left_over_is_told(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    (tmp_path / "film/.film.mp4.part7").touch()
    (wrong,) = soak.judge(seen(), told(), tmp_path, 100)
    assert wrong.startswith("1 files left over, such as ")


@pytest.mark.slow
def test_a_short_soak() -> None:
    words = [str(Path(soak.__file__)), "--films", "60"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("nothing lost\n")
