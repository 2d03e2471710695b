"""The `cpn` and `cpn-384` detectors: CPN-50 on the path of MMPose's models, with weights of the user's."""

from __future__ import annotations

from pathlib import Path

from detectors import checkpoint
from detectors.base import DetectorError, DetectorOptions
from detectors.mm_models import PoseModel
from detectors.mmpose import MMPoseDetector

_HERE = Path(__file__).resolve().parent  # an absolute path is not looked for inside MMPose's wheel
CPN = PoseModel("cpn", "CPN-50 256x192", str(_HERE / "coco_256x192.py"))
CPN_384 = PoseModel("cpn-384", "CPN-50 384x288", str(_HERE / "coco_384x288.py"))
CONVERT = "python -m detectors.cpn.convert"
_PUBLIC = "global_net.laterals.0.0.weight"  # in files of the public PyTorch version only


def create_cpn(options: DetectorOptions) -> MMPoseDetector:
    """Make the `cpn` detector, 256x192; raises DetectorError as `MMPoseDetector` does, or without a checkpoint."""
    return _create(CPN, options)


def create_cpn_384(options: DetectorOptions) -> MMPoseDetector:
    """Make the `cpn-384` detector, 384x288; raises DetectorError as `create_cpn` does."""
    return _create(CPN_384, options)


def _create(model: PoseModel, options: DetectorOptions) -> MMPoseDetector:
    """Make the detector; say what to do about weights that are missing or still in the public version's layout."""
    if options.checkpoint is None:
        raise DetectorError(
            f"the weights of {model.name} cannot be downloaded: give --checkpoint FILE, made from the public PyTorch "
            f"version's by `{CONVERT} IN OUT`, or trained with configs/mmpose_cpn_coco.py"
        )
    try:
        return MMPoseDetector(model, options)
    except DetectorError as error:
        if _is_public(options.checkpoint):
            raise DetectorError(
                f"{options.checkpoint} has the layout of the public PyTorch version: convert it by "
                f"`{CONVERT} {options.checkpoint} OUT` and give OUT as --checkpoint"
            ) from error
        raise


def _is_public(path: Path) -> bool:
    """Tell whether a file that did not serve holds CPN under the public version's names."""
    try:
        return _PUBLIC in checkpoint.load(path)
    except DetectorError:
        return False
