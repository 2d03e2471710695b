"""C3D, the marker file of motion capture laboratories, by ezc3d."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lifter import joints
from pipeline.errors import PipelineError
from pipeline.export.axes import Axes
from pipeline.export.motion import Motion

_LONGEST = 65_535  # frames that the header can count


def to_c3d(motion: Motion, axes: Axes, title: str) -> bytes:
    """Return the file of one person; frames in which they are not seen are invalid points, residual -1.

    Args:
        motion: one person at an even frame rate.
        axes: of the file.
        title: its name.

    Raises:
        PipelineError: more frames than the format can count.
    """
    import ezc3d

    frames, seen = len(motion.seconds), motion.valid[0]
    if frames > _LONGEST:
        raise PipelineError(f"{title}: {frames} frames, C3D counts to {_LONGEST}; export trc or csv, or cut the film")
    made = ezc3d.c3d()
    points = np.ones((4, len(joints.NAMES), frames))
    points[:3] = axes.points(motion.positions[0]).transpose(2, 1, 0)
    points[:3, :, ~seen] = np.nan
    about = made["parameters"]["POINT"]
    about["LABELS"]["value"], about["RATE"]["value"] = list(joints.NAMES), [motion.fps]
    about["UNITS"]["value"], about["DESCRIPTIONS"]["value"] = [axes.units], [""] * len(joints.NAMES)
    right, up = _screen(axes)
    made.add_parameter("POINT", "X_SCREEN", [right])
    made.add_parameter("POINT", "Y_SCREEN", [up])
    made.add_parameter("SUBJECTS", "NAMES", [f"person_{motion.people[0]}"])
    for name, value in axes.told().items():
        made.add_parameter("MOTION_LIFT", name.upper(), [value])
    made["data"]["points"] = points
    made["data"]["meta_points"]["residuals"] = np.where(seen, 0.0, -1.0)[None, None].repeat(len(joints.NAMES), axis=1)
    made["data"]["meta_points"]["camera_masks"] = np.zeros((7, len(joints.NAMES), frames), bool)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "points.c3d"
        made.write(str(path))
        return path.read_bytes()


def _screen(axes: Axes) -> tuple[str, str]:
    """Return the file's axes that point right and up on a screen, as the format names them."""
    return "+X", {"z": "+Z", "y": "+Y", "-y": "-Y"}[axes.up]
