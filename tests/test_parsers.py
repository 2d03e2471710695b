"""A fixed share of what nobody should give a parser; the long run: `python tests/fuzz/parsers.py all --seconds 60`."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))
import judge
import parsers
from mutate import mutated, packed, scrambled, unpacked
from parser_table import TARGETS, Target

from pipeline.errors import PipelineError

COMMAND = [sys.executable, str(Path(__file__).parent / "fuzz" / "parsers.py")]
LIMIT_S = 30.0  # of the processor, for one input


class Hangs(BaseException):
    """No parser catches it."""


@pytest.fixture(scope="module")
def watch() -> judge.Watch:
    return judge.Watch()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def bell() -> Iterator[Callable[[], None]]:
    """Rings when an input takes too long; what it gives winds it up anew."""

    def ring(_signal: int, _frame: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGVTALRM, ring)
    yield lambda: signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("many", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TARGETS)
def test_whatever_it_is_given_the_result_is_right_or_one_line(
    name: str, many: int, place: Path, watch: judge.Watch, bell: Callable[[], None]
) -> None:
    seeds, how = TARGETS[name].seeds(place.parent / "seeds"), random.Random(many)
    judge.warm_up(name, seeds, place)
    assert all(judge.tried(name, seed, place, watch) for seed in seeds)
    came = set()
    for number in range(many):
        data = how.choice(seeds)
        for _ in range(how.choice((1, 1, 2, 3))):
            data = mutated(data, TARGETS[name].kind, how, lambda part: scrambled(part, how))
        bell()
        try:
            came.add(judge.tried(name, data, place, watch))
        except judge.Wrong as error:
            raise AssertionError(f"input {number}: {data[:2000]!r}") from error
    assert True in came  # or it tests nothing


def test_changes_are_the_same_again_and_archives_stay_archives(tmp_path: Path) -> None:
    for target in TARGETS.values():
        seed = target.seeds(tmp_path)[0]
        made = [
            mutated(seed, target.kind, how, lambda part, how=how: scrambled(part, how))  # type: ignore[misc]
            for how in (random.Random(3), random.Random(3))
        ]
        assert made[0] == made[1]
        if target.kind == "zip":
            assert packed(unpacked(seed)) == packed(unpacked(packed(unpacked(seed))))
    seed, changed = TARGETS["poses"].seeds(tmp_path)[0], []
    for number in range(40):
        how = random.Random(number)
        changed.append(mutated(seed, "zip", how, lambda part, how=how: scrambled(part, how)))  # type: ignore[misc]
    assert sum(bool(unpacked(data)) for data in changed) > 30  # beyond the checksums


def _line(_path: Path) -> object:
    raise PipelineError("input: no such thing;\nname another")


def _nameless(_path: Path) -> object:
    raise PipelineError("it went wrong")


def _warns(_path: Path) -> object:
    warnings.warn("hm", RuntimeWarning, stacklevel=1)
    return None


def _writes(path: Path) -> object:
    (path.parents[1] / "elsewhere").write_text("")
    return None


def _starts(_path: Path) -> object:
    return subprocess.run(["true"], check=True).returncode


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (lambda path: {"a": [np.ones(2), 1.5]}, None), (_line, None), (_nameless, "does not name"),
        (lambda path: {}["a"], "KeyError"), (_warns, "RuntimeWarning"), (lambda path: [np.array([np.nan])], "finite"),
        (_writes, "touched"), (_starts, "touched"), (lambda path: path.with_name("b").write_text(""), None),
    ],
)  # fmt: skip
def test_the_judge_sees_what_is_wrong(
    read: Callable[[Path], object], wrong: str | None, place: Path, watch: judge.Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TARGETS, "made", Target(read, lambda _: [b""], "raw", "input"))  # type: ignore[arg-type]
    if wrong is None:
        judge.tried("made", b"a", place, watch)
    else:
        with pytest.raises(judge.Wrong, match=wrong):
            judge.tried("made", b"a", place, watch)
    assert watch.place is None  # and nobody else is watched


def test_an_input_is_tried_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "kept"
    file.write_bytes(b"pitch = inf")
    assert parsers.repeat("camera-toml", file) == 0
    assert "refused in one line" in capsys.readouterr().out
    made = Target(lambda path: 1 / len(path.read_bytes()), lambda _: [b"a"], "raw", "input")
    monkeypatch.setitem(TARGETS, "made", made)  # type: ignore[arg-type]
    file.write_bytes(b"")
    assert parsers.repeat("made", file) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_names_are_listed() -> None:
    done = subprocess.run([*COMMAND, "--list"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(TARGETS)


def test_libfuzzer_leads_a_parser(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="no atheris here: pip install '.[fuzz]', Linux on x86 alone")
    command = [*COMMAND, "films", "--seconds", "2", "--corpus", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    found = re.search(r"films +(\d+) inputs, (\d+) kept", done.stdout)
    assert found and int(found[1]) > 100 and int(found[2]) > 5
    assert len(list((tmp_path / "films").iterdir())) > 2  # what reached something new
