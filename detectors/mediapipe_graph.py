"""MediaPipe's pose graph with its loop opened, so that what it remembers can be kept and given back.

MediaPipe looks for a person where two auxiliary landmarks of the last frame were, after a filter that holds them still.
Nothing else passes from frame to frame while its smoothing of landmarks is off. `mediapipe.python.solutions.pose.Pose`
keeps both inside; here the same graph, from the same file, gives the auxiliary landmarks out as found, the filter
stands beside it, and the filtered ones go in with the next frame. Landmarks are those of `Pose` to the bit
(`tests/test_detectors_mediapipe.py`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.framework import calculator_pb2
from mediapipe.framework.formats.landmark_pb2 import NormalizedLandmark, NormalizedLandmarkList
from mediapipe.python.solution_base import PacketDataType, SolutionBase

from detectors.base import Floats, Frame

_FILE = "modules/pose_landmark/pose_landmark_cpu.binarypb"
_FOUND, _GIVEN, _FOLLOW = "unfiltered_auxiliary_landmarks", "given_landmarks", "follow"
_FRAME_S = 33_333_000 * 1e-9  # between frames, whatever the film says: MediaPipe's Python counts so


class PoseGraph(SolutionBase):  # type: ignore[misc]  # MediaPipe has no types
    """Finds the 33 landmarks of one person, frame by frame, as MediaPipe's `Pose` of complexity 1 without smoothing.

    Args:
        memory: see `memory`; where to go on.

    Attributes:
        memory: (3, 2, 2) what the filter holds of the auxiliary landmarks, pixels: last found, last filtered, and
            filtered speed; (0, 2, 2) when nobody is followed.
    """

    def __init__(self, memory: Floats) -> None:
        self.memory = memory
        super().__init__(
            graph_config=_opened(),
            side_inputs={
                "model_complexity": 1, "smooth_landmarks": False, "enable_segmentation": False,
                "smooth_segmentation": False,
            },
            calculator_params={  # as `Pose` sets them
                "posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh": 0.5,
                "poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator.threshold": 0.5,
            },
            outputs=["pose_landmarks", _FOUND],
            stream_type_hints={_GIVEN: PacketDataType.PROTO, _FOLLOW: PacketDataType.BOOL},
        )  # fmt: skip

    def process(self, frame: Frame) -> Any:
        """Return an object with `pose_landmarks` of a (H, W, 3) frame, None where nobody is found."""
        size = np.array(frame.shape[1::-1], np.float32)
        # Something must be given with every frame; `follow` tells whether it counts.
        marks = self.memory[1] / size if len(self.memory) else np.array([[0.5, 0.5], [0.5, 0.4]], np.float32)
        given = NormalizedLandmarkList(landmark=[NormalizedLandmark(x=x, y=y, z=0.0) for x, y in marks.tolist()])
        found = super().process({"image": frame, _GIVEN: given, _FOLLOW: bool(len(self.memory))})
        after = getattr(found, _FOUND)
        if after is None:
            self.memory = self.memory[:0]
        else:
            points = np.array([(mark.x, mark.y) for mark in after.landmark[:2]], np.float32) * size
            self.memory = filtered(self.memory, points, size)
        return found


def filtered(memory: Floats, points: Floats, size: Floats) -> Floats:
    """Return the filter's memory (3, 2, 2) after points (2, 2), pixels, in a picture of `size` (W, H).

    The one euro filter (Casiez et al. 2012) as MediaPipe has it for auxiliary landmarks, in its order and precision:
    float32, speeds in body sizes.
    """
    if not len(memory):
        return np.stack([points, points, np.zeros_like(points)])
    before, held, speed = memory
    ahead = points[1] - points[0]
    side = np.float32(float(np.sqrt(ahead[0] * ahead[0] + ahead[1] * ahead[1])) * 2.0)
    width, height = side / size * size
    scale = float(np.float32(1) / ((width + height) / np.float32(2)))
    moved = (points.astype(np.float64) - before) * scale * (1.0 / _FRAME_S)
    speed = _mixed(speed, moved.astype(np.float32), np.float64(_share(np.float64(1.0))))
    held = _mixed(held, points, _share(0.01 + 10.0 * np.abs(speed.astype(np.float64))))
    return np.stack([points, held, speed])


def _share(cutoff: Any) -> Any:
    """Return how much a new value counts in a low pass of this cutoff, Hz."""
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff) / (1.0 / (1.0 / _FRAME_S)))


def _mixed(held: Floats, new: Floats, share: Any) -> Floats:
    """Return a low pass's next value."""
    part = np.asarray(share, np.float32)
    return np.asarray((part * new).astype(np.float64) + (1.0 - part.astype(np.float64)) * held, np.float32)


def _opened() -> Any:
    """Return MediaPipe's own graph; the rectangle that is searched is that of landmarks from outside."""
    graph = calculator_pb2.CalculatorGraphConfig()
    graph.ParseFromString((Path(mediapipe.__file__).parent / _FILE).read_bytes())
    for node in list(graph.node):
        if node.calculator == "PoseLandmarksToRoi":
            node.input_stream[:] = [f"LANDMARKS:{_GIVEN}", "IMAGE_SIZE:image_size"]
            node.output_stream[:] = ["ROI:given_rect"]
        elif list(node.input_stream) == ["prev_pose_rect_from_landmarks"]:  # the gate that turns following on and off
            node.input_stream[:] = ["given_rect", f"ALLOW:{_FOLLOW}"]
            del node.input_side_packet[:]
            node.ClearField("options")
        elif node.calculator == "PreviousLoopbackCalculator":
            graph.node.remove(node)
    graph.input_stream.extend([_GIVEN, _FOLLOW])
    graph.output_stream.remove("ROI_FROM_LANDMARKS:pose_rect_from_landmarks")
    graph.output_stream.append(f"FOUND:{_FOUND}")
    graph.input_side_packet.remove("USE_PREV_LANDMARKS:use_prev_landmarks")
    return graph
