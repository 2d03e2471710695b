"""Everyone's path before the camera: where the pelvis is in every frame, metres, and how sure that is.

Every frame says where a body of that size stands (`pipeline.translation`). The path is what agrees best with all
frames at once (`pipeline.trajectory`), with how people move, with feet that stand, and with one floor under them
(`pipeline.ground`). The picture cannot tell size from distance: what is not known of the body and of the lens scales
the whole path, and stands in its uncertainty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline.camera import Camera
from pipeline.ground import ANKLES, EVEN, floor_under, planted
from pipeline.trajectory import PathTerms
from pipeline.translation import fit_translation

Numbers = NDArray[np.floating]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Chosen on the validation split of the motion capture (tests/benchmarks/bench_path.py --split validation).
_CORRELATED_S = 0.4  # errors of a pose live about so long: so many seconds make one independent sighting
_TOO_SURE = 1.6  # by which the variance of a fit is larger than what is left in the picture says
_OUTLIER = 20.0  # squared, in standard deviations: a frame that far from the path counts half
_RESTLESS = 1.5  # m^2/s^3: a walking pelvis' change of velocity, squared, a second
_SLIP = 3e-3  # m^2/s: how far a planted ankle may move, squared, a second ...
_SLIP_S = 1.0  # ... and how much more of one who walks: seconds times the speed squared, since ankles roll over feet
_WALKING = 0.25  # m/s: the speed from which on one walks
# Relative errors of one sigma that a whole path has in common.
_SIZE, _SIZE_GIVEN = 0.07, 0.04  # of the body: adults' heights and proportions; proportions alone
_LENS, _LENS_GIVEN = 0.30, 0.01  # of the focal length
_PELVIS = 0.01  # metres: where in the body a lifter puts it
_NOWHERE = 10.0  # metres: the uncertainty of a place that nothing is known of
_FIRM = 1e-9  # of the strongest term: what rounding leaves of a band of terms
_STRAY = 1.0  # m/s by which it grows before a person is first seen and after


def follow(
    positions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    valid: Bools,
    timestamps: NDArray[np.floating],
    up: NDArray[np.floating],
    picture_size: tuple[int, int],
    camera: Camera,
    height_given: Bools,
    grounded: bool = True,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find everyone's path.

    Args:
        positions: (P, T, 17, 3) metres about the pelvis, camera axes x right, y down, z away.
        keypoints: (P, T, 17, 2) pixels of the same joints.
        scores: (P, T, 17) in 0..1; 0 is unseen.
        valid: (P, T).
        timestamps: (T,) seconds.
        up: (3,) against gravity, camera axes.
        picture_size: (W, H) pixels.
        camera: what is known of the lens.
        height_given: (P,), whose size is known.
        grounded: hold planted feet, and one floor.

    Returns:
        The pelvis (P, T, 3) float32, metres from the camera, in its axes; and one standard deviation of each number
        (P, T, 3): of the path's own fit, of the body's size and of the focal length together. Gaps are bridged;
        before a person is first seen and after the last time the place is held, and the deviation grows.
    """
    focal, centre = camera.focal_px(picture_size), camera.centre_px(picture_size)
    steps = np.maximum(np.diff(np.asarray(timestamps, np.float64), prepend=0.0), 1e-3)
    seconds = np.cumsum(steps)  # rising, also where time stamps are equal
    root, sigma = np.zeros((*valid.shape, 3)), np.full((*valid.shape, 3), _NOWHERE)
    lens = _LENS_GIVEN if camera.fov or camera.focal else _LENS
    for person, seen in enumerate(valid):
        track = _extent(seen)
        body, pixels = positions[person, track], keypoints[person, track]
        sure = np.where(seen[track, None], scores[person, track], 0.0)
        places, spread, usable = fit_translation(body, pixels, sure, focal, centre)
        span = _extent(usable)
        if not usable.any():
            continue
        first = track.start + span.start
        walk = _Walk(body[span], pixels[span], sure[span], seconds[track][span], np.asarray(up, np.float64), focal)
        path, variance = walk.find(places[span], spread[span], usable[span], grounded)
        held = np.clip(np.arange(len(seen)) - first, 0, len(path) - 1)
        root[person] = path[held]
        away = np.abs(seconds - seconds[first + held])[:, None] * _STRAY
        size = (_SIZE_GIVEN if height_given[person] else _SIZE) * root[person]
        by_lens = lens * root[person] * (0, 0, 1)
        sigma[person] = np.sqrt(variance[held] + _PELVIS**2 + size**2 + by_lens**2) + away
    return root.astype(np.float32), sigma.astype(np.float32)


def _extent(frames: Bools) -> slice:
    """Return the frames (T,) from the first true one to the last; none where none is."""
    there = np.flatnonzero(frames)
    return slice(int(there[0]), int(there[-1]) + 1) if len(there) else slice(0, 0)


def _definite(information: Doubles) -> Doubles:
    """Return inverse covariances (T, 3, 3) without what rounding made of directions hardly known."""
    values, axes = np.linalg.eigh((information + information.swapaxes(1, 2)) / 2)
    definite: Doubles = (axes * np.maximum(values, 0)[:, None]) @ axes.swapaxes(1, 2)
    return definite


class _Walk:
    """One person from the first frame with a fit to the last.

    Args:
        body: (T, 17, 3) metres about the pelvis.
        pixels: (T, 17, 2).
        scores: (T, 17).
        seconds: (T,), rising.
        up: (3,).
        focal: pixels.
    """

    def __init__(
        self, body: Numbers, pixels: Numbers, scores: Doubles, seconds: Doubles, up: Doubles, focal: float
    ) -> None:
        self.body, self.pixels, self.scores, self.seconds, self.up, self.focal = (
            body, pixels, scores, seconds, up, focal,
        )  # fmt: skip
        self.ankles = body[:, ANKLES].astype(np.float64)
        rate = 1 / float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
        self.rate, self.alike = rate, max(1.0, _CORRELATED_S * rate)  # frames a second; frames that err alike

    def find(self, places: Doubles, spread: Doubles, usable: Bools, grounded: bool) -> tuple[Doubles, Doubles]:
        """Return the path (T, 3) and its variance (T, 3), of places (T, 3) with covariances (T, 3, 3)."""
        known = np.zeros_like(spread)
        known[usable] = np.linalg.inv(spread[usable] * _TOO_SURE)
        try:
            path, variance = self._find(places, known, grounded, 0.0)
        except np.linalg.LinAlgError:
            variance = np.full(places.shape, -1.0)
        if not (variance > 0).all():
            # Frames so near in time, or places so far, that rounding leaves some open: all are held, weakly.
            path, variance = self._find(places, _definite(known), grounded, _FIRM)
        return path, np.maximum(variance, 0.0)

    def _find(self, places: Doubles, known: Doubles, grounded: bool, firm: float) -> tuple[Doubles, Doubles]:
        """Return path and variance; each place is held where it was, `firm` times as firmly as the surest term."""
        _, path = self._solved(places, known, firm)
        away = places - path
        far = np.einsum("ti,tij,tj->t", away, known, away)
        terms, path = self._solved(places, known / (1 + far / _OUTLIER)[:, None, None], firm)
        if grounded:
            feet = planted(self.body, self.pixels, self.scores, path[:, 2], self.seconds, self.up, self.focal)
            self._hold_feet(terms, path, feet)
            terms = self._on_floor(terms, feet, path, firm)
            path = terms.solve()
        return path, np.diagonal(terms.covariance(), axis1=1, axis2=2)

    def _solved(self, places: Doubles, known: Doubles, firm: float) -> tuple[PathTerms, Doubles]:
        """Return the terms of places (T, 3) known by (T, 3, 3), and the path (T, 3) of least cost."""
        terms = self._terms(places, known)
        terms.hold(places, firm)
        return terms, terms.solve()

    def _terms(self, places: Doubles, known: Doubles) -> PathTerms:
        terms = PathTerms.of(self.seconds)
        terms.know(places, known / self.alike)
        terms.be_steady(_RESTLESS)
        return terms

    def _hold_feet(self, terms: PathTerms, path: Doubles, feet: Doubles) -> None:
        """Add that ankles stay where they are while both of two frames have them planted (T, 2)."""
        gaps = np.diff(self.seconds)
        if not len(gaps):
            return
        velocity = gaussian_filter1d(np.diff(path, axis=0) / gaps[:, None], self.rate, axis=0, mode="nearest")
        walking = np.maximum((velocity**2).sum(axis=1) - _WALKING**2, 0)
        slip = (_SLIP + _SLIP_S * walking) * gaps
        for side in range(2):
            sure = np.minimum(feet[1:, side], feet[:-1, side])
            terms.move(-np.diff(self.ankles[:, side], axis=0), (sure / slip)[:, None, None] * np.eye(3))

    def _on_floor(self, terms: PathTerms, feet: Doubles, path: Doubles, firm: float) -> PathTerms:
        """Return the terms with one floor under all planted feet; path and floor are found in turn."""
        weights = feet / self.alike
        ankles, grounded = self.ankles, terms
        grounded.hold(path, firm)
        for _ in range(3):
            there = grounded.solve()[:, None] + ankles
            del grounded  # before there is another one
            normal, offset = floor_under(there.reshape(-1, 3), weights.ravel(), self.up)
            grounded = terms.copy()
            for side in range(2):
                sure = (weights[:, side] / EVEN**2)[:, None, None] * np.outer(normal, normal)
                # The place on the floor's normal at which this ankle would touch it.
                touch = ((offset - ankles[:, side] @ normal) / (normal @ normal))[:, None] * normal
                grounded.know(touch, sure)
            grounded.hold(path, firm)
        return grounded
