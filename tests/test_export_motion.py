"""Rotations of bones by laws and closed forms, axes by inverse pairs, feet on the floor by bodies of known height."""

from __future__ import annotations

import numpy as np
import pytest
from exported_runs import standing, to_pose, two_people
from scipy.spatial.transform import Rotation

from lifter import joints
from lifter.datasets.mocap.tiny_motion import motion, places
from pipeline.bones import hold_bones
from pipeline.errors import PipelineError
from pipeline.export.axes import Axes
from pipeline.export.motion import Motion, embody, evenly, gather
from pipeline.export.rotations import euler_angles, local_rotations, quaternions, swing, world_rotations
from pipeline.export.skeleton import ANKLE, AT_JOINT, INDEX, NODES, PARENTS, forward, rest_offsets
from pipeline.height import standing_height

ROOM, Y_UP = Axes("room", "z"), Axes("room", "y", "cm")
ALL_AXES = [ROOM, Y_UP, Axes("room", "z", "mm"), Axes("camera", "-y", "m")]


def held(positions: np.ndarray) -> np.ndarray:
    """Bones of one length, about the same path."""
    root = positions[:, :1]
    one = np.ones((1, len(positions)), bool)
    return hold_bones((positions - root).astype(np.float32)[None], one)[0].astype(np.float64) + root


def restless(frames: int = 30, seed: int = 0) -> np.ndarray:
    """A body whose every bone wanders: no trunk that moves as one, no hinges."""
    random = np.random.default_rng(seed)
    smooth = np.cumsum(random.normal(0, 0.02, (frames, 17, 3)), axis=0)
    return held(places(motion(frames, seed)).astype(np.float64) + smooth)


def at_rest() -> np.ndarray:
    """The rest pose (1, 17, 3) of a body."""
    offsets, _ = rest_offsets(standing(1))
    identity = np.tile(np.eye(3), (1, len(NODES), 1, 1))
    return forward(offsets, np.zeros((1, 3)), identity)[:, AT_JOINT]


def locals_of(positions: np.ndarray, fps: float = 25.0) -> np.ndarray:
    return local_rotations(world_rotations(positions, fps))


@pytest.mark.parametrize("seed", range(4))
def test_forward_kinematics_gives_back_every_joint(seed: int) -> None:
    truth = restless(seed=seed)
    body = embody(truth, np.ones(len(truth), bool), 25.0)
    again = forward(body.offsets, body.root, body.local)
    np.testing.assert_allclose(again[:, AT_JOINT], truth, atol=1e-6)
    for index, node in enumerate(NODES):  # all nodes of a joint are where it is
        np.testing.assert_allclose(again[:, index], truth[:, node.joint], atol=1e-6)


def test_rotations_are_rotations_and_do_not_jump() -> None:
    body = embody(held(places(motion(200, 1))), np.ones(200, bool), 50.0)
    turns = body.local
    np.testing.assert_allclose(turns @ np.swapaxes(turns, -1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-9)
    quats = body.quaternions
    assert (quats[1:] * quats[:-1]).sum(axis=-1).min() > 0.99
    np.testing.assert_allclose(Rotation.from_quat(quats.reshape(-1, 4)).as_matrix(), turns.reshape(-1, 3, 3), atol=1e-9)
    for index, node in enumerate(NODES):
        angles = euler_angles(turns[:, index], node.order)
        assert np.abs(np.diff(angles, axis=0)).max() < 20, node.name
        back = Rotation.from_euler(node.order, angles, degrees=True).as_matrix()
        np.testing.assert_allclose(back, turns[:, index], atol=1e-9)


def test_angles_and_signs_go_on_where_single_frames_would_jump() -> None:
    degrees = np.linspace(0, 720, 73)
    about = {axis: Rotation.from_euler(axis, degrees[:, None], degrees=True).as_matrix() for axis in "XYZ"}
    for axis, place in (("X", 1), ("Z", 0), ("Y", 2)):  # X in the middle goes past 90 degrees, too
        angles = euler_angles(about[axis], "ZXY")
        np.testing.assert_allclose(angles[:, place], degrees, atol=1e-6)
        np.testing.assert_allclose(np.delete(angles, place, axis=1), 0, atol=1e-6)
    quats = quaternions(about["X"][:, None])[:, 0]
    np.testing.assert_allclose(quats[:, 3], np.cos(np.radians(degrees) / 2), atol=1e-9)


def test_a_body_at_rest_turns_nothing_and_turns_as_a_whole() -> None:
    body = at_rest()
    np.testing.assert_allclose(locals_of(body), np.broadcast_to(np.eye(3), (1, len(NODES), 3, 3)), atol=1e-7)
    turn = Rotation.from_euler("ZXY", [70, -40, 110], degrees=True).as_matrix()
    turned = locals_of(body @ turn.T)
    np.testing.assert_allclose(turned[0, 0], turn, atol=1e-7)
    np.testing.assert_allclose(turned[0, 1:], np.broadcast_to(np.eye(3), (len(NODES) - 1, 3, 3)), atol=1e-7)


@pytest.mark.parametrize("bend", [10.0, 60.0, 130.0])
@pytest.mark.parametrize("lift", [0.0, 50.0, -80.0])
def test_an_arm_of_two_bones_has_the_angles_it_was_made_with(bend: float, lift: float) -> None:
    body = at_rest()
    upper, fore = (np.linalg.norm(body[0, j + 1] - body[0, j]) for j in (11, 12))
    raised = Rotation.from_euler("Y", -lift, degrees=True)  # the left arm points to +x: this takes it up
    forwards = Rotation.from_euler("Z", -bend, degrees=True)  # from +x to the front, -y
    body[0, 12] = body[0, 11] + raised.apply([upper, 0, 0])
    body[0, 13] = body[0, 12] + (raised * forwards).apply([fore, 0, 0])
    local = locals_of(body)[0]
    np.testing.assert_allclose(local[INDEX["left_shoulder"]], raised.as_matrix(), atol=1e-6)
    np.testing.assert_allclose(local[INDEX["left_elbow"]], forwards.as_matrix(), atol=1e-6)
    np.testing.assert_allclose(local[INDEX["left_wrist"]], np.eye(3), atol=1e-6)
    np.testing.assert_allclose(local[INDEX["right_elbow"]], np.eye(3), atol=1e-6)


@pytest.mark.parametrize("bend", [2.0, 30.0, 90.0])
def test_a_bent_elbow_tells_the_upper_arms_twist_as_far_as_it_is_bent(bend: float) -> None:
    body = at_rest()
    fore = np.linalg.norm(body[0, 13] - body[0, 12])
    body[0, 13] = body[0, 12] + Rotation.from_euler("Y", -bend, degrees=True).apply([fore, 0, 0])  # bent upwards
    twist = np.degrees(np.arctan2(-(np.sin(np.radians(bend)) ** 2), 0.1))  # to the hinge: -90, if it were certain
    expected = Rotation.from_euler("X", twist, degrees=True).as_matrix()
    np.testing.assert_allclose(locals_of(body)[0, INDEX["left_shoulder"]], expected, atol=1e-6)


def test_walking_legs_have_the_hinges_they_were_made_with() -> None:
    made = motion(120, 2)
    local = locals_of(places(made).astype(np.float64), 50.0)
    pelvis = Rotation.from_euler("ZX", np.stack([made["yaw"], made["lean"]], axis=1)).as_matrix()
    np.testing.assert_allclose(local[:, 0], pelvis, atol=1e-4)
    for side in ("left", "right"):
        knee = Rotation.from_euler("X", (made[f"{side}_thigh"] - made[f"{side}_shin"])[:, None]).as_matrix()
        np.testing.assert_allclose(local[:, INDEX[f"{side}_knee"]], knee, atol=1e-4)
        hip = Rotation.from_euler("X", (-made[f"{side}_thigh"] - made["lean"])[:, None]).as_matrix()
        np.testing.assert_allclose(local[:, INDEX[f"{side}_hip"]], hip, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_mirror_image_has_mirrored_rotations(seed: int) -> None:
    truth = restless(seed=seed)
    glass = np.diag([-1.0, 1, 1])
    swap = [INDEX[_other_side(node.name)] for node in NODES]
    seen, mirrored = locals_of(truth), locals_of(joints.mirror(truth))
    np.testing.assert_allclose(mirrored, glass @ seen[:, swap] @ glass, atol=1e-9)
    offsets, _ = rest_offsets(joints.mirror(truth))
    np.testing.assert_allclose(offsets, rest_offsets(truth)[0][swap] @ glass, atol=1e-9)


def _other_side(name: str) -> str:
    words = {"left": "right", "right": "left"}
    return "_".join(words.get(word, word) for word in name.split("_"))


def test_the_shortest_way_takes_one_onto_the_other() -> None:
    random = np.random.default_rng(1)
    to = random.normal(size=(50, 3))
    to = np.concatenate([to / np.linalg.norm(to, axis=-1, keepdims=True), [[1, 0, 0], [-1, 0, 0]]])
    turns = swing(np.array([1.0, 0, 0]), to)
    np.testing.assert_allclose(turns @ [1, 0, 0], to, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-9)
    angle = np.degrees(Rotation.from_matrix(turns).magnitude())
    np.testing.assert_allclose(angle, np.degrees(np.arccos(to[:, 0])), atol=1e-6)


def test_bodies_without_directions_still_have_rotations() -> None:
    nowhere = locals_of(np.zeros((3, 17, 3)))
    np.testing.assert_allclose(np.linalg.det(nowhere), 1, atol=1e-9)
    along = np.zeros((2, 17, 3))
    along[:, [4, 11], 2] = along[:, [1, 14], 2] = 1.0  # hips and shoulders along the trunk
    along[:, [7, 8], 2] = [0.5, 1.0]
    along[:, 4, 2] = 2.0
    np.testing.assert_allclose(np.linalg.det(locals_of(along)), 1, atol=1e-9)


@pytest.mark.parametrize("axes", ALL_AXES, ids=str)
def test_axes_are_inverse_pairs_and_no_mirrors(axes: Axes) -> None:
    points = np.random.default_rng(0).normal(size=(5, 17, 3))
    np.testing.assert_allclose(axes.room(axes.points(points)), points, atol=1e-12)
    np.testing.assert_allclose(axes.points(axes.room(points)), points, atol=1e-12)
    assert np.linalg.det(axes.matrix) == pytest.approx(1)
    up = axes.points(np.array([0.0, 0, 1]))
    assert up["xyz".index(axes.up[-1])] * (-1 if axes.up[0] == "-" else 1) > 0
    body = embody(restless(), np.ones(30, bool), 25.0)
    there = forward(axes.points(body.offsets), axes.points(body.root), axes.turned(body.local))
    np.testing.assert_allclose(axes.room(there), forward(body.offsets, body.root, body.local), atol=1e-9)


def test_camera_axes_are_those_of_the_run() -> None:
    pose = two_people()
    made = Axes("camera", "-y").points(gather(pose, "camera").positions)
    expected = hold_bones(pose.positions, pose.valid) + pose.root[:, :, None]
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize("pitch", [0.0, 25.0])
def test_planted_ankles_are_as_high_as_ankles_are(pitch: float) -> None:
    body = standing(60)
    made = gather(to_pose(body[None], pitch=pitch), "room").positions[0]
    high = ANKLE * standing_height(body)
    np.testing.assert_allclose(made[:, [3, 6], 2], high, atol=1e-3)
    np.testing.assert_allclose(made - made[:1, :1], body - body[:1, :1], atol=1e-3)
    np.testing.assert_allclose(made[0, 0, :2], 0, atol=1e-9)


def test_a_path_that_wrongly_leads_uphill_is_laid_on_the_floor() -> None:
    body = standing(200)
    walk = np.stack([np.zeros(200), np.interp(np.arange(200), [40, 160], [0, 3]), np.zeros(200)], axis=1)
    body += walk[:, None] * [1, 1, 0] + walk[:, None, [1]] * [0, 0, 0.07]  # glides away, 4 degrees up
    made = gather(to_pose(body[None]), "room").positions[0]
    high = ANKLE * standing_height(body)
    still = np.r_[:35, 165:200]
    np.testing.assert_allclose(made[still][:, [3, 6], 2], high, atol=0.01)
    assert made[-1, 0, 1] - made[0, 0, 1] == pytest.approx(3, abs=1e-3)  # the path itself stays as long


def test_a_jump_stays_a_jump() -> None:
    body = standing(200)
    seconds = (np.arange(200) - 100) / 50
    body[..., 2] += np.maximum(0.3 - 9.81 / 2 * seconds**2, 0)[:, None]
    made = gather(to_pose(body[None], fps=50), "room").positions[0]
    assert np.ptp(made[:, 0, 2]) == pytest.approx(0.3, abs=0.02)
    assert made[:, [3, 6], 2].min() > 0.05


def test_who_steps_onto_something_stands_on_it() -> None:
    body = standing(300)
    body[..., 2] += np.interp(np.arange(300), [180, 190, 240, 250], [0, 0.4, 0.4, 0])[:, None]
    made = gather(to_pose(body[None]), "room").positions[0]
    high = ANKLE * standing_height(body)
    np.testing.assert_allclose(made[:170][:, [3, 6], 2], high, atol=0.02)
    np.testing.assert_allclose(made[200:230][:, [3, 6], 2], high + 0.4, atol=0.05)


def test_without_feet_that_stand_the_lowest_joint_is_near_the_floor() -> None:
    body = standing(50)
    body[..., [0, 2]] = body[..., [2, 0]]  # lies on the side, ankles no lower than the rest
    body[:, [3, 6], 0] += np.sin(np.arange(50))[:, None]  # and they never rest
    made = gather(to_pose(body[None]), "room").positions[0]
    assert abs(made[..., 2].min(axis=1)).max() < 0.02


def test_unseen_frames_hold_the_last_pose() -> None:
    pose = two_people()
    motion_ = gather(pose, "room")
    body = motion_.bodies()[1]
    assert (body.held == ~pose.valid[1]).all() and not motion_.bodies()[0].held.any()
    for frame, same in [(0, 5), (4, 5), (20, 19), (24, 19)]:
        np.testing.assert_array_equal(body.local[frame], body.local[same])
        np.testing.assert_array_equal(body.root[frame], body.root[same])


def test_uneven_frames_are_taken_anew_and_even_ones_left_alone() -> None:
    motion_ = gather(two_people(), "room")
    assert motion_.even and evenly(motion_) is motion_ and motion_.fps == 25
    seconds = np.concatenate([np.arange(20) / 25, 20 / 25 + 0.1 + np.arange(20) / 25])
    line = standing(40) + np.linspace(0, 1, 40)[:, None, None] * [1, 0, 0]
    moved = Motion(
        line[None], np.ones((1, 40), bool), seconds, 25.0, np.array([1]), np.ones((1, 40, 17)),
        np.zeros((1, 40, 17), np.uint8),
    )  # fmt: skip
    even = evenly(moved)
    np.testing.assert_allclose(np.diff(even.seconds), 1 / 25)
    assert even.even and even.valid.all() and abs(even.seconds[-1] - seconds[-1]) < 1 / 25
    expected = np.interp(even.seconds, seconds, np.linspace(0, 1, 40))
    np.testing.assert_allclose(even.positions[0, :, 0, 0] - line[0, 0, 0], expected, atol=1e-6)
    moved.valid[0, 20] = False
    assert not evenly(moved).valid[0, 20:22].any()  # nothing is made up between a seen and an unseen frame


def test_frame_rates_are_kept() -> None:
    for fps in (25.0, 30000 / 1001, 59.94, 120.0):
        pose = to_pose(standing(50)[None], fps=fps)
        made = gather(pose, "room")
        assert made.even and made.fps == pytest.approx(fps, rel=1e-6)
    assert gather(to_pose(standing(1)[None]), "room").fps == 30


def test_nobody_is_told() -> None:
    pose = two_people()
    with pytest.raises(PipelineError, match="the run has 1, 2, not 7"):
        gather(pose, "room", 7)
    assert gather(pose, "room", 2).people.tolist() == [2]
    pose.valid[:] = False
    with pytest.raises(PipelineError, match="nothing to export"):
        gather(pose, "room")


def test_parents_come_before_children() -> None:
    assert all(parent < index for index, parent in enumerate(PARENTS)) and PARENTS.count(-1) == 1
    assert {node.joint for node in NODES} == set(range(17))
