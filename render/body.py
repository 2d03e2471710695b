"""What a skeleton is drawn of: round limbs, and a ball at each joint that bends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render.shapes import Floats
from render.skeleton import SIDES, Skeleton

_JOINT_SWELL = 1.06  # a joint's ball against the limbs that meet in it


@dataclass(frozen=True)
class Body:
    """The parts a skeleton is drawn of: its N limbs and balls, the limbs first.

    Attributes:
        ends: (N, 2) joint indices; a ball has the same joint twice.
        radii: (N, 2) metres.
        sides: N indices into `SIDES`.
        is_ball: (N,) bool.
        meeting: (N, N) bool; the second part is a limb that meets in the first, a ball.
        skull: the part that is the head, if any: it ends below its outer joint, the top of the head.
    """

    ends: NDArray[np.intp]
    radii: NDArray[np.float64]
    sides: NDArray[np.intp]
    is_ball: NDArray[np.bool_]
    meeting: NDArray[np.bool_]
    skull: int | None

    @classmethod
    def of(cls, skeleton: Skeleton) -> Body:
        """Return the parts of a skeleton."""
        limbs = list(skeleton.limbs)
        balls = [(j, j) for j, side in enumerate(skeleton.sides) if side != "center"]
        sides = [skeleton.limb_side(pair) for pair in limbs + balls]
        radii = np.array([[skeleton.radius(a), skeleton.radius(b)] for a, b in limbs + balls], np.float64)
        is_ball = np.array([False] * len(limbs) + [True] * len(balls), bool)
        radii = radii.reshape(-1, 2) * np.where(is_ball, _JOINT_SWELL, 1.0)[:, None]
        tops = [i for i, (_, end) in enumerate(limbs) if skeleton.joints[end] in ("head", "head_top")]
        if tops:
            radii[tops[0]] = 0.84 * radii[tops[0], 1], radii[tops[0], 1]
        meeting = [[a == b and a in other and other not in balls for other in limbs + balls] for a, b in limbs + balls]
        return cls(
            ends=np.array(limbs + balls, np.intp).reshape(-1, 2),
            radii=radii,
            sides=np.array([SIDES.index(side) for side in sides], np.intp),
            is_ball=is_ball,
            meeting=np.array(meeting, bool).reshape(len(meeting), len(meeting)),
            skull=tops[0] if tops else None,
        )

    def place(self, joints: Floats) -> NDArray[np.float64]:
        """Return the ends of all parts, (..., N, 2, 3) metres, of people's joints (..., J, 3)."""
        parts = np.asarray(joints, np.float64)[..., self.ends, :]
        if self.skull is not None:
            chin, crown = parts[..., self.skull, 0, :], parts[..., self.skull, 1, :]
            length = np.maximum(np.linalg.norm(crown - chin, axis=-1, keepdims=True), 1e-6)
            inward = np.minimum(self.radii[self.skull, 1], 0.9 * length)
            parts[..., self.skull, 1, :] = crown - (crown - chin) / length * inward
        return parts
