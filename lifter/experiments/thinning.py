"""Every n-th sequence of a split is scored; what that leaves out is told."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lifter.datasets.poseset import Poses, PoseSet


def thinned(made: PoseSet, split: str, every: int) -> PoseSet:
    """Every n-th sequence of the split that is scored."""
    return made.subset(_chosen(made.poses, split, every))


def camera_note(poses: Poses, split: str, every: int) -> str:
    """Say which cameras `every` keeps meeting, where it passes others by; "" where all are scored.

    The sequences of a recording stand one camera after the other, so that an n which shares a factor with the number
    of cameras meets the same ones again and again.
    """
    there, scored = (set(poses.cameras[at].tolist()) for at in (poses.splits == split, _chosen(poses, split, every)))
    if there == scored or gcd(every, len(there)) == 1:
        return ""
    names = ", ".join(sorted(scored))
    return (
        f"note: --every {every} scores {len(scored)} of {len(there)} cameras only ({names}); "
        f"an N that shares no factor with {len(there)} goes round them all"
    )


def _chosen(poses: Poses, split: str, every: int) -> NDArray[np.int64]:
    return np.flatnonzero(poses.splits == split)[::every]
