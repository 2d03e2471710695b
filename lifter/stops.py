"""Ctrl-C and SIGTERM: how a command hears them."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    A class of its own: Python remembers a plain KeyboardInterrupt that passes through `exec`, as it does while
    modules with dataclasses are imported, and ends by the signal at exit although it was caught.
    """


def listen() -> list[int]:
    """Let Ctrl-C and SIGTERM raise `Stopped` from now on.

    Returns:
        The signals that have come; empty until then. An error that ends the work after one is taken for what became of
        it: a module in C that is being imported makes an ImportError of it, with or without telling of what.
    """
    come: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        come.append(number)
        raise Stopped

    for how in (signal.SIGINT, signal.SIGTERM):
        signal.signal(how, stop)
    return come
