"""Commands in children of a process that has imported everything: a hundred whole runs in the time of ten."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def start(main: Callable[[], int], said: Path) -> int:
    """Start `main` in a child that writes what it says to `said`; return the child's process number."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        into = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(into, 1)
        os.dup2(into, 2)
        sys.stdout, sys.stderr = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(2), "w", buffering=1)
        code = main()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - what a process would do: show it, and end
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(pid: int, dies_at_s: float | None = None, limit_s: float = 900.0) -> tuple[int | None, float]:
    """Wait for a child, killing it behind so many seconds of processor time.

    Returns:
        Its exit code, or minus the signal that ended it, or None where it hung; and its seconds of processor.
    """
    began, used = time.monotonic(), 0.0
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), used
        used = cpu_seconds(pid)
        hangs = time.monotonic() - began > limit_s
        if hangs or (dies_at_s is not None and used >= dies_at_s):
            os.kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            return (None if hangs else code), used
        time.sleep(0.01)


def cpu_seconds(pid: int) -> float:
    """Return the processor time a child has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_over(pid: int) -> bool:
    """Whether a child has ended and waits to be asked for its exit code."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
