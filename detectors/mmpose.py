"""MMPose's top-down detectors, HRNet and RTMPose, with RTMDet's person boxes: several people, COCO's joints.

Models, codecs and transforms are MMPose's and MMDetection's own, built from the configurations inside their wheels;
weights come from the model zoo or from files of the user's (see `weights` and `checkpoint`). What stands here runs
by torch; on a processor the same networks run faster from an export (see `mm_backend`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from detectors import mm_backend, mm_compat, mm_device, weights
from detectors.base import DetectorError, DetectorOptions, Frame, People
from detectors.batches import follow_in_batches
from detectors.boxes import within
from detectors.follow import Estimate, Find, Following, WholePicture, follow
from detectors.joints import COCO_17
from detectors.mm_boxes import PersonFinder
from detectors.mm_models import HRNET, HRNET_W48, RTMPOSE, PoseModel
from detectors.mm_pose import PoseEstimator

FULL_FRAME = "full-frame"  # as `--box-model`: no box network, the whole picture is the first box
_FRAMES_GPU = 64  # that are worked on together, see `batches`


def create_hrnet(options: DetectorOptions) -> MMPoseDetector:
    """Make the `hrnet` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(HRNET, options)


def create_hrnet_w48(options: DetectorOptions) -> MMPoseDetector:
    """Make the `hrnet-w48` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(HRNET_W48, options)


def create_rtmpose(options: DetectorOptions) -> MMPoseDetector:
    """Make the `rtmpose` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(RTMPOSE, options)


class MMPoseDetector(Following):
    """Person boxes now and then, key points on every frame; see `follow` for when which runs.

    With `box_model` = `full-frame` there is one person, looked for in the whole picture and then followed.

    Attributes:
        runs_on: runtime and precision of the key point network, for people.
    """

    joints: tuple[str, ...] = COCO_17
    estimate: Estimate
    find: Find

    def __init__(self, model: PoseModel, options: DetectorOptions) -> None:
        """Fetch what weights are missing, then load both networks.

        Raises:
            DetectorError: weights missing, damaged or another model's; no such device or backend; MMPose not installed.
        """
        # By name: a settings file may have made a path of the word. A file of that name is a file.
        whole = (
            options.box_model is not None and options.box_model.name == FULL_FRAME and not options.box_model.exists()
        )
        # Before any heavy import: what is missing is told at once.
        pose_file = options.checkpoint or weights.fetch(weights.ZOO[model.name], options.cache, options.offline)
        box_file = options.box_model or weights.fetch(weights.ZOO["rtmdet"], options.cache, options.offline)
        device = mm_device.pick(options.device)
        backend = mm_backend.choose(options.backend, device, model)
        self._batch = options.batch or (1 if device == "cpu" else _FRAMES_GPU)
        if backend == "torch":
            mm_compat.prepare()
            self.estimate = PoseEstimator(model, pose_file, device, options.flip_test, half=device == "cuda")
            self.find = WholePicture(self.estimate) if whole else PersonFinder(box_file, device)
            together = f", {self._batch} frames together" if self._batch > 1 and not whole else ""
            self.runs_on = f"PyTorch, {'f16' if device == 'cuda' else 'f32'}{together}"
        else:
            if self._batch > 1:
                raise DetectorError(f"--batch {self._batch}: {backend} takes one crop at a time; use --backend torch")
            rest = options.cache, mm_backend.precision(options.backend)
            found, self.runs_on = mm_backend.load_pose(backend, model, pose_file, options.flip_test, *rest)
            self.estimate = lambda frame, boxes: found(frame, within(boxes, frame))
            self.find = WholePicture(self.estimate) if whole else mm_backend.load_boxes(backend, box_file, *rest)
        self._limit = 1 if whole else options.max_people
        self._every = sys.maxsize if whole else options.box_every  # the whole picture again would only lose detail

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame; with batches, frames are read ahead."""
        rules = (len(self.joints), self._every, self._limit)
        if self._batch > 1 and isinstance(self.estimate, PoseEstimator) and isinstance(self.find, PersonFinder):
            return follow_in_batches(frames, self.find.many, self.estimate.many, *rules, self._batch, self._begin())
        return follow(frames, self.find, self.estimate, *rules, self._begin())
