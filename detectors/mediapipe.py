"""MediaPipe's pose network: 33 landmarks of one person, its weights inside the package, nothing to download.

The landmarks are taken unsmoothed: MediaPipe's own filter looks back only, so that it lags, and a film can be smoothed
with both its sides in view. On two films with known joints (60 frames a second) its filter halved the jitter, cost a
frame of delay on one of them, and made no joint more accurate; it also smears the left/right swaps that are repaired
later.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError, DetectorOptions, Floats, Frame, People
from detectors.joints import MEDIAPIPE_33

_VISIBLE = 0.5  # a landmark this visible counts for the person's box
NOTHING: Floats = np.zeros((0, 2, 2), np.float32)  # a memory of nobody
# A line of Google's loggers (W0000 00:00:1795417146.76 27095 file.cc:186] ...) or TensorFlow Lite's.
_LOGGED = re.compile(rb"(?:[IWEF]\d{4} \d\d:\d\d:|(?:INFO|WARNING|ERROR): )[^\n]*\n?")
_MARGIN = 0.1  # around the landmarks, in shares of their larger extent


def create(options: DetectorOptions) -> MediaPipeDetector:  # noqa: ARG001 (every factory takes the options)
    """Make the `mediapipe` detector; it has no settings.

    Raises:
        DetectorError: MediaPipe without the pose solution (0.10.21 is the last with it).
    """
    try:
        from mediapipe.python.solutions import pose  # noqa: F401 - the graph's parts come with it

        from detectors.mediapipe_graph import PoseGraph
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("mediapipe.python"):
            raise  # MediaPipe itself, or what it needs: the registry says what to install
        raise DetectorError(
            "detector mediapipe: this MediaPipe has no pose solution; pip install --no-deps mediapipe==0.10.21"
        ) from error
    return MediaPipeDetector(PoseGraph)


class MediaPipeDetector:
    """One person, followed by MediaPipe from frame to frame; a new call starts afresh, or where `recall` says.

    Args:
        graph: makes what finds landmarks, from what it is to remember: `mediapipe_graph.PoseGraph`.
    """

    joints: tuple[str, ...] = MEDIAPIPE_33

    def __init__(self, graph: Callable[[Floats], Any]) -> None:
        """See the class; the network is loaded when the first frame comes."""
        self._graph = graph
        self._memory = self._next = NOTHING

    def remember(self) -> dict[str, NDArray[np.generic]]:
        """Return what MediaPipe follows."""
        return {"followed": self._memory}

    def recall(self, memory: Mapping[str, NDArray[np.generic]]) -> None:
        """Let the next call follow it."""
        self._next = np.asarray(memory["followed"], np.float32)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the one person of every frame, or nobody. Landmarks may lie outside the picture.

        Raises:
            DetectorError: MediaPipe fails on a frame.
        """
        pose: Any = None
        memory, self._next = self._next, NOTHING
        try:
            talks = True  # while it loads, that is in its first frame, and again where it first sees somebody
            for frame in frames:
                with _quiet() if talks else nullcontext():
                    pose = pose or self._graph(memory)
                    found = _process(pose, frame)
                talks = talks and found is None
                height, width = frame.shape[:2]
                self._memory = pose.memory
                yield _people(found, width, height)
        finally:
            if pose is not None:
                pose.close()


def _process(pose: Any, frame: Frame) -> Any:
    """Return the landmarks of a (H, W, 3) frame, or None."""
    try:
        return pose.process(np.ascontiguousarray(frame)).pose_landmarks
    except (RuntimeError, ValueError) as error:
        raise DetectorError(f"detector mediapipe: failed on a frame: {str(error).splitlines()[0][:200]}") from error


def _people(found: Any, width: int, height: int) -> People:
    """Turn MediaPipe's landmarks, in shares of the picture, into pixels; its visibility is the score."""
    if found is None:
        return People.nobody(len(MEDIAPIPE_33))
    rows = np.array([(mark.x * width, mark.y * height, mark.visibility) for mark in found.landmark], np.float32)
    if not np.isfinite(rows).all():
        return People.nobody(len(MEDIAPIPE_33))
    points, scores = rows[:, :2], np.clip(rows[:, 2], 0, 1)
    seen = scores >= _VISIBLE
    around = points[seen] if seen.sum() >= 3 else points
    low, high = around.min(0), around.max(0)
    margin = _MARGIN * (high - low).max()
    return People(np.concatenate([low - margin, high + margin])[None], points[None], scores[None])


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what native loggers write to the error stream; say it after all when the block fails.

    MediaPipe and TensorFlow Lite heed no variable here: their first lines are written before any logger is set up.
    What others write meanwhile, as the bar does, comes when the block ends.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(kept, 2)
            said.seek(0)
            text = said.read(1 << 16)
            os.write(kept, text if failed else _LOGGED.sub(b"", text))
            os.close(kept)
