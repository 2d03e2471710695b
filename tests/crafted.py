"""Files that nobody makes by accident."""

from __future__ import annotations

import zipfile
from pathlib import Path

HEADERS = (
    b"{'descr': (",
    b"{'descr':\n  '<f4',\n 'x'",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (9" + b"9" * 60,
)


def write_bad_header(path: Path, header: bytes, members: tuple[str, ...]) -> Path:
    """An archive of arrays whose header is no Python literal; numpy's reader stumbles in its own ways."""
    text = header.ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(f"{member}.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    return path
