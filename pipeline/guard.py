"""What a command does about failures and signals: one line, an exit code, nothing half written."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

EXIT_FAILED, EXIT_STOPPED = 1, 130


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    A class of its own: Python remembers a plain KeyboardInterrupt that passes through `exec`, as it does while
    modules with dataclasses are imported, and ends by the signal at exit although it was caught.
    """


def guarded(work: Callable[[], int]) -> int:
    """Do the work; tell what a user can meet in one line, and turn it into an exit code."""
    _open_streams()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve everyone on a busy machine
    for how in (signal.SIGINT, signal.SIGTERM):
        signal.signal(how, _stop)
    try:
        return _foreseen(work)
    except KeyboardInterrupt:
        return _say_stopped()
    except BrokenPipeError:
        # Nobody reads any more; the interpreter would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except MemoryError:
        return _fail(MemoryError("the memory is full; close other programs, or cut the film (--start, --end)"))
    except OSError as error:  # what no stage foresaw: a disk that goes away, a name too long
        return _fail(OSError(f"{error.filename or 'a file'}: {error.strerror or error}"))
    except Exception as error:
        from lifter.stops import is_stop

        if not is_stop(error):
            raise
        return _say_stopped()


def _foreseen(work: Callable[[], int]) -> int:
    """Do the work, and tell in one line what our own code refuses."""
    from detectors.base import DetectorError  # a tenth of a second, in which a signal is heard already
    from lifter.errors import LifterError
    from lifter.stops import is_stop
    from pipeline.errors import PipelineError

    try:
        return work()
    except (PipelineError, DetectorError, LifterError) as error:
        if is_stop(error):
            raise
        return _fail(error)


def _say_stopped() -> int:
    sys.stderr.write("stopped; what was finished is kept, the same command goes on from there\n")
    return EXIT_STOPPED


def _open_streams() -> None:
    """Make sure that there is somewhere to print to, and that every name can be printed."""
    # Opened for as long as the process lives.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(error: Exception) -> int:
    from pipeline.progress import plain
    from pipeline.tables import marked

    sys.stderr.write(f"{marked('error:', sys.stderr)} {plain(' '.join(str(error).split()))}\n")
    return EXIT_FAILED


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped
