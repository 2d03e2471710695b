"""Key points made elsewhere, as a detector: the frames are counted, the people come from a file or a folder."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from detectors.base import DetectorError, DetectorOptions, Frame, People
from detectors.file_made import Made
from detectors.joints import VOCABULARIES

_KNOWN = "VideoPose3D's custom .npz, our pose2d.npz, MMPose's .json, or a folder of MMPose's or OpenPose's .json"
_SPARE = 0.02  # decoders disagree about the last frames of a film; more than this share is another film
_FEW = 5  # frames, in which even short films may differ


def create(options: DetectorOptions) -> FileDetector:
    """Make the `file` detector; the file is read here, whole.

    Raises:
        DetectorError: no file given, none there, or one that cannot be read or holds nobody.
    """
    if options.keypoints is None:
        raise DetectorError(f"detector file: nothing to read; give --keypoints PATH: {_KNOWN}")
    made = read(options.keypoints, VOCABULARIES[options.joints] if options.joints else None)
    if not any(len(people) for people in made.frames):
        raise DetectorError(f"{options.keypoints}: holds no key points at all; is it the right file?")
    return FileDetector(made, options.keypoints, options.max_people)


# What reading a file with anything at all in it may raise; never what only a mistake of ours would (NameError ...).
BROKEN = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError, zlib.error)


def read(path: Path, joints: tuple[str, ...] | None = None) -> Made:
    """Read key points of any known kind; `joints` names them where MMPose's files do not.

    Raises:
        DetectorError: see `create`.
    """
    try:
        return _read(path, joints)
    except BROKEN as error:  # whatever a reader did not foresee in somebody else's file
        line = " ".join(str(error).split())[:200]
        raise DetectorError(f"{path}: cannot be read as key points ({line})") from error


def _read(path: Path, joints: tuple[str, ...] | None) -> Made:
    from detectors import file_json, file_mmpose, file_npz

    if not path.exists():
        raise DetectorError(f"{path}: no such file or folder; give {_KNOWN}")
    if path.is_file() and path.suffix.lower() == ".json":
        return file_mmpose.read_film(path, joints)
    if path.is_dir() and file_mmpose.is_folder(path):
        return file_mmpose.read_folder(path, joints)
    if joints is not None:
        raise DetectorError(f"{path}: tells its joints itself; leave --joints out")
    if path.is_dir():
        return file_json.read_openpose(path)
    if path.is_file() and path.suffix.lower() == ".npz":
        return file_npz.read(path)
    raise DetectorError(f"{path}: not a kind we read; give {_KNOWN}")


class FileDetector:
    """Yields a file's people frame by frame.

    A film shorter than the file by more than two frames in a hundred (or five frames) is another film than the file's,
    and refused at its end. A longer film ends in frames of nobody, since people may have made key points for a part of
    it; but a file that covers less than half of it (and lacks more than five frames) is refused at its end too.
    """

    joints: tuple[str, ...]
    counts_frames = True  # the file's frames are those of the whole film

    def __init__(self, made: Made, path: Path, limit: int = 20) -> None:
        """Keep what was read; `path` is for messages, `limit` the most people a frame."""
        self.joints = made.joints
        self._frames = made.frames
        self._path = path
        self._limit = limit

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame.

        Raises:
            DetectorError: the film ends long before the file does, or the file before half of the film.
        """
        count = 0
        for _ in frames:
            people = self._frames[count] if count < len(self._frames) else People.nobody(len(self.joints))
            count += 1
            yield _first(people, self._limit)
        held = len(self._frames)
        too_many = held - count > max(_FEW, round(_SPARE * count))
        too_few = count - held > max(_FEW, count // 2)
        if too_many or too_few:
            whole = "this film" if too_many else "the whole film"
            raise DetectorError(f"{self._path}: holds {held} frames, the film {count}; give the key points of {whole}")


def _first(people: People, limit: int) -> People:
    """Return the `limit` most certain people, in their order."""
    if len(people) <= limit:
        return people
    kept = np.sort(np.argsort(-people.scores.mean(1), kind="stable")[:limit])
    return People(people.boxes[kept], people.keypoints[kept], people.scores[kept])
