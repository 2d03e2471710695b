"""Key points made elsewhere, as a detector: the frames are counted, the people come from a file or a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from detectors.base import DetectorError, DetectorOptions, Frame, People
from detectors.file_made import Made

_KNOWN = "VideoPose3D's custom .npz, our pose2d.npz, MMPose's .json, or a folder of OpenPose's .json"
_SPARE = 0.02  # decoders disagree about the last frames of a film; more than this share is another film


def create(options: DetectorOptions) -> FileDetector:
    """Make the `file` detector; the file is read here, whole.

    Raises:
        DetectorError: no file given, none there, or one that cannot be read or holds nobody.
    """
    if options.keypoints is None:
        raise DetectorError(f"detector file: nothing to read; give --keypoints PATH: {_KNOWN}")
    made = read(options.keypoints)
    if not any(len(people) for people in made.frames):
        raise DetectorError(f"{options.keypoints}: holds no key points at all; is it the right file?")
    return FileDetector(made, options.keypoints, options.max_people)


def read(path: Path) -> Made:
    """Read key points of any known kind.

    Raises:
        DetectorError: see `create`.
    """
    from detectors import file_json, file_npz

    if path.is_dir():
        return file_json.read_openpose(path)
    if not path.is_file():
        raise DetectorError(f"{path}: no such file or folder; give {_KNOWN}")
    if path.suffix.lower() == ".npz":
        return file_npz.read(path)
    if path.suffix.lower() == ".json":
        return file_json.read_mmpose(path)
    raise DetectorError(f"{path}: not a kind we read; give {_KNOWN}")


class FileDetector:
    """Yields a file's people frame by frame.

    A film longer than the file ends in frames of nobody. A film shorter by more than two frames in a hundred (or five
    frames) is another film than the file's, and refused at its end.
    """

    joints: tuple[str, ...]

    def __init__(self, made: Made, path: Path, limit: int = 20) -> None:
        """Keep what was read; `path` is for messages, `limit` the most people a frame."""
        self.joints = made.joints
        self._frames = made.frames
        self._path = path
        self._limit = limit

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame.

        Raises:
            DetectorError: the film ends long before the file does.
        """
        count = 0
        for _ in frames:
            people = self._frames[count] if count < len(self._frames) else People.nobody(len(self.joints))
            count += 1
            yield _first(people, self._limit)
        if len(self._frames) > count + max(5, round(_SPARE * count)):
            held = len(self._frames)
            raise DetectorError(
                f"{self._path}: holds {held} frames, the film {count}; give the key points of this film"
            )


def _first(people: People, limit: int) -> People:
    """Return the `limit` most certain people, in their order."""
    if len(people) <= limit:
        return people
    kept = np.sort(np.argsort(-people.scores.mean(1), kind="stable")[:limit])
    return People(people.boxes[kept], people.keypoints[kept], people.scores[kept])
