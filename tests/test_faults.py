"""What may happen to a machine: kills, full disks, folders that go, wrong bytes, two at once, clocks, little memory.

Each ends in a right result or one line, and what was made before is kept. The long runs: `tests/faults/kills.py`.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))
import kills
from forked import cpu_seconds, ended, is_over, start

from pipeline.parts import part_of
from pipeline.store import load_pose2d, load_pose3d, write_whole
from pipeline.video import VideoWriter

ONE_LINE = re.compile(r"error: [^\n]+\n")
NAMES = ("pose2d.npz", "pose3d.npz", "walk_3d.mp4")


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    kills.warm()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film and a run of it that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    kills.film(folder)
    assert ended(start(lambda: kills.run_film(folder), folder / "said.txt"))[0] == 0, (folder / "said.txt").read_text()
    return folder


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> Path:
    """A folder with the same film, and no run yet."""
    shutil.copy2(whole / "walk.mp4", tmp_path / "walk.mp4")
    return tmp_path


def tried(place: Path, before: Callable[[], object] = lambda: None) -> tuple[int | None, str]:
    """Run the film in a child in which `before` was called; return its exit code and what it said on its own."""
    said = place / "said.txt"
    said.unlink(missing_ok=True)

    def main() -> int:
        before()
        return kills.run_film(place)

    return ended(start(main, said))[0], said.read_text()


def goes_on(place: Path, whole: Path) -> None:
    """Run again, undisturbed: the result must be the whole one's, and nothing else in the folder."""
    code, said = tried(place)
    assert code == 0, said
    assert kills.arrays_of_run(place) == kills.arrays_of_run(whole)
    assert {file.name for file in (place / "runs/walk").iterdir()} == {*NAMES, "run.json"}


def told_in_one_line(said: str) -> str:
    errors = [line for line in said.splitlines(keepends=True) if ONE_LINE.fullmatch(line)]
    assert "Traceback" not in said and len(errors) == 1, said
    return errors[0]


def all_whole(folder: Path) -> None:
    """Whatever lies there under a final name can be read to its end."""
    for name, load in (("pose2d.npz", load_pose2d), ("pose3d.npz", load_pose3d)):
        if (folder / name).exists():
            load(folder / name)


@pytest.mark.parametrize("job, times", [
    ("run", 4), ("export", 4), pytest.param("run", 25, marks=pytest.mark.slow),
    pytest.param("export", 25, marks=pytest.mark.slow), pytest.param("train", 6, marks=pytest.mark.slow),
])  # fmt: skip
def test_kills_at_random_moments_lose_nothing(job: str, times: int, tmp_path: Path) -> None:
    said: list[str] = []
    count = kills.kill_and_compare(job, times, 11, tmp_path, said.append)
    assert count["differ"] == count["litter"] == count["failed"] == 0, "\n".join(said)
    assert count["kills"] > 0


@pytest.mark.parametrize("room", [500, 3_000, 12_000])  # what is said must fit too
def test_a_full_disk_is_one_line_and_nothing_is_lost(place: Path, whole: Path, room: int) -> None:
    code, said = tried(place, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    assert code == 1 and "cannot" in told_in_one_line(said)
    all_whole(place / "runs/walk")
    goes_on(place, whole)


def test_what_cannot_be_printed_is_no_traceback(place: Path, whole: Path) -> None:
    def full() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), sys.stdout.fileno())

    code, said = tried(place, full)
    assert code == 0 and "Traceback" not in said
    assert kills.arrays_of_run(place) == kills.arrays_of_run(whole)


@pytest.mark.parametrize("where", ["runs", "runs/walk"])
def test_a_file_in_the_place_of_the_folder_is_one_line(place: Path, where: str, whole: Path) -> None:
    (place / where).parent.mkdir(exist_ok=True)
    (place / where).write_text("in the way")
    code, said = tried(place)
    assert code == 1 and "--output" in told_in_one_line(said)
    (place / where).unlink()
    goes_on(place, whole)


@pytest.mark.parametrize("stage", ["detect", "lift", "render"])
def test_a_folder_that_vanishes_is_one_line(place: Path, whole: Path, stage: str) -> None:
    from pipeline import stages

    honest = getattr(stages, stage)

    def vanishing(*given: object, **named: object) -> object:
        shutil.rmtree(place / "runs")
        return honest(*given, **named)

    code, said = tried(place, lambda: setattr(stages, stage, vanishing))
    assert code == 1, said
    told_in_one_line(said)
    goes_on(place, whole)


def test_a_wrong_byte_anywhere_in_what_is_kept_is_noticed(place: Path, whole: Path) -> None:
    rng = np.random.default_rng(4)
    shutil.copytree(whole / "runs", place / "runs")
    for name in (*NAMES, "run.json", "pose2d.npz", "run.json"):
        file = place / "runs/walk" / name
        content = bytearray(file.read_bytes())
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        file.write_bytes(content)
        code, said = tried(place)
        assert code == 0, said
        # Not the bytes: an archive has some that mean nothing, as the attributes of a file.
        for inside, load in (("pose2d.npz", load_pose2d), ("pose3d.npz", load_pose3d)):
            ours, other = (vars(load(folder / "runs/walk" / inside)) for folder in (place, whole))
            assert all(np.array_equal(ours[array], other[array]) for array in other), (name, inside)
        assert kills.arrays_of_run(place)["walk_3d.mp4"] == kills.arrays_of_run(whole)["walk_3d.mp4"], name


def test_of_two_runs_in_one_folder_one_waits_for_no_one(place: Path, whole: Path) -> None:
    """Both at once: each ends well or is told to wait; together they leave one whole result."""
    said = [place / "first.txt", place / "second.txt"]
    codes = [ended(pid)[0] for pid in [start(lambda: kills.run_film(place), file) for file in said]]
    assert 0 in codes and set(codes) <= {0, 1}
    for code, file in zip(codes, said, strict=True):
        if code:
            assert "another run is at work" in told_in_one_line(file.read_text())
    goes_on(place, whole)


def test_a_clock_that_is_set_back_changes_nothing(place: Path, whole: Path) -> None:
    honest = time.time

    def back() -> None:
        time.time = lambda: honest() - 86_400 * 400  # type: ignore[method-assign]

    assert tried(place, back)[0] == 0
    for file in (place / "runs/walk").iterdir():
        os.utime(file, (0, 0))
    code, said = tried(place)
    assert code == 0 and "nothing to do" in said
    goes_on(place, whole)


class Dying:
    """A film that is being written, by an encoder that gives up."""

    def __init__(self, film: object) -> None:
        self._film = film

    def __getattr__(self, name: str) -> object:
        return getattr(self._film, name)

    def mux(self, _: object) -> None:
        raise av.error.ExternalError(542398533, "Generic error in an external library")


def test_an_encoder_that_dies_is_one_line(place: Path, whole: Path) -> None:
    def dying() -> None:
        VideoWriter._open_film = property(lambda self: Dying(self._film))  # type: ignore[assignment,method-assign]

    code, said = tried(place, dying)
    assert code == 1 and "cannot be written (Generic error" in told_in_one_line(said)
    assert {file.name for file in (place / "runs/walk").iterdir()} == {"pose2d.npz", "pose3d.npz", "run.json"}
    goes_on(place, whole)


@pytest.mark.parametrize("spare_mb", [30, 90])
def test_too_little_memory_is_one_line(place: Path, whole: Path, spare_mb: int) -> None:
    def limited() -> None:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + (spare_mb << 20), used + (spare_mb << 20)))

    code, said = tried(place, limited)
    if code:
        assert code == 1, said
        told_in_one_line(said)
        if (place / "runs/walk").exists():
            all_whole(place / "runs/walk")
    goes_on(place, whole)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("behind_s", [0.05, 0.2, 0.4])
def test_a_stop_is_tidy_and_soon(place: Path, whole: Path, how: signal.Signals, behind_s: float) -> None:
    """Within a second of the processor's time: the clock on the wall tells how busy the machine is."""
    pid = start(lambda: kills.run_film(place), place / "said.txt")
    while (before := cpu_seconds(pid)) < behind_s and not is_over(pid):
        time.sleep(0.002)
    os.kill(pid, how)
    code, used = ended(pid)
    said = (place / "said.txt").read_text()
    assert used - before < 1 and "Traceback" not in said
    assert code in (130, 0, -how), said  # at work; at the end already; before it listens
    assert code != 130 or said.endswith("the same command goes on from there\n")
    if (place / "runs/walk").exists():
        names = {file.name for file in (place / "runs/walk").iterdir()}
        assert names <= {*NAMES, "run.json", ".pose2d.npz.shards"}, names
        all_whole(place / "runs/walk")
    goes_on(place, whole)


def test_what_dead_processes_left_goes_and_what_living_ones_write_stays(tmp_path: Path) -> None:
    file = tmp_path / "walk.bvh"
    dead = start(lambda: 0, tmp_path / "said.txt")
    ended(dead)
    mine = part_of(file)
    for pid in (dead, os.getppid()):
        mine.with_name(f".walk.bvh.part{pid}").touch()
    write_whole(file, lambda out: out.write(b"content"))
    assert {found.name for found in tmp_path.iterdir()} == {"walk.bvh", f".walk.bvh.part{os.getppid()}", "said.txt"}


PAGE = (Path(__file__).parents[1] / "pipeline/guide/reliability.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_means_something(tmp_path: Path) -> None:
    """The tools know their flags, and every word behind `-k` chooses tests of the file that is named."""
    told = re.findall(r"`python (\S+) ([^`]+)`", PAGE)
    assert len(told) > 10
    for tool, words in told:
        if tool == "-m":
            if re.fullmatch(r"pytest --random-order-bucket=module --random-order-seed=\d+", words):
                continue  # all files
            file, word = re.fullmatch(r"pytest (?:-m forks )?(tests/\S+\.py)(?: -k (\w+))?", words).groups()  # type: ignore[union-attr]
            names = re.findall(r"^def (test_\w+)", (kills.ROOT / file).read_text(encoding="utf-8"), flags=re.M)
            assert [name for name in names if not word or word in name], words
        else:
            told_flags = set(re.findall(r"--[a-z]+", words))
            assert told_flags <= set(re.findall(r'"(--[a-z]+)"', (kills.ROOT / tool).read_text(encoding="utf-8"))), (
                words
            )
            assert tool != "tests/faults/kills.py" or words.split()[0] in kills.JOBS
