"""The axes of the view ray: laws of the turns, and truth, training, evaluation and pipeline in the same ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_sets import FOCAL_PX, SIZE, moving_set, write_set
from scipy.spatial.transform import Rotation

from lifter import rays, weights
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.poseset import PoseSet
from lifter.errors import LifterError
from lifter.evaluate import evaluate
from lifter.plain import make
from lifter.screen import turn_back
from lifter.sequences import lift_sequence
from lifter.training.filmed_dataset import FilmedDataset
from lifter.training.windows_dataset import WindowDataset
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe
from pipeline.camera import Camera
from pipeline.orient import view_turns

RAY = {"axes": "ray", "window": 32}
CAMERA = {"window": 32}
LENGTHS = {"train": [70, 60], "test": [50, 40]}
INTRINSICS = np.array([FOCAL_PX, FOCAL_PX, 500, 400])


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mocap")
    write_tiny_mocap(made)
    return made


# The turns.


def test_the_ray_of_the_pelvis_is_the_axis_of_depth_and_the_turn_is_the_shortest(random: np.random.Generator) -> None:
    plane = random.normal(0, 0.6, (5, 7, 2))
    turns = rays.turns_to_ray(plane)
    ray = np.concatenate([plane, np.ones((5, 7, 1))], axis=-1)
    in_axes = np.einsum("...ji,...j->...i", turns, ray)
    np.testing.assert_allclose(in_axes, np.linalg.norm(ray, axis=-1, keepdims=True) * [0, 0, 1], atol=1e-12)
    angle = Rotation.from_matrix(turns.reshape(-1, 3, 3)).magnitude()
    np.testing.assert_allclose(angle, np.arctan(np.linalg.norm(plane, axis=-1)).ravel(), atol=1e-9)


def test_who_is_on_the_axis_is_not_turned_and_turns_are_undone(random: np.random.Generator) -> None:
    np.testing.assert_array_equal(rays.turns_to_ray(np.zeros((3, 2))), np.tile(np.eye(3), (3, 1, 1)))
    positions = random.normal(0, 0.5, (4, 6, 17, 3)).astype(np.float32)
    turns = rays.turns_to_ray(random.normal(0, 0.6, (4, 6, 2)))
    turned = rays.to_ray(positions, turns)
    assert turned.dtype == np.float32 and not np.allclose(turned, positions, atol=0.1)
    np.testing.assert_allclose(rays.from_ray(turned, turns), positions, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(positions, axis=-1), atol=1e-6)


def test_rolled_and_mirrored_pictures_have_rolled_and_mirrored_axes(random: np.random.Generator) -> None:
    """Windows are rolled and mirrored after they were brought to the axes of the ray, which must not matter."""
    plane, positions = random.normal(0, 0.5, (9, 2)), random.normal(0, 0.5, (9, 17, 3))
    told = rays.to_ray(positions, rays.turns_to_ray(plane))
    for change in (Rotation.from_euler("z", 35, degrees=True).as_matrix(), np.diag([-1.0, 1, 1])):
        other = rays.to_ray(positions @ change.T, rays.turns_to_ray(plane @ change[:2, :2].T))
        np.testing.assert_allclose(other, told @ change.T, atol=1e-12)


def test_what_a_small_person_shows_is_what_a_camera_turned_to_him_shows(random: np.random.Generator) -> None:
    """The point of it all: across the ray, a flat picture stretched along the way to its centre, and no more."""
    place = np.array([2.4, -1.2, 4.0])
    body = random.normal(0, 1e-4, (17, 3))
    body[0] = 0
    shown = rays.on_plane(place + body) - rays.on_plane(place)
    across = rays.to_ray(body, rays.turns_to_ray(rays.on_plane(place)))[:, :2]
    outward = place[:2] / np.linalg.norm(place[:2])
    aside = np.array([-outward[1], outward[0]])
    cosine = place[2] / np.linalg.norm(place)
    np.testing.assert_allclose(shown @ aside * place[2], across @ aside, atol=1e-7)
    np.testing.assert_allclose(shown @ outward * place[2] * cosine, across @ outward, atol=1e-7)


def test_the_pipeline_turns_by_the_same_rays(random: np.random.Generator) -> None:
    pixels = np.array([700.0, 250.0]) + random.normal(0, 3, (1, 60, 2)).cumsum(axis=1)
    turns = view_turns(pixels, np.ones((1, 60), bool), np.arange(60) / 25, SIZE, Camera(focal=FOCAL_PX))
    plane = rays.calmed(rays.from_pixels(pixels[0], INTRINSICS), 1 / 25)
    np.testing.assert_allclose(turns[0], rays.turns_to_ray(plane), atol=1e-12)


# The recipe.


def test_files_tell_their_axes_and_those_without_are_the_cameras(tmp_path: Path) -> None:
    network = UGCN(UGCNSettings(widths=(4, 4, 4, 4, 4)))
    for recipe in (Recipe(), Recipe(axes="ray")):
        weights.save(tmp_path / "a.safetensors", network, recipe)
        assert weights.load(tmp_path / "a.safetensors")[1] == recipe
        about, _ = weights.read_tensors(tmp_path / "a.safetensors", weights.FORMAT)
        assert about["recipe"].get("axes") == ("ray" if recipe.axes == "ray" else None)


@pytest.mark.parametrize(
    "values, told", [({"axes": "room"}, "axes"), ({"axes": "ray", "normalisation": "screen"}, "person")]
)
def test_axes_that_cannot_be_are_refused(values: dict[str, str], told: str) -> None:
    with pytest.raises(LifterError, match=told):
        make(Recipe, values, "model.recipe")


# Training.


@pytest.mark.parametrize("takes", [{}, {"wide": 1.0, "path": 1.0, "moving": 0.5, "shaking": 1.0, "edge": 1.0}])
def test_filmed_truth_is_turned_and_nothing_else_is(takes: dict[str, float], mocap: Path) -> None:
    both = [
        FilmedDataset(mocap, noisy=False, seed=4, recipe=recipe, context=3, takes=takes).__getitems__(range(8))
        for recipe in (CAMERA, RAY)
    ]
    np.testing.assert_array_equal(both[0]["keypoints"], both[1]["keypoints"])
    camera, ray = (one["positions"].numpy() for one in both)
    angles = []
    for a, b in zip(camera.reshape(-1, 17, 3), ray.reshape(-1, 17, 3), strict=True):
        turn, left = Rotation.align_vectors(a[1:], b[1:])
        angles.append(np.degrees(turn.magnitude()))
        assert left < 1e-3 and abs(turn.as_rotvec()[2]) < 1e-2  # as a whole, and never about the optical axis
    assert 3 < np.mean(angles) < 40 and np.ptp(angles) > 3


def test_far_off_the_axis_the_picture_is_that_of_the_ray(mocap: Path) -> None:
    far = {"distance": (300.0, 400.0), "off_axis": 15.0}
    cosines = []
    for recipe in (CAMERA, RAY):
        made = FilmedDataset(mocap, cameras=far, noisy=False, seed=2, recipe=recipe).__getitems__(range(8))
        seen, flat = made["keypoints"].flatten(1), made["positions"][..., :2].flatten(1)
        cosines.append(float(((seen * flat).sum(1) / seen.norm(dim=1) / flat.norm(dim=1)).mean()))
    assert cosines[1] > 0.995 and cosines[1] > cosines[0]


def test_windows_of_a_prepared_set_are_in_the_axes_of_the_true_pelvis(tmp_path: Path) -> None:
    made = write_set(tmp_path, moving_set(LENGTHS))
    dataset = WindowDataset(tmp_path, "detector", recipe=RAY, step=10)
    batch = dataset.__getitems__(range(0, 2 * len(dataset), 2))
    found = turn_back(batch["positions"].numpy(), batch["turns"].numpy())
    for i, start in enumerate(batch["start"]):
        first = int(made.poses.first[int(batch["sequence"][i])]) + int(start)
        for t in (0, 31):
            place = made.poses.positions[first + t].astype(float)
            ray = place[0] / np.linalg.norm(place[0])
            looking = Rotation.from_rotvec(np.cross([0, 0, 1], ray) / np.sin(np.arccos(ray[2])) * np.arccos(ray[2]))
            np.testing.assert_allclose(found[i, t], looking.inv().apply(place - place[0]), atol=1e-5)


def test_a_set_that_does_not_know_its_cameras_is_refused(tmp_path: Path) -> None:
    made = moving_set(LENGTHS)
    blind = replace(made, poses=replace(made.poses, intrinsics=np.zeros_like(made.poses.intrinsics)))
    write_set(tmp_path, blind)
    WindowDataset(tmp_path, recipe=CAMERA)
    with pytest.raises(LifterError, match="does not know its camera"):
        WindowDataset(tmp_path, recipe=RAY)
    with pytest.raises(LifterError, match="does not know its camera"):
        evaluate(Seer(blind), blind)


# Evaluation.


class Seer:
    """Answers the truth of a moving set in the axes of the ray of the true pelvis."""

    step, recipe = 5, Recipe(axes="ray")

    def __init__(self, data: PoseSet) -> None:
        self.data = data

    def lift_uniform(self, sequence: np.ndarray) -> np.ndarray:
        poses = self.data.poses
        for number in range(len(poses)):
            at = poses.frames(number)
            if np.array_equal(self.data.keypoints[at], sequence):
                places = poses.positions[at]
                return rays.to_ray(places - places[:, :1], rays.turns_to_ray(rays.on_plane(places[:, 0])))
        raise AssertionError("shown other keypoints")


def aside() -> PoseSet:
    """A moving set two metres to the right."""
    made = moving_set(LENGTHS)
    positions = made.poses.positions + np.float32([2, 0, 0])
    keypoints = (FOCAL_PX * rays.on_plane(positions) + INTRINSICS[2:]).astype(np.float32)
    return replace(made, poses=replace(made.poses, positions=positions), keypoints=keypoints)


def test_a_ray_lifter_is_scored_in_camera_axes() -> None:
    data = aside()
    seer = Seer(data)
    scores = evaluate(seer, data)
    assert scores.frame_mean("MPJPE") < 4  # millimetres: the ray is averaged over 0.2 s while the person walks
    assert any("focal length" in note for note in scores.about["notes"])
    for number in range(len(data.poses)):
        lifted = lift_sequence(seer, data, number)  # type: ignore[arg-type]
        truth = data.poses.positions[data.poses.frames(number)]
        assert np.linalg.norm(lifted - (truth - truth[:, :1]), axis=-1).mean() < 0.004
    taken_as_camera = Seer(data)
    taken_as_camera.recipe = Recipe()
    assert evaluate(taken_as_camera, data).frame_mean("MPJPE") > 60
