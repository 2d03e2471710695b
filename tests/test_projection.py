"""Cameras: against SciPy and OpenCV, by inverse pairs, and Human3.6M's own against its release."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lifter.datasets.h36m.cameras import LENSES, PLACES, cameras
from lifter.datasets.projection import camera_to_world, project, rotation_matrix, world_to_camera

RANDOM = np.random.default_rng(11)
POINTS = RANDOM.uniform((-1.5, -1.5, 3), (1.5, 1.5, 7), (40, 17, 3))


def test_rotations_are_scipys() -> None:
    quaternions = RANDOM.normal(size=(20, 4))
    scipys = Rotation.from_quat(quaternions[:, [1, 2, 3, 0]]).as_matrix()  # which puts w last
    np.testing.assert_allclose(rotation_matrix(quaternions), scipys, atol=1e-12)
    np.testing.assert_allclose(rotation_matrix(quaternions[0] * 7), scipys[0], atol=1e-12)
    np.testing.assert_array_equal(rotation_matrix(np.array([1.0, 0, 0, 0])), np.eye(3))
    for wrong in (np.zeros(4), np.ones(3), np.ones((4, 3))):
        with pytest.raises(ValueError, match="quaternions"):
            rotation_matrix(wrong)


def test_world_and_camera_are_an_inverse_pair() -> None:
    orientation, translation = RANDOM.normal(size=4), RANDOM.normal(size=3)
    there = world_to_camera(POINTS, orientation, translation)
    np.testing.assert_allclose(camera_to_world(there, orientation, translation), POINTS, atol=1e-12)
    np.testing.assert_allclose(world_to_camera(translation, orientation, translation), 0, atol=1e-12)
    turned = Rotation.from_quat(orientation[[1, 2, 3, 0]]).inv().apply((POINTS - translation).reshape(-1, 3))
    np.testing.assert_allclose(there.reshape(-1, 3), turned, atol=1e-12)


@pytest.mark.parametrize("radial", [None, (0.0, 0.0, 0.0), (-0.2, 0.25, -0.003)])
def test_projection_without_tangential_terms_is_opencvs(radial: tuple[float, ...] | None) -> None:
    lens = np.array([1145.0, 1143.0, 512.0, 515.0])
    matrix = np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1]])
    k = radial or (0.0, 0.0, 0.0)
    opencvs = np.array([k[0], k[1], 0, 0, k[2]])
    wanted, _ = cv2.projectPoints(POINTS.reshape(-1, 3), np.zeros(3), np.zeros(3), matrix, opencvs)
    got = project(POINTS, lens, None if radial is None else np.array([*radial, 0, 0]))
    np.testing.assert_allclose(got.reshape(-1, 2), wanted[:, 0], atol=1e-9)


def test_tangential_terms_are_the_releases() -> None:
    """Human3.6M's own code: p_1 goes with y in the product and with y in the square's share, p_2 with x."""
    for _, _, lens, (k1, k2, k3, p2, p1) in LENSES:
        for x, y, z in POINTS[0]:
            u, v = x / z, y / z
            r = u * u + v * v
            factor = 1 + k1 * r + k2 * r**2 + k3 * r**3 + p1 * v + p2 * u
            wanted = (lens[0] * (u * factor + p2 * r) + lens[2], lens[1] * (v * factor + p1 * r) + lens[3])
            got = project(np.array([x, y, z]), np.array(lens), np.array([k1, k2, k3, p2, p1]))
            np.testing.assert_allclose(got, wanted, atol=1e-9)


def test_beyond_45_degrees_the_distorted_picture_ends() -> None:
    lens, distortion = np.array(LENSES[0][2]), np.array(LENSES[0][3])
    edge, beyond = np.array([[2.0, 0.1, 2], [9.0, 0.1, 2]])
    np.testing.assert_array_equal(project(beyond, lens, distortion), project(edge, lens, distortion))
    assert project(beyond, lens)[0] > project(edge, lens)[0]


def test_what_cannot_be_projected_is_refused() -> None:
    lens = np.ones(4)
    for points in (np.array([0, 0, 0.0]), np.array([[0, 0, 1.0], [0, 0, -1]]), np.array([0, 0, np.nan])):
        with pytest.raises(ValueError, match="behind the camera"):
            project(points, lens)
    with pytest.raises(ValueError, match="points"):
        project(np.ones((5, 2)), lens)
    with pytest.raises(ValueError, match="intrinsics"):
        project(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="distortion"):
        project(np.ones(3), lens, np.ones(4))


@pytest.mark.parametrize(
    ("subject", "number", "angles", "place_mm"),
    [
        ("S1", 0, (-1.38382776045614, -3.16734304390158, 0.413636308164621),
         (1841.10702774543, 4955.28462344526, 1563.4453958977)),
        ("S9", 1, (-1.36358353731923, 3.1489218957052, 2.7695783975645),
         (1990.9596621548, -5123.81055155997, 1568.80481574437)),
        ("S8", 2, (-1.35633305520994, -3.07903933034276, -0.395738228536372),
         (-1571.22149997798, 5137.01858150498, 1498.17612798791)),
        ("S11", 3, (-1.3052820100275, -3.20681865219712, -2.73759301328735),
         (-1590.73799072229, -3854.16900368964, 1578.01760714384)),
    ],
)  # fmt: skip
def test_human36m_cameras_are_the_releases(
    subject: str, number: int, angles: tuple[float, ...], place_mm: tuple[float, ...]
) -> None:
    """The release's `metadata.xml` tells three angles about x, y, z (world to camera) and a place."""
    camera = cameras(subject)[number]
    np.testing.assert_allclose(
        rotation_matrix(camera.orientation).T, Rotation.from_euler("XYZ", angles).as_matrix(), atol=1e-6
    )
    np.testing.assert_allclose(camera.translation * 1000, place_mm, atol=1e-3)


@pytest.mark.parametrize("subject", PLACES)
def test_every_human36m_camera_looks_into_the_room(subject: str) -> None:
    made = cameras(subject)
    assert [camera.name for camera in made] == ["54138969", "55011271", "58860488", "60457274"]
    quadrants = set()
    for camera in made:
        assert abs(np.linalg.norm(camera.orientation) - 1) < 1e-7
        middle = world_to_camera(np.array([0, 0, 1.0]), camera.orientation, camera.translation)
        assert 3.5 < middle[2] < 6
        pixel = project(middle, camera.intrinsics, camera.distortion)
        assert (np.abs(pixel - 500) < 250).all()
        down = rotation_matrix(camera.orientation)[:, 1]
        assert down[2] < -0.9  # the camera's y points down
        assert 1.4 < camera.translation[2] < 1.7
        quadrants.add((camera.translation[0] > 0, camera.translation[1] > 0))
    assert len(quadrants) == 4
