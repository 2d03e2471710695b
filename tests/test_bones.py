"""Held bones: one length each, left and right alike, every direction as it was."""

from __future__ import annotations

import numpy as np

from lifter import joints
from pipeline.bones import hold_bones

PARENTS = list(joints.PARENTS[1:])
RANDOM = np.random.default_rng(0)


def bones(positions: np.ndarray) -> np.ndarray:
    return positions[..., 1:, :] - positions[..., PARENTS, :]


def sample() -> tuple[np.ndarray, np.ndarray]:
    positions = RANDOM.normal(0, 0.3, (2, 9, 17, 3)).astype(np.float32)
    positions -= positions[:, :, :1]
    valid = np.ones((2, 9), bool)
    valid[1, :4] = False
    return positions, valid


def test_lengths_are_constant_and_symmetric_and_directions_stay() -> None:
    positions, valid = sample()
    held = hold_bones(positions, valid)
    for person in range(2):
        before, after = bones(positions[person, valid[person]]), bones(held[person, valid[person]])
        lengths = np.linalg.norm(after, axis=-1)
        assert np.ptp(lengths, axis=0).max() < 1e-5
        np.testing.assert_allclose(lengths[0, [0, 1, 2, 13, 14, 15]], lengths[0, [3, 4, 5, 10, 11, 12]], rtol=1e-4)
        cosine = (before * after).sum(-1) / np.linalg.norm(before, axis=-1) / lengths
        assert cosine.min() > 1 - 1e-5
    assert np.abs(held[:, :, 0]).max() == 0
    np.testing.assert_array_equal(held[~valid], positions[~valid])


def test_holding_the_held_changes_nothing() -> None:
    positions, valid = sample()
    held = hold_bones(positions, valid)
    np.testing.assert_allclose(hold_bones(held, valid), held, atol=1e-5)


def test_degenerate_poses_stay_finite() -> None:
    assert np.isfinite(hold_bones(np.zeros((1, 3, 17, 3), np.float32), np.ones((1, 3), bool))).all()
    assert hold_bones(np.zeros((0, 3, 17, 3), np.float32), np.ones((0, 3), bool)).shape == (0, 3, 17, 3)
