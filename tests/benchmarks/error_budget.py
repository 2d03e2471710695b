"""Where an error on a calibrated film comes from: the lifter, the detector, or the reference it is measured with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from real_films import BONES, HIPS, bone_lengths
from scipy.signal import savgol_coeffs, savgol_filter

from lifter.metrics.position import distances, procrustes

Doubles = NDArray[np.float64]
SPAN = 13  # frames, 0.2 s at 60 frames a second: over these a body's motion is a cubic


def joint_errors(limbs: Doubles, truth: Doubles) -> Doubles:
    """P-MPJPE's error of each of the 12 joints, (12,) millimetres, of (T, 12, 3) metres."""
    return np.asarray(distances(procrustes(limbs, truth), truth).mean(axis=0))


def tremble(truth: Doubles) -> Doubles:
    """How far the reference's joints (T, 12, 3) lie, on average, from a motion without tremble, (12,) millimetres.

    That motion is a cubic fitted around each frame. It follows white noise by the weight of its own frame, h, and
    leaves sqrt(1 - h) of it, which is put right here. Frames near the ends, which have no such fit, do not count.
    """
    smooth = savgol_filter(truth, SPAN, polyorder=3, axis=0)
    inner = slice(SPAN // 2, len(truth) - SPAN // 2)
    left = np.sqrt(1 - savgol_coeffs(SPAN, polyorder=3)[SPAN // 2])
    return np.asarray(distances(truth, smooth)[inner].mean(axis=0) / left)


def stretch(truth: Doubles) -> Doubles:
    """How far the reference's bones change their length over the film, (12,) millimetres, by the joint they end in.

    One standard deviation; a hip's and a shoulder's is that of the line to the other one.
    """
    spread = np.zeros(truth.shape[1])
    for (_, child), value in zip(BONES, bone_lengths(truth).std(axis=0), strict=True):
        spread[child] = value
    for right, left in (tuple(HIPS), (6, 9)):
        spread[[right, left]] = 1000 * np.linalg.norm(truth[:, right] - truth[:, left], axis=-1).std()
    return spread


def steady(truth: Doubles) -> Doubles:
    """The reference (T, 12, 3) as a body could have moved it: without tremble, limbs' bones of one length each."""
    smooth = np.asarray(savgol_filter(truth, SPAN, polyorder=3, axis=0))
    body = smooth.copy()
    for (parent, child), length in zip(BONES, bone_lengths(smooth).mean(axis=0) / 1000, strict=True):
        bone = smooth[:, child] - smooth[:, parent]
        body[:, child] = body[:, parent] + length * bone / np.linalg.norm(bone, axis=-1, keepdims=True)
    return body
