"""A fixed share of the films that nobody should make; the long run is `python tests/fuzz/run.py --films 2000`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))
import run as fuzzing
from make_films import make


@pytest.mark.parametrize(
    "first, films", [(0, 60), pytest.param(10_000, 500, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_whatever_the_film_the_result_is_right_or_one_line(first: int, films: int, tmp_path: Path) -> None:
    count, wrong = fuzzing.fuzz(films, first, tmp_path)
    assert not wrong, "\n\n".join(wrong)
    assert sum(count.values()) == films
    came = {what.rpartition(" ")[2] for what in count}
    assert came == {"ok", "refused"}  # or it tests nothing


def test_a_seed_makes_the_same_film_again(tmp_path: Path) -> None:
    for seed in (1, 5, 9):
        (tmp_path / f"a{seed}").mkdir()
        (tmp_path / f"b{seed}").mkdir()
        (first, what), (second, again) = (make(seed, tmp_path / f"{name}{seed}") for name in "ab")
        assert what == again and first.name == second.name
        assert not first.is_file() or first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("text, code, wrong", [
    ("Traceback (most recent call last):\n", 1, "exit code 1"), ("", 70, "exit code 70"), ("", 1, "0 lines"),
    ("error: a\nerror: b\n", 1, "2 lines"), ("error: a\n", 0, "exit code 0 and"), ("error: a\n", 1, ""), ("", 0, ""),
])  # fmt: skip
def test_the_judge_sees_what_is_wrong(text: str, code: int, wrong: str, tmp_path: Path) -> None:
    judged = fuzzing._judge(code, text, tmp_path / "out", whole=False)
    assert judged.startswith(wrong) and bool(judged) == bool(wrong)


def test_the_judge_sees_files_that_are_not_whole(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / ".pose2d.npz.part12").write_bytes(b"")
    assert "litter" in fuzzing._judge(1, "error: x\n", tmp_path, whole=True)
    assert "no folder" in fuzzing._judge(0, "", tmp_path / "none", whole=True)
