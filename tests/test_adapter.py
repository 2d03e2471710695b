"""Laws of the adapter: names decide, order does not; the map moves, turns, scales and mirrors with the picture."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.joints import COCO_17, H36M_17, VOCABULARIES
from pipeline.adapter import adapt, recognise
from pipeline.errors import PipelineError

EVERY = sorted(VOCABULARIES)
# An adult seen from the front, in units of trunk length, x right, y up; the person's left is at the right.
STANDING = {
    "hip": (0.0, 0.0), "pelvis": (0.0, 0.0), "mid_hip": (0.0, 0.0), "spine": (0.0, 0.5), "thorax": (0.0, 1.0),
    "neck": (0.0, 1.05), "upper_neck": (0.0, 1.25), "head_top": (0.0, 1.7), "head": (0.0, 1.5), "nose": (0.0, 1.4),
    "left_eye": (0.07, 1.47), "left_eye_inner": (0.05, 1.47), "left_eye_outer": (0.09, 1.47),
    "left_ear": (0.15, 1.45), "mouth_left": (0.05, 1.33), "left_shoulder": (0.36, 1.0), "left_elbow": (0.45, 0.5),
    "left_wrist": (0.5, 0.0), "left_hip": (0.25, 0.0), "left_knee": (0.25, -0.85), "left_ankle": (0.25, -1.7),
}  # fmt: skip


def person(joints: tuple[str, ...], scale: float = 100.0) -> np.ndarray:
    """Return (J, 2) pixels of the standing adult in any vocabulary, the pelvis at (300, 400)."""
    places = []
    for name in joints:
        mirrored = name.startswith("right_") or name.endswith("_right")
        twin = name.replace("right", "left")
        x, y = STANDING.get(twin, (0.3, -0.5))
        places.append((-x if mirrored else x, -y))
    return np.array(places) * scale + (300, 400)


def other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def random_people(joints: tuple[str, ...], seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    keypoints = person(joints) + rng.normal(0, 25, (5, 7, len(joints), 2))
    return keypoints, rng.uniform(0.1, 1, (5, 7, len(joints)))


@pytest.mark.parametrize("key", EVERY)
def test_every_vocabulary_is_recognised_in_any_order_and_among_other_names(key: str) -> None:
    joints = VOCABULARIES[key]
    order = np.random.default_rng(0).permutation(len(joints))
    shuffled = tuple(joints[i] for i in order)
    assert recognise(joints) == recognise(shuffled) == recognise((*shuffled, "left_something_else")) == key
    keypoints, scores = random_people(joints)
    expected = adapt(keypoints, scores, joints)
    got = adapt(keypoints[..., order, :], scores[..., order], shuffled)
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])
    assert expected[0].shape == (5, 7, 17, 2)
    assert expected[1].shape == (5, 7, 17)


@pytest.mark.parametrize("key", EVERY)
def test_adapting_the_adapted_changes_nothing(key: str) -> None:
    once = adapt(*random_people(VOCABULARIES[key]), VOCABULARIES[key])
    twice = adapt(*once, H36M_17)
    np.testing.assert_array_equal(twice[0], once[0])
    np.testing.assert_array_equal(twice[1], once[1])


def with_hidden(joints: tuple[str, ...], hidden: str) -> tuple[np.ndarray, np.ndarray]:
    keypoints, scores = random_people(joints)
    unseen = {
        "nothing": [],
        "face": [j for j in joints if any(part in j for part in ("nose", "eye", "ear", "mouth"))],
        "one ear": [j for j in joints if j == "left_ear"],
        "hips": [j for j in joints if "hip" in j or j == "pelvis"],
    }[hidden]
    for name in unseen:
        scores[..., joints.index(name)] = 0
    return keypoints, scores


@pytest.mark.parametrize("hidden", ["nothing", "face", "one ear", "hips"])
@pytest.mark.parametrize("key", EVERY)
def test_mirroring_and_swapping_sides_commute_with_adapting(key: str, hidden: str) -> None:
    joints = VOCABULARIES[key]
    keypoints, scores = with_hidden(joints, hidden)
    twin = [joints.index(other_side(name)) for name in joints]
    mirrored = (keypoints * (-1, 1) + (640, 0))[..., twin, :]
    got, got_scores = adapt(mirrored, scores[..., twin], joints)
    expected, expected_scores = adapt(keypoints, scores, joints)
    twin17 = [H36M_17.index(other_side(name)) for name in H36M_17]
    np.testing.assert_allclose(got, (expected * (-1, 1) + (640, 0))[..., twin17, :], atol=1e-3)
    np.testing.assert_allclose(got_scores, expected_scores[..., twin17], atol=1e-7)


@pytest.mark.parametrize("hidden", ["nothing", "face", "one ear", "hips"])
@pytest.mark.parametrize("key", EVERY)
def test_adapting_commutes_with_moving_scaling_and_turning(key: str, hidden: str) -> None:
    joints = VOCABULARIES[key]
    keypoints, scores = with_hidden(joints, hidden)
    plain, plain_scores = adapt(keypoints, scores, joints)
    for degrees, scale, move in ((90, 1.0, (0, 0)), (33, 0.4, (-50, 20)), (180, 2.5, (1000, 0))):
        angle = np.radians(degrees)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        got, got_scores = adapt(keypoints @ turn.T + move, scores, joints)
        np.testing.assert_allclose(got, plain @ turn.T + move, atol=2e-3)
        np.testing.assert_array_equal(got_scores, plain_scores)
    tiny, _ = adapt(keypoints * 1e-3, scores, joints)  # a trunk of less than a pixel
    np.testing.assert_allclose(tiny, plain * 1e-3, atol=2e-6)


@pytest.mark.parametrize("hidden", ["nothing", "face", "hips"])
@pytest.mark.parametrize("key", EVERY)
def test_a_frame_is_adapted_alone_as_among_others(key: str, hidden: str) -> None:
    """More frames than are worked on at once, of people of all sizes; axes in front are free."""
    joints = VOCABULARIES[key]
    keypoints, scores = with_hidden(joints, hidden)
    sizes = np.geomspace(0.1, 10, 16)[:, None, None, None, None]
    many, many_scores = keypoints * sizes, np.broadcast_to(scores, (16, *scores.shape))
    got, got_scores = adapt(many, many_scores, joints)
    assert many_scores.size / len(joints) > 500 and got.dtype == got_scores.dtype == np.float32
    for frame in np.ndindex(many_scores.shape[:-1]):
        alone, alone_scores = adapt(many[frame], many_scores[frame], joints)
        np.testing.assert_array_equal(got[frame], alone)
        np.testing.assert_array_equal(got_scores[frame], alone_scores)


@pytest.mark.parametrize("key", EVERY)
def test_limbs_are_copied_bit_for_bit(key: str) -> None:
    joints = VOCABULARIES[key]
    keypoints, scores = random_people(joints)
    got, got_scores = adapt(keypoints.astype(np.float32), scores.astype(np.float32), joints)
    for name in H36M_17:
        if "_" in name:
            source = joints.index(name)
            np.testing.assert_array_equal(got[..., H36M_17.index(name), :], keypoints[..., source, :].astype("f4"))
            np.testing.assert_array_equal(got_scores[..., H36M_17.index(name)], scores[..., source].astype("f4"))


def test_coco_follows_the_bias_corrected_formulas_for_an_upright_person() -> None:
    """The published rules in their own upright words (y down), on a person whose trunk is exactly vertical."""
    rng = np.random.default_rng(1)
    keypoints = person(COCO_17)
    keypoints[:5] += rng.normal(0, 4, (5, 2))
    nose, left_eye, right_eye, left_ear, right_ear = keypoints[:5]
    shoulders, hips = keypoints[5:7].mean(0), keypoints[11:13].mean(0)
    eyes = (left_eye + right_eye) / 2
    head = np.array([np.mean([left_eye[0], right_eye[0], left_ear[0], right_ear[0]]), 2 * eyes[1] - nose[1]])
    thorax = shoulders + (nose - shoulders) / 3 - np.array([0, 2 / 3 * (eyes[1] - nose[1])])
    spine = keypoints[[5, 6, 11, 12]].mean(0)
    spine[0] += 0.3 * (spine[0] - (hips[0] + thorax[0]) / 2)
    expected = {"pelvis": hips, "spine": spine, "thorax": thorax, "neck": nose - (nose - shoulders) / 4, "head": head}
    got, _ = adapt(keypoints, np.ones(17), COCO_17)
    for name, place in expected.items():
        np.testing.assert_allclose(got[H36M_17.index(name)], place, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("key", EVERY)
def test_a_standing_adult_has_the_parts_of_the_trunk_in_order_and_the_face_in_the_middle(key: str) -> None:
    got, _ = adapt(person(VOCABULARIES[key]), np.ones(len(VOCABULARIES[key])), VOCABULARIES[key])
    column = got[[H36M_17.index(name) for name in ("pelvis", "spine", "thorax", "neck", "head")]]
    assert (np.diff(column[:, 1]) < -4).all(), column[:, 1]
    np.testing.assert_allclose(column[:, 0], 300, atol=1e-3)


@pytest.mark.parametrize("key", ["coco17", "openpose25", "mediapipe33"])
def test_an_unseen_face_gives_score_zero_and_a_head_near_its_usual_place(key: str) -> None:
    joints = VOCABULARIES[key]
    keypoints, scores = person(joints), np.ones(len(joints))
    expected, _ = adapt(keypoints, scores, joints)
    for index, name in enumerate(joints):
        if any(part in name for part in ("nose", "eye", "ear", "mouth")):
            keypoints[index], scores[index] = 0, 0
    got, got_scores = adapt(keypoints, scores, joints)
    np.testing.assert_allclose(got, expected, atol=12)  # of a trunk of 100 px
    unseen = {"thorax", "neck", "head"} | ({"spine"} if key == "mediapipe33" else set())
    assert {H36M_17[i] for i in np.flatnonzero(got_scores == 0)} == unseen


@pytest.mark.parametrize("key", ["coco17", "openpose25", "mediapipe33"])
@pytest.mark.parametrize("shown", [("nose",), ("eye",), ("nose", "ear"), ("eye", "ear")])
def test_unseen_parts_of_a_face_stand_where_the_seen_ones_say(key: str, shown: tuple[str, ...]) -> None:
    """As if somebody had put them at their usual place above the trunk, moved as the seen ones are on average."""
    joints = VOCABULARIES[key]
    moves = {"nose": np.array([9, -4]), "eye": np.array([-6, 2]), "ear": np.array([3, 8])}
    move = np.mean([moves[part] for part in shown], axis=0)
    given, whole, scores = person(joints), person(joints), np.ones(len(joints))
    for index, name in enumerate(joints):
        for part, up in (("nose", 0.40), ("eye", 0.47), ("ear", 0.45)):
            if name in (part, f"left_{part}", f"right_{part}"):
                usual = np.array([300, 400 - 100 * (1 + up)])  # the shoulders' middle is 100 pixels above the pelvis
                given[index] = usual + moves[part] if part in shown else (-50, 70)
                whole[index] = usual + (moves[part] if part in shown else move)
                scores[index] = float(part in shown)
    got, _ = adapt(given, scores, joints)
    np.testing.assert_allclose(got, adapt(whole, np.ones(len(joints)), joints)[0], atol=1e-3)


@pytest.mark.parametrize(
    ("key", "hidden", "kept", "joint"),
    [
        ("coco17", "hip", "shoulder", "pelvis"),
        ("mpii16", "hip", "shoulder", "spine"),
        ("mpii16", "shoulder", "hip", "spine"),
    ],
)
def test_an_unseen_end_of_the_trunk_is_where_the_other_is(key: str, hidden: str, kept: str, joint: str) -> None:
    joints = VOCABULARIES[key]
    keypoints, scores = person(joints), np.ones(len(joints))
    for side in ("left", "right"):
        index = joints.index(f"{side}_{hidden}")
        keypoints[index], scores[index] = (-50, 70), 0
    other = np.mean([keypoints[joints.index(f"{side}_{kept}")] for side in ("left", "right")], axis=0)
    got, got_scores = adapt(keypoints, scores, joints)
    np.testing.assert_allclose(got[H36M_17.index(joint)], other, atol=1e-3)
    assert got_scores[H36M_17.index(joint)] == 0


@pytest.mark.parametrize("key", ["coco17", "openpose25", "mediapipe33"])
@pytest.mark.parametrize("seen", ["left_shoulder", "nose", "left_ankle", "right_hip"])
def test_derived_joints_stay_at_the_body_when_hardly_anything_is_seen(key: str, seen: str) -> None:
    joints = VOCABULARIES[key]
    keypoints, scores = np.zeros((len(joints), 2)), np.zeros(len(joints))
    keypoints[joints.index(seen)], scores[joints.index(seen)] = (500, 600), 0.9
    got, got_scores = adapt(keypoints, scores, joints)
    for name in ("pelvis", "spine", "thorax", "neck", "head"):
        np.testing.assert_allclose(got[H36M_17.index(name)], (500, 600), atol=1e-3, err_msg=name)
    assert got_scores.sum() == pytest.approx(0.9 if seen != "nose" else 0)


def test_a_frame_with_every_score_zero_keeps_its_places() -> None:
    """The tracker bridges gaps with places of score 0: they are adapted like any others."""
    keypoints = person(COCO_17)
    got, scores = adapt(keypoints, np.zeros(17), COCO_17)
    np.testing.assert_array_equal(got, adapt(keypoints, np.ones(17), COCO_17)[0])
    assert not scores.any()


def test_a_derived_joint_has_the_smallest_score_of_its_sources() -> None:
    scores = np.ones(17)
    scores[COCO_17.index("left_hip")] = 0.25
    scores[COCO_17.index("nose")] = 0.5
    got = dict(zip(H36M_17, adapt(person(COCO_17), scores, COCO_17)[1], strict=True))
    assert (got["pelvis"], got["spine"], got["thorax"], got["neck"], got["head"]) == (0.25, 0.25, 0.5, 0.5, 0.5)


def test_no_people_and_no_frames_are_legal() -> None:
    assert adapt(np.zeros((0, 9, 17, 2)), np.zeros((0, 9, 17)), COCO_17)[0].shape == (0, 9, 17, 2)


def test_unknown_vocabularies_are_refused_in_one_line() -> None:
    with pytest.raises(PipelineError, match=r"nearest is coco17, missing left_knee") as raised:
        recognise(tuple(name for name in COCO_17 if name != "left_knee"))
    assert "\n" not in str(raised.value)
    with pytest.raises(PipelineError, match="nose named twice"):
        recognise((*COCO_17, "nose"))
    with pytest.raises(PipelineError, match=r"left_eye, nose named twice; give every joint one name$"):
        recognise((*COCO_17, "nose", "left_eye"))
    limbs = [name for name in VOCABULARIES["3dhp17"] if "_" in name and name != "head_top"]
    for count, dots in ((6, ""), (7, ", ...")):
        with pytest.raises(PipelineError) as told:
            recognise(tuple(name for name in VOCABULARIES["3dhp17"] if name not in limbs[:count]))
        assert str(told.value) == (
            f"detector joints: unknown vocabulary of {17 - count} joints; nearest is 3dhp17, missing "
            f"{', '.join(limbs[:6])}{dots}; name the joints as one of {', '.join(EVERY)}"
        )
    with pytest.raises(PipelineError, match="unknown vocabulary of 0 joints"):
        recognise(())
    with pytest.raises(ValueError, match="key points"):
        adapt(np.zeros((16, 2)), np.zeros(16), COCO_17)
