"""The folder of one film: which files lie in it, and one run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.parts import PICTURES, litter_of
from pipeline.reading import LARGEST_RECORD_BYTES, read_text
from pipeline.store import FORMAT, refuse_newer, write_whole


class RunFolder:
    """The folder of one film.

    Attributes:
        path: the folder.
        pose2d, pose3d, film, record: its files; the film in `form` is a folder where that is png.
    """

    def __init__(self, folder: Path, stem: str, form: str = "mp4") -> None:
        self.path = folder
        self.pose2d, self.pose3d = folder / "pose2d.npz", folder / "pose3d.npz"
        self.film, self.record = folder / f"{stem}{PICTURES if form == 'png' else f'_3d.{form}'}", folder / "run.json"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Make the folder, keep other runs out of it while the block runs, and clear what killed runs left.

        Raises:
            StoreError: it cannot be made or written to, or another run is at work in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not os.access(self.path, os.W_OK):
                raise PermissionError(13, "Permission denied")
            lock = os.open(self.path, os.O_RDONLY)  # a folder can be locked itself; nothing is left behind
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written to ({error.strerror}); choose --output") from error
        try:
            self._lock(lock)
            for file in (self.pose2d, self.pose3d, self.film, self.record):
                for litter in litter_of(file):
                    remove(litter)
            yield
        finally:
            os.close(lock)

    def read_record(self) -> dict[str, Any]:
        """Return what `run.json` holds, or nothing where it is absent or damaged.

        Raises:
            StoreError: a later release made it: it is not overwritten.
        """
        try:
            record = json.loads(read_text(self.record, LARGEST_RECORD_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(record, dict):
            return {}
        if isinstance(number := record.get("format"), int) and number > FORMAT:
            refuse_newer(self.record, number)
        return record

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write `run.json`."""
        text = json.dumps(record, indent=2, default=str) + "\n"
        write_whole(self.record, lambda file: file.write(text.encode()))

    def _lock(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{self.path}: another run is at work in it; wait for it, or choose --output") from error
        except OSError:
            return  # a file system without locks: then nobody keeps the others out


def remove(path: Path) -> None:
    """Remove a file, or a folder of pictures, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
