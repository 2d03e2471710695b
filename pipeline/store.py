"""What the stages keep on disk, and what it was made from.

An array file carries its own fingerprint, so that arrays and fingerprint cannot disagree; files are written to
a temporary name and renamed, so that a file is whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.cut import Cut
from pipeline.errors import StoreError
from pipeline.parts import orphans_of, part_of
from pipeline.poses import Pose2D, Pose3D
from pipeline.reading import DAMAGE as DAMAGE
from pipeline.reading import open_arrays

P = TypeVar("P", Pose2D, Pose3D)

FORMAT = 1


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, or of the names and contents of a folder's files.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        if path.is_dir():
            digest = hashlib.sha256()
            for inner in sorted(path.iterdir()):
                if inner.is_file():
                    digest.update(f"{inner.name}\0{content_hash(inner)}\n".encode())
            return digest.hexdigest()
        if path.exists() and not path.is_file():
            raise StoreError(f"{path}: a pipe or a device, not a file; name a file")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from error


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Return the hash of everything that decides a stage's result; names in any order, files by content."""
    plain = json.dumps({"format": FORMAT, **made_from}, sort_keys=True, default=_content)
    return hashlib.sha256(plain.encode()).hexdigest()


def told(made_from: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same as plain values for `run.json`: a file becomes its name and the SHA-256 of its content."""
    named = json.dumps(made_from, default=lambda path: {"file": str(path), "sha256": _content(path)})
    return dict(json.loads(named))


def _content(value: object) -> str:
    if isinstance(value, Path):
        return content_hash(value) if value.exists() else f"missing {value.name}"
    raise TypeError(f"fingerprint of {type(value).__name__}")


def save_pose(path: Path, pose: Pose2D | Pose3D, **about: Any) -> None:
    """Write a pose and what it was made from as an npz without objects.

    Raises:
        StoreError: the disk is full or the folder cannot be written to.
    """
    named = {**vars(pose), "format": FORMAT, **about}
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in named.items()}
    write_whole(path, lambda file: np.savez_compressed(file, **arrays))


def load_pose2d(path: Path) -> Pose2D:
    """Read `pose2d.npz`.

    Raises:
        StoreError: not there, damaged, or not such a file.
    """
    return _load(path, Pose2D)


def load_pose3d(path: Path) -> Pose3D:
    """Read `pose3d.npz`; raises as `load_pose2d`."""
    return _load(path, Pose3D)


def read_about(path: Path, name: str) -> str:
    """Return a text that `save_pose` put beside the arrays; empty where the file is absent or any byte is damaged."""
    if not path.is_file():
        return ""
    try:
        with open_arrays(path) as data:
            return str(data[name]) if data.whole() else ""
    except DAMAGE:
        return ""


def read_cut(path: Path) -> tuple[Cut, float]:
    """Return which part of its film a pose file is of, and when in the film its first frame was shown, in seconds.

    Files that say nothing are of whole films.

    Raises:
        StoreError: it cannot be read, or says what no cut can be.
    """
    try:
        with open_arrays(path) as data:
            if "cut" not in data:
                return Cut(), 0.0
            start, end, every = (float(number) for number in data["cut"].tolist())
            begins_s = float(data["begins_s"].item())
            if not math.isfinite(begins_s):
                raise ValueError(f"begins_s: a time wanted, got {begins_s}")
            return Cut(start, end, int(every)), begins_s
    except DAMAGE as error:
        raise StoreError(f"{path}: does not tell what part of its film it is of ({error}); run detect again") from error


def read_mark(path: Path) -> str:
    """Return the fingerprint of a pose file whose arrays are all there and right; empty otherwise."""
    for load in (load_pose2d, load_pose3d):
        with suppress(StoreError):
            load(path)
            return read_about(path, "fingerprint")
    return ""


def _load(path: Path, kind: type[P]) -> P:
    names = kind.__dataclass_fields__
    try:
        if not path.is_file():
            raise StoreError(f"{path}: not there, or no file; run detect or lift again")
        with open_arrays(path) as data:
            # The first format carries no number.
            refuse_newer(path, int(data["format"].item()) if "format" in data else 1)
            if absent := [name for name in names if name not in data]:
                told = f"{', '.join(absent)} not in it"
                raise StoreError(f"{path}: no {kind.__name__} file of this release ({told}); run detect or lift again")
            arrays: dict[str, Any] = {name: _typed(name, data[name]) for name in names}
        arrays["joints"] = tuple(str(joint) for joint in arrays["joints"])
        return kind(**arrays)
    except DAMAGE as error:
        raise StoreError(f"{path}: not a whole {kind.__name__} file ({error}); run detect or lift again") from error


def _typed(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in the precision that poses have; what is too large for it becomes infinite, and is refused."""
    if array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(np.float64 if name == "timestamps" else np.float32, copy=False)


def refuse_newer(path: Path, number: object) -> None:
    """Refuse a file of a format that a later release made; every format up to `FORMAT` is read.

    Raises:
        StoreError: so it is, or the number is none.
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= FORMAT:
        raise StoreError(
            f"{path}: of format {number!r:.40}, this release reads 1 to {FORMAT}; update it, or make it anew"
        )


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file, and rename it into place.

    Raises:
        StoreError: the disk is full or the folder cannot be written to.
    """
    temporary = part_of(path)
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # a new one: a link that somebody laid there is not followed
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        for orphan in orphans_of(path):  # of writers that were killed
            orphan.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder and the free space"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def options_made_from(options: object) -> dict[str, Any]:
    """Return a detector's options for a fingerprint: what changes its numbers, files by content."""
    plain = asdict(options)  # type: ignore[call-overload]  # a dataclass by contract
    for name in ("offline", "cache", "device", "batch"):
        plain.pop(name, None)
    if plain.get("joints") is None:  # as before there was a choice
        plain.pop("joints", None)
    return dict(plain)
