"""Names of files that are not whole yet: a hidden name beside the file to come, with the process that writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

PICTURES = "_3d_png"  # the name of a folder of pictures ends so


def part_of(path: Path) -> Path:
    """Return the temporary name for writing `path`, in the same folder, so that it can be renamed into place."""
    return path.with_name(f".{path.name}.part{os.getpid()}")


def orphans_of(path: Path) -> list[Path]:
    """Return what is left of writing `path` by processes that live no more; nothing where the folder is not there."""
    try:
        return [file for file in litter_of(path) if not _lives(int(file.name.rpartition("part")[2]))]
    except OSError:
        return []


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def litter_of(path: Path) -> list[Path]:
    """Return what killed processes left of writing `path`; nothing that anybody else could have named so.

    Folders are among it where `path` itself is one of pictures.
    """
    name = re.compile(re.escape(f".{path.name}.part") + r"\d+")
    pictures = path.name.endswith(PICTURES)
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name) and (pictures or not file.is_dir())]
