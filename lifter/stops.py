"""Ctrl-C and SIGTERM: how a command hears them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_STOPPED = 130
_PATIENCE_S, _AGAIN_S = 0.2, 0.02


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    A class of its own: Python remembers a plain KeyboardInterrupt that passes through `exec`, as it does while
    modules with dataclasses are imported, and ends by the signal at exit although it was caught.
    """


@contextmanager
def listening(line: str) -> Iterator[list[int]]:
    """Let Ctrl-C and SIGTERM raise `Stopped` in a block, and in those within it.

    While something is imported they wait for a fifth of a second: modules in C that an exception meets in their
    beginnings crash, forget it, or call it an import that failed. What takes longer ends the process as it stands.

    Args:
        line: to be said in that case.

    Returns:
        The signals that have come; empty until then. An error that ends the block after one is what became of it.
    """
    ear = signal.getsignal(signal.SIGTERM)
    if isinstance(ear, _Ear) and ear.at_work:
        yield ear.come
        return
    ear = _Ear(line)
    for how in (signal.SIGINT, signal.SIGTERM):
        signal.signal(how, ear)
    try:
        yield ear.come
    finally:
        ear.at_work = False
        if ear.come:  # or the timer would ring when nobody hears any more
            signal.setitimer(signal.ITIMER_REAL, 0)


class _Ear:
    """What is called when a signal comes.

    Attributes:
        come: the signals so far.
        at_work: whether its block has not ended yet.
    """

    def __init__(self, line: str) -> None:
        self.come, self.at_work = list[int](), True
        self._line, self._first_s = line, 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            if not self.at_work:  # it ended before the signal could be told
                return
        else:
            self.come.append(number)
            self._first_s = self._first_s or time.monotonic()
        if not _imports(frame):
            raise Stopped
        if time.monotonic() - self._first_s > _PATIENCE_S:
            os.write(2, self._line.encode())
            os._exit(EXIT_STOPPED)
        signal.signal(signal.SIGALRM, self)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _imports(frame: FrameType | None) -> bool:
    """Whether an import is going on."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
