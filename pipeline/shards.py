"""Detections of a long film, kept while they are made: a killed run goes on behind the last few seconds it kept.

One file beside `pose2d.npz`, which only grows: a line that says what it was made from, then shards of some seconds of
work, each with its length, its checksum, and what the detector needs to go on behind it. A shard that is not whole, as
the last one after a kill, is dropped. Only a run of the very same kind goes on with it; when `pose2d.npz` is written
the file goes.
"""

from __future__ import annotations

import io
import json
import os
import struct
import time
import warnings
import zlib
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError
from pipeline.packed import Detections, Found, PeopleLike
from pipeline.store import DAMAGE

FORMAT = 1
EVERY_S = 2.0  # of work between two shards: so much a kill costs
_HEAD = struct.Struct("<4sQI")  # mark, bytes, checksum
_MARK = b"part"
_MEMORY = "memory_"

Memory = Mapping[str, NDArray[np.generic]]


class _Seen(NamedTuple):
    """One frame: its time, its people, and what the detector remembered behind it."""

    seconds: float
    people: PeopleLike
    memory: Memory


class Shards:
    """The shards beside one file.

    Args:
        path: of the file to come, as `pose2d.npz`.
        made_from: what decides the detections.
        every_s: seconds of work in one shard.
    """

    def __init__(self, path: Path, made_from: str, every_s: float = EVERY_S) -> None:
        self._path, self._made_from, self._every_s = shards_of(path), made_from, every_s
        self._waiting: list[_Seen] = []
        self._file: BinaryIO | None = None
        self._begin = 0  # of the first shard in it
        self._wrote_at = time.monotonic()

    def resume(self, joints: int, beside: str) -> tuple[Detections, array[float], Memory | None]:
        """Return what an earlier run kept, the frames' times, and what its detector remembered; else nothing.

        From now on shards are added behind it.

        Args:
            joints: J.
            beside: more of what decides the detections, that is known only now.
        """
        people, times, memory, whole = Detections(joints), array("d"), None, 0
        title = json.dumps({"format": FORMAT, "made_from": self._made_from, "beside": beside}).encode() + b"\n"
        try:
            with self._path.open("rb") as file:
                if file.readline(len(title)) == title:
                    whole = len(title)
                    for shard, size in _shards(file):
                        _add(shard, people, times)
                        memory = {
                            name.removeprefix(_MEMORY): value
                            for name, value in shard.items()
                            if name.startswith(_MEMORY)
                        }
                        whole += size
        except FileNotFoundError:
            pass
        except DAMAGE:  # nothing that a kill leaves: somebody wrote into it
            people, times, memory, whole = Detections(joints), array("d"), None, 0
        self._open(title, whole)
        return people, times, memory

    def add(self, seconds: float, people: PeopleLike, memory: Memory) -> None:
        """Keep the people of the next frame; they are written with those that wait when it is time to.

        Raises:
            StoreError: they cannot be written.
        """
        self._waiting.append(_Seen(seconds, people, memory))
        if time.monotonic() - self._wrote_at >= self._every_s:
            self.write()

    def write(self) -> None:
        """Write what waits.

        Raises:
            StoreError: the disk is full or the folder is gone.
        """
        if self._file is None or not self._waiting:
            return
        shard = _packed(self._waiting)
        end = self._file.tell()
        try:
            self._file.write(_HEAD.pack(_MARK, len(shard), zlib.crc32(shard)) + shard)
            os.fsync(self._file.fileno())
        except BaseException as error:
            os.ftruncate(self._file.fileno(), end)  # also where Ctrl-C came in between
            self._file.seek(end)
            if isinstance(error, OSError):
                raise _not_written(self._path, error) from error
            raise
        self._waiting.clear()
        self._wrote_at = time.monotonic()

    def close(self) -> None:
        """Close the file; it stays, if there is anything in it."""
        if self._file is not None:
            if self._file.tell() == self._begin:
                self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _open(self, title: bytes, whole: int) -> None:
        """Open the file to add shards behind its first `whole` bytes."""
        self._begin = len(title)
        try:
            self._file = self._path.open("r+b" if whole else "wb", buffering=0)
            assert self._file is not None
            if whole:
                self._file.truncate(whole)
                self._file.seek(whole)
            else:
                self._file.write(title)
        except OSError as error:
            raise _not_written(self._path, error) from error
        self._wrote_at = time.monotonic()


def shards_of(path: Path) -> Path:
    """Return where the shards of a file to come lie."""
    return path.with_name(f".{path.name}.shards")


def _not_written(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be written ({error.strerror or error}); check the folder and the free space")


def _packed(seen: list[_Seen]) -> bytes:
    """Return the bytes of one shard."""
    boxes, keypoints, scores = (
        np.concatenate([np.asarray(getattr(one.people, name), np.float32) for one in seen])
        for name in ("boxes", "keypoints", "scores")
    )
    arrays: dict[str, Any] = {
        "seconds": np.array([one.seconds for one in seen], np.float64),
        "counts": np.array([len(np.asarray(one.people.scores)) for one in seen], np.int64),
        "boxes": boxes,
        "keypoints": keypoints,
        "scores": scores,
        **{_MEMORY + name: value for name, value in seen[-1].memory.items()},
    }
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _shards(file: BinaryIO) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the arrays of every whole shard from where the file stands on, and its size in the file."""
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        mark, size, checksum = _HEAD.unpack(head)
        if mark != _MARK or size > os.fstat(file.fileno()).st_size:
            return
        shard = file.read(size)
        if len(shard) < size or zlib.crc32(shard) != checksum:
            return
        with warnings.catch_warnings(), np.load(io.BytesIO(shard), allow_pickle=False) as arrays:
            warnings.simplefilter("ignore")  # about headers that numpy does not write any more
            found = dict(arrays)
        if not all(isinstance(array, np.ndarray) for array in found.values()):
            raise ValueError("a shard with a member that is no array")
        yield found, _HEAD.size + size


def _add(shard: Mapping[str, Any], people: Detections, times: array[float]) -> None:
    """Add a shard's frames to those before.

    Raises:
        ValueError: its arrays do not fit each other.
    """
    (count, joints), counts = shard["scores"].shape, shard["counts"]
    wanted = {"boxes": (count, 4), "keypoints": (count, joints, 2), "scores": (count, joints)}
    fits = all(shard[name].shape == shape and np.isfinite(shard[name]).all() for name, shape in wanted.items())
    if not fits or (counts < 0).any() or counts.sum() != count or not np.isfinite(shard["seconds"]).all():
        raise ValueError("a shard of arrays that do not fit each other")
    begin = 0
    for seconds, count in zip(shard["seconds"].tolist(), shard["counts"].tolist(), strict=True):
        rows = slice(begin, begin + count)
        people.add(Found(shard["boxes"][rows], shard["keypoints"][rows], shard["scores"][rows]))
        times.append(seconds)
        begin += count
