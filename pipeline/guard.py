"""What a command does about failures and signals: one line, an exit code, nothing half written."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

from lifter.stops import EXIT_STOPPED, listening

EXIT_FAILED = 1
_STOPPED = "stopped; what was finished is kept, the same command goes on from there\n"


def guarded(work: Callable[[], int]) -> int:
    """Do the work; tell what a user can meet in one line, and turn it into an exit code."""
    _open_streams()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve everyone on a busy machine
    with listening(_STOPPED) as signals:
        try:
            return work()
        except KeyboardInterrupt:
            return _say_stopped()
        except Exception as error:  # noqa: BLE001 - `_tell` raises what it does not know
            return _say_stopped() if signals else _tell(error)


def _tell(error: Exception) -> int:
    """Tell in one line what can be foreseen, and return the exit code; anything else is raised again."""
    if isinstance(error, BrokenPipeError):
        # Nobody reads any more; the interpreter would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    if isinstance(error, MemoryError):
        return _fail("the memory is full; close other programs, or cut the film (--start, --end)")
    if isinstance(error, OSError):  # what no stage foresaw: a disk that goes away, a name too long
        return _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    from detectors.base import DetectorError
    from lifter.errors import LifterError
    from pipeline.errors import PipelineError

    if isinstance(error, PipelineError | DetectorError | LifterError):
        return _fail(str(error))
    raise error


def _say_stopped() -> int:
    sys.stderr.write(_STOPPED)
    return EXIT_STOPPED


def _open_streams() -> None:
    """Make sure that there is somewhere to print to, and that every name can be printed."""
    # Opened for as long as the process lives.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(line: str) -> int:
    from pipeline.progress import plain
    from pipeline.tables import marked

    sys.stderr.write(f"{marked('error:', sys.stderr)} {plain(' '.join(line.split()))}\n")
    return EXIT_FAILED
