"""Names of files as people type them."""

from __future__ import annotations

import os.path
from pathlib import Path


def from_home(name: str) -> Path:
    """Return the path of a name in which `~` and `~user` stand for home folders; of nobody's, it is a name like any."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser raises where there is no such user
