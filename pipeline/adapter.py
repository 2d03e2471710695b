"""Detector joints to Human3.6M's 17, by joint name: the one place where skeleton conventions meet.

Every formula is built from sums of weights one and from components along the trunk, so that moving, scaling,
turning or mirroring the picture does the same to the result: a lying person is adapted like a standing one.
Sources: Human3.6M to COCO by the bias-corrected rules that MHFormer took from GAST-Net, with their "vertical" terms
taken along the trunk; MPII, Halpe and MPI-INF-3DHP by the direct maps in common use; MediaPipe by its own
face landmarks. `pipeline.learned` can move what these rules give to where joints were found to lie among a detector's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.joints import H36M_17, VOCABULARIES
from pipeline.errors import PipelineError

Doubles = NDArray[np.float64]
# A joint during the computation: (..., 3) = x, y in pixels and the score.
Joint = Doubles
Named = dict[str, Joint]

# Richer vocabularies first: whatever holds all names of one is read as that one (COCO-WholeBody as COCO-17).
_ORDER = ("h36m17", "mediapipe33", "halpe26", "openpose25", "3dhp17", "mpii16", "coco17")
_LIMBS = tuple(
    f"{side}_{part}" for side in ("right", "left") for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)
# Where a frontal standing adult has the face above the shoulders' middle, in trunk lengths (pelvis to shoulders):
# used where no part of the face is seen.
_NOSE_UP, _EYES_UP, _EARS_UP = 0.40, 0.47, 0.45
# Sideways share of the spine's bend that the trunk's four corners understate.
_BEND = 0.3
_AT_ONCE = 500  # frames, so that a long film needs little memory in between


def adapt(
    keypoints: NDArray[np.floating], scores: NDArray[np.floating], joints: tuple[str, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give Human3.6M's 17 joints (`detectors.joints.H36M_17`, in that order) for any known vocabulary.

    The vocabulary is recognised by the set of names; their order is free and further names are ignored.
    A derived joint has the smallest score of its sources; where a source is unseen (score 0) the joint keeps a
    finite place near the body, found from what is seen, and score 0. Copied joints stay as they are.

    Args:
        keypoints: (..., J, 2) pixels, x right and y down.
        scores: (..., J) in 0..1; 0 means unseen.
        joints: J names.

    Returns:
        keypoints (..., 17, 2) float32 pixels and scores (..., 17) float32.

    Raises:
        PipelineError: the names fit no known vocabulary.
        ValueError: arrays that do not fit the names.
    """
    if keypoints.shape != (*scores.shape, 2) or scores.shape[-1] != len(joints):
        raise ValueError(f"adapt: {keypoints.shape} key points, {scores.shape} scores, {len(joints)} names")
    rule = _RULES[recognise(joints)]
    flat, flat_scores = keypoints.reshape(-1, len(joints), 2), scores.reshape(-1, len(joints))
    result = np.empty((len(flat), len(H36M_17), 3), np.float32)
    for first in range(0, len(flat), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        stacked = np.concatenate([flat[part], flat_scores[part, :, None]], axis=-1).astype(np.float64)
        named: Named = {name: stacked[:, index] for index, name in enumerate(joints)}
        adapted = rule(named)
        result[part] = np.stack([adapted[name] for name in H36M_17], axis=-2)
    result = result.reshape(*scores.shape[:-1], len(H36M_17), 3)
    return result[..., :2], result[..., 2]


def recognise(joints: tuple[str, ...]) -> str:
    """Return the key in `VOCABULARIES` of the richest vocabulary whose names are all among `joints`.

    Raises:
        PipelineError: a name occurs twice, or no vocabulary fits; the nearest one is named with what it misses.
    """
    given = set(joints)
    if len(given) != len(joints):
        twice = sorted({name for name in joints if joints.count(name) > 1})
        raise PipelineError(f"detector joints: {', '.join(twice)} named twice; give every joint one name")
    for key in _ORDER:
        if given.issuperset(VOCABULARIES[key]):
            return key
    nearest = max(_ORDER, key=lambda key: len(given & set(VOCABULARIES[key])) / len(VOCABULARIES[key]))
    missing = [name for name in VOCABULARIES[nearest] if name not in given]
    shown = ", ".join(missing[:6]) + (", ..." if len(missing) > 6 else "")
    raise PipelineError(
        f"detector joints: unknown vocabulary of {len(joints)} joints; nearest is {nearest}, missing {shown}; "
        f"name the joints as one of {', '.join(sorted(_ORDER))}"
    )


def _mean(*parts: Joint) -> Joint:
    """Return the middle of joints, with the smallest of their scores."""
    return _weighted(*((1 / len(parts), part) for part in parts))


def _weighted(*terms: tuple[float, Joint]) -> Joint:
    """Return the weighted sum of joints (weights of sum one), with the smallest of their scores."""
    places = sum((weight * part[..., :2] for weight, part in terms), np.zeros(2))
    return _with_score(places, *(part for _, part in terms))


def _with_score(places: Doubles, *sources: Joint) -> Joint:
    """Put the smallest score of the sources beside (..., 2) places."""
    score: Doubles = np.minimum.reduce([source[..., 2] for source in sources])
    return np.concatenate([places, score[..., None]], axis=-1)


def _seen(joint: Joint) -> NDArray[np.bool_]:
    """Return (..., 1): the joint has a score at all."""
    seen: NDArray[np.bool_] = joint[..., 2:] > 0
    return seen


def _pair(named: Named, part: str) -> Joint:
    """Return the middle of a left/right pair; of the seen one alone, with its score, where the other is unseen."""
    left, right = named[f"left_{part}"], named[f"right_{part}"]
    middle = _mean(left, right)
    middle = np.where(_seen(left) & ~_seen(right), left, middle)
    return np.where(_seen(right) & ~_seen(left), right, middle)


def _limbs(named: Named) -> Named:
    return {name: named[name] for name in _LIMBS}


def _trunk_ends(named: Named) -> tuple[Joint, Joint]:
    """Return the middles of the hips and of the shoulders, finite and near the body also where they are unseen.

    Where all of a pair is unseen its middle takes the other pair's place, else the middle of what is seen of the
    body, with score 0. Where nothing is seen at all (a bridged gap) the places are taken as they come.
    """
    body = np.stack(list(named.values()))
    counted = (body[..., 2:] > 0).astype(np.float64)
    centre = (body[..., :2] * counted).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    nothing = counted.sum(axis=0) == 0
    both = []
    for part in ("hip", "shoulder"):
        left, right = named[f"left_{part}"], named[f"right_{part}"]
        middle = _pair(named, part)
        score = np.minimum(left[..., 2:], right[..., 2:])
        both.append((middle[..., :2], score, (np.maximum(left[..., 2:], right[..., 2:]) > 0) | nothing))
    (hips, hips_score, hips_seen), (shoulders, shoulders_score, shoulders_seen) = both
    hips_at = np.where(hips_seen, hips, np.where(shoulders_seen, shoulders, centre))
    shoulders_at = np.where(shoulders_seen, shoulders, np.where(hips_seen, hips, centre))
    return np.concatenate([hips_at, hips_score], axis=-1), np.concatenate([shoulders_at, shoulders_score], axis=-1)


def _face(named: Named, hips: Joint, shoulders: Joint) -> tuple[Joint, Joint, Joint]:
    """Return nose, middle of the eyes and middle of the ears; unseen ones (score 0) stand where they would be.

    An unseen one keeps its usual place above the trunk, moved as the seen ones are moved from theirs.
    """
    trunk = shoulders[..., :2] - hips[..., :2]
    parts = [named["nose"], _pair(named, "eye"), _pair(named, "ear")]
    usual = [shoulders[..., :2] + up * trunk for up in (_NOSE_UP, _EYES_UP, _EARS_UP)]
    nothing = ~np.logical_or.reduce([_seen(joint) for joint in named.values()])
    seen = [_seen(part) | nothing for part in parts]
    moved = sum((np.where(s, p[..., :2] - u, 0) for s, p, u in zip(seen, parts, usual, strict=True)), np.zeros(2))
    moved = moved / np.maximum(sum(s.astype(np.float64) for s in seen), 1)
    nose, eyes, ears = (
        np.concatenate([np.where(s, p[..., :2], u + moved), p[..., 2:]], axis=-1)
        for s, p, u in zip(seen, parts, usual, strict=True)
    )
    return nose, eyes, ears


def _trunk_axis(hips: Joint, shoulders: Joint) -> Doubles:
    """Return (..., 2): the unit vector from the hips to the shoulders; zero where they meet in one point."""
    trunk = shoulders[..., :2] - hips[..., :2]
    length = np.linalg.norm(trunk, axis=-1, keepdims=True)
    axis: Doubles = trunk / np.where(length > 0, length, 1)
    return axis


def _from_coco(named: Named) -> Named:
    """COCO-17 (also OpenPose BODY_25, whose neck is the shoulders' middle and whose mid hip the hips' middle)."""
    hips, shoulders = _trunk_ends(named)
    nose, eyes, ears = _face(named, hips, shoulders)
    up = _trunk_axis(hips, shoulders)
    across = np.stack([-up[..., 1], up[..., 0]], axis=-1)
    # How far the eyes stand above the nose along the trunk: the head's nod, which moves a nose but no neck.
    nod = ((eyes - nose)[..., :2] * up).sum(axis=-1, keepdims=True)
    face = _mean(eyes, ears)
    lift = ((2 * eyes - nose - face)[..., :2] * up).sum(axis=-1, keepdims=True)
    head = _with_score(face[..., :2] + lift * up, face, nose)
    third = _weighted((2 / 3, shoulders), (1 / 3, nose))
    thorax = _with_score(third[..., :2] - (2 / 3) * nod * up, third, eyes)
    neck = _weighted((3 / 4, nose), (1 / 4, shoulders))
    corners = _mean(hips, shoulders)
    bend = ((corners - (hips + thorax) / 2)[..., :2] * across).sum(axis=-1, keepdims=True)
    spine = _with_score(corners[..., :2] + _BEND * bend * across, corners)
    return {**_limbs(named), "pelvis": hips, "spine": spine, "thorax": thorax, "neck": neck, "head": head}


def _from_mediapipe(named: Named) -> Named:
    hips, shoulders = _trunk_ends(named)
    nose, eyes, ears = _face(named, hips, shoulders)
    thorax = _weighted((2 / 3, shoulders), (1 / 3, nose))
    neck = _weighted((3 / 4, nose), (1 / 4, shoulders))
    head = _weighted((1, ears), (2, eyes), (-2, nose))
    return {
        **_limbs(named), "pelvis": hips, "spine": _mean(hips, thorax), "thorax": thorax, "neck": neck, "head": head,
    }  # fmt: skip


def _from_halpe(named: Named) -> Named:
    pelvis, thorax = named["hip"], named["neck"]
    return {
        **_limbs(named), "pelvis": pelvis, "spine": _mean(pelvis, thorax), "thorax": thorax,
        "neck": named["nose"], "head": named["head_top"],
    }  # fmt: skip


def _from_mpii(named: Named) -> Named:
    hips, shoulders = _trunk_ends(named)
    return {
        **_limbs(named), "pelvis": named["pelvis"], "spine": _mean(hips, shoulders), "thorax": named["thorax"],
        "neck": named["upper_neck"], "head": named["head_top"],
    }  # fmt: skip


def _from_3dhp(named: Named) -> Named:
    return {
        **_limbs(named), "pelvis": named["pelvis"], "spine": named["spine"], "thorax": named["neck"],
        "neck": named["head"], "head": named["head_top"],
    }  # fmt: skip


def _unchanged(named: Named) -> Named:
    return named


_RULES: dict[str, Callable[[Named], Named]] = {
    "coco17": _from_coco,
    "openpose25": _from_coco,
    "mediapipe33": _from_mediapipe,
    "halpe26": _from_halpe,
    "mpii16": _from_mpii,
    "3dhp17": _from_3dhp,
    "h36m17": _unchanged,
}
