"""Names of files that are not whole yet: a hidden name beside the file to come, with the process that writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

PICTURES = "_3d_png"  # the name of a folder of pictures ends so


def part_of(path: Path) -> Path:
    """Return the temporary name for writing `path`, in the same folder, so that it can be renamed into place."""
    return path.with_name(f".{path.name}.part{os.getpid()}")


def litter_of(path: Path) -> list[Path]:
    """Return what killed processes left of writing `path`; nothing that anybody else could have named so.

    Folders are among it where `path` itself is one of pictures.
    """
    name = re.compile(re.escape(f".{path.name}.part") + r"\d+")
    pictures = path.name.endswith(PICTURES)
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name) and (pictures or not file.is_dir())]
