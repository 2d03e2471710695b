"""One training at a time in a folder: a second one is told, rather than writing among the first one's files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lifter.errors import LifterError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one training; it is free again when the process ends, however it ends.

    Under `torchrun` the first process holds it for all.

    Raises:
        LifterError: another training is at work there.
    """
    if sys.platform == "win32" or os.environ.get("RANK", "0") != "0":
        yield
        return
    import fcntl

    held = os.open(folder, os.O_RDONLY)  # the folder itself: no file stays behind
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LifterError(f"{folder}: another training is at work here; wait, or choose another --out") from error
        except OSError:
            pass  # a file system without locks: as if there were none
        yield
    finally:
        os.close(held)
