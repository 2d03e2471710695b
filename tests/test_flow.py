"""Laws of overlapping work: order, bounds, and an end of every thread whatever fails."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.flow import ahead, behind, opencv_alone


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def counting(stop: int, made: list[int], fails_at: int | None = None) -> Iterator[int]:
    for number in range(stop):
        if number == fails_at:
            raise OSError("the disk is gone")
        made.append(number)
        yield number


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_everything_arrives_once_and_in_order(depth: int) -> None:
    done: list[int] = []
    with ahead(range(50), depth) as numbers, behind(done.append, depth) as give:
        for number in numbers:
            give(number)
    assert done == list(range(50))


def test_a_source_runs_ahead_but_only_so_far() -> None:
    made: list[int] = []
    with ahead(counting(1000, made), depth=5) as numbers:
        for number in numbers:
            if number % 100 == 0:
                wait_until(lambda: len(made) >= min(number + 7, 1000))  # noqa: B023 - called here and now
            assert len(made) <= number + 7  # taken, waiting, and in the maker's hand


def test_a_sink_follows_but_only_so_far_behind() -> None:
    gate, done, given = threading.Event(), list[int](), list[int]()
    waiting: list[int] = []

    def slow(item: int) -> None:
        gate.wait()
        waiting.append(len(given) - len(done))
        done.append(item)

    def give_all(give: Callable[[int], None]) -> None:
        for number in range(20):
            give(number)
            given.append(number)

    with behind(slow, depth=3) as give:
        giver = threading.Thread(target=give_all, args=(give,))
        giver.start()
        wait_until(lambda: len(given) == 4)
        assert not done
        gate.set()
        giver.join()
    assert done == list(range(20)) and max(waiting) <= 4  # those that wait, and the one at work


def test_both_work_at_once() -> None:
    """Each waits for the other to be at work too: one after the other would never end."""
    meeting = threading.Barrier(3, timeout=10)

    def source() -> Iterator[int]:
        yield 0
        meeting.wait()
        yield 1

    with ahead(source(), 1) as numbers, behind(lambda _: meeting.wait() and None, 1) as give:
        give(next(numbers))
        meeting.wait()
        assert list(numbers) == [1]


def test_what_the_source_raises_arrives_after_what_it_made() -> None:
    made: list[int] = []
    taken: list[int] = []
    with pytest.raises(OSError, match="disk"), ahead(counting(9, made, fails_at=4)) as numbers:
        for number in numbers:
            taken.append(number)
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize("last", [False, True])
def test_what_the_sink_raises_ends_the_block(last: bool) -> None:
    def full(item: int) -> None:
        if item == 3:
            raise OSError("no space left")

    with pytest.raises(OSError, match="space"), behind(full, 2) as give:
        for number in range(4 if last else 10_000_000):
            give(number)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_stops_a_source_and_a_sink_that_wait(kind: type[BaseException]) -> None:
    made: list[int] = []
    done: list[int] = []
    before = set(threading.enumerate())
    with pytest.raises(kind), ahead(counting(10**9, made)) as numbers, behind(done.append) as give:
        give(next(numbers))
        raise kind
    assert set(threading.enumerate()) <= before and len(made) < 10  # nobody is left to make more


SIGNALLED = """
import signal, threading
from pipeline import flow

class Signalled(BaseException):
    pass

at_work, come, done, awaited = threading.Event(), threading.Event(), threading.Event(), threading.Event()
here = threading.get_ident()

class End(threading.Event):
    def wait(self, timeout=None):
        awaited.set()
        return super().wait(timeout)

def slow(item):
    at_work.set()
    assert come.wait(10)
    done.set()

def handler(number, frame):
    if not come.is_set():
        come.set()
        raise Signalled

def send():
    assert at_work.wait(10) and awaited.wait(10)
    while not come.is_set():  # a signal just before a wait is heard after it
        signal.pthread_kill(here, signal.SIGUSR1)
        come.wait(0.02)

flow.Event = End
signal.signal(signal.SIGUSR1, handler)
threading.Thread(target=send).start()
try:
    {block}
except Signalled:
    print("raised,", "ended" if done.is_set() else "at work")
"""


@pytest.mark.parametrize(
    "block",
    ["with flow.behind(slow) as give: give(0)", "with flow.ahead(map(slow, range(9)), 1): pass"],
    ids=["behind", "ahead"],
)
def test_a_thread_has_ended_also_where_a_signal_comes_while_it_is_waited_for(block: str) -> None:
    """Python 3.11 takes a thread for ended when a signal breaks off its `join`.

    In a process of its own: signals are for the first thread of all, whatever other tests have made of its stacks.
    """
    command = [sys.executable, "-c", SIGNALLED.replace("{block}", block)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.stdout == "raised, ended\n", done.stderr


def test_no_thread_to_be_had_is_no_endless_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    with pytest.raises(RuntimeError, match="can't start"), ahead(range(3)):
        pass


def test_a_source_left_half_way_is_closed() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.set()

    with ahead(source(), 2) as numbers:
        assert next(numbers) == 0
    assert closed.wait(10)


def test_long_films_are_taken_some_frames_at_a_time_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from lifter import rates
    from pipeline import translation

    random = np.random.default_rng(0)
    known = np.cumsum(random.uniform(0.02, 0.05, 60)) - 0.02
    track = random.normal(size=(60, 17, 3)).astype(np.float32)
    wanted = np.linspace(-0.1, known[-1] + 0.1, 130)
    fitted = track, 300 + 50 * track[..., :2], random.uniform(0, 1, (60, 17)), 1000.0, (300.0, 300.0)
    whole = rates.between(track, known, wanted), *translation.fit_translation(*fitted)
    for frames in (1, 2, 7, 59, 60, 61):
        monkeypatch.setattr(rates, "CURVE", frames)
        monkeypatch.setattr(translation, "_AT_ONCE", frames)
        parts = rates.between(track, known, wanted), *translation.fit_translation(*fitted)
        for one, other in zip(whole, parts, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_opencv_has_its_threads_again_whatever_happens() -> None:
    import cv2

    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        with pytest.raises(ValueError, match="gone"), opencv_alone():
            assert cv2.getNumThreads() == 1
            raise ValueError("gone")
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)
