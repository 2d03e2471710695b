"""Endless films of motion capture: geometry by laws, noise of the size it is told, splits by person, chance by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lifter import joints
from lifter.datasets.filming.clips import CameraRange, ClipSource, film, look, new_bodies
from lifter.datasets.filming.noise import NoiseSettings, add_noise
from lifter.datasets.mocap import packed as mocap
from lifter.datasets.mocap.packed import Sequence
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.errors import LifterError
from lifter.training.filmed_dataset import FilmedDataset

RANDOM = np.random.default_rng(5)


def standing(frames: int) -> np.ndarray:
    """A person (T, 17, 3) with z up who stands facing +y and sways."""
    pose = np.zeros((17, 3))
    for side, hip, shoulder in (
        (-1, 1, 14),
        (1, 4, 11),
    ):
        pose[hip : hip + 3, 0] = side * 0.1
        pose[hip : hip + 3, 2] = (0.0, -0.42, -0.84)
        pose[shoulder : shoulder + 3, 0] = side * 0.17
        pose[shoulder : shoulder + 3, 2] = (0.5, 0.22, -0.02)
    pose[[7, 8, 9, 10], 2] = (0.26, 0.52, 0.62, 0.77)
    sway = 0.05 * np.sin(np.arange(frames) / 9)[:, None, None] * pose[:, 2:] * np.array([1, 0.5, 0])
    return (pose + sway + [0, 0, 0.9]).astype(np.float32)


@pytest.fixture
def sequences() -> list[Sequence]:
    names = [("uiprmd", f"m01_s0{person}_e01") for person in (1, 2, 9)] + [("hdm05", "HDM_x")]
    return [Sequence(name, group, standing(150)) for group, name in names]


def bones(clips: np.ndarray) -> np.ndarray:
    return np.linalg.norm(clips[..., 1:, :] - clips[..., list(joints.PARENTS[1:]), :], axis=-1)


def test_new_bodies_have_steady_symmetric_bones_and_keep_directions() -> None:
    clips = np.stack([standing(40) - [0, 0, 0.9]] * 3).astype(np.float32)
    made = new_bodies(clips, np.random.default_rng(1))
    lengths = bones(made)
    limb = [j - 1 for j in (2, 3, 5, 6, 12, 13, 15, 16)]
    assert np.ptp(lengths[..., limb], axis=1).max() < 1e-5
    np.testing.assert_allclose(lengths[..., [1, 2]], lengths[..., [4, 5]], atol=1e-6)  # right leg, left leg
    assert np.ptp(lengths[:, 0, 1]) > 1e-3  # bodies differ
    shin = made[:, :, 3] - made[:, :, 2]
    before = clips[:, :, 3] - clips[:, :, 2]
    cosine = (shin * before).sum(-1) / np.linalg.norm(shin, axis=-1) / np.linalg.norm(before, axis=-1)
    assert cosine.min() > 1 - 1e-6


def test_rotations_turn_the_room_into_camera_axes() -> None:
    zero = np.zeros(1)
    straight = look(zero, zero, zero)[0]
    np.testing.assert_allclose(straight @ [0, 0, 1], [0, -1, 0], atol=1e-12)  # up is -y
    np.testing.assert_allclose(straight @ [0, 1, 0], [0, 0, 1], atol=1e-12)  # ahead is z
    np.testing.assert_allclose(straight @ [1, 0, 0], [1, 0, 0], atol=1e-12)
    down = look(zero, zero + 0.3, zero)[0]
    assert (down @ [0, 1, 0])[1] < 0  # what lies ahead at eye level moves up when the camera looks down
    for rotation in look(*RANDOM.uniform(-3, 3, (3, 20))):
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)


def test_filmed_keypoints_are_the_projection_of_the_positions() -> None:
    """One place of the person in front of one pinhole explains all pixels of a clip."""
    clips = np.stack([standing(10) - [0, 0, 0.9]] * 8).astype(np.float32)
    positions, keypoints = film(clips, CameraRange(), np.random.default_rng(2))
    np.testing.assert_allclose(bones(positions), bones(clips), atol=1e-5)  # a camera moves nobody's bones
    for clip in range(8):
        # Solve u * z = x for the unknown place of the root, linear in it.
        u, p = keypoints[clip].reshape(-1, 2).astype(float), positions[clip].reshape(-1, 3).astype(float)
        zero, one = np.zeros(len(u)), np.ones(len(u))
        rows = np.concatenate([np.stack([one, zero, -u[:, 0]], 1), np.stack([zero, one, -u[:, 1]], 1)])
        right = np.concatenate([u[:, 0] * p[:, 2] - p[:, 0], u[:, 1] * p[:, 2] - p[:, 1]])
        place, residual, *_ = np.linalg.lstsq(rows, right, rcond=None)
        assert residual[0] < 1e-8
        assert 2.4 < place[2] < 9.1


def test_windows_are_drawn_by_share(sequences: list[Sequence]) -> None:
    source = ClipSource(sequences, {"uiprmd": 3.0, "hdm05": 1.0}, 96)
    assert source.probability[:3].sum() == pytest.approx(0.75)
    drawn = source.draw(5, np.random.default_rng(0))
    assert drawn.shape == (5, 96, 17, 3)
    assert np.abs(drawn[:, :, 0]).max() == 0


def test_noise_has_the_size_it_is_told() -> None:
    clean = np.zeros((200, 96, 17, 2), np.float32)
    quiet = NoiseSettings(bias=(0.0, 0.0), drift=0.02, jitter=0.0, miss=0.0, gap=0.0, strength=(1.0, 1.0))
    noisy = add_noise(clean.copy(), quiet, np.random.default_rng(0))
    assert noisy.std() == pytest.approx(0.02, rel=0.05)
    steps = np.diff(noisy, axis=1).std()
    assert steps == pytest.approx(0.02 * np.sqrt(2 * (1 - np.exp(-1 / 12))), rel=0.1)  # it drifts, it does not jump
    none = NoiseSettings(gap=0.0, strength=(0.0, 0.0))
    assert np.abs(add_noise(clean.copy(), none, np.random.default_rng(0))).max() == 0


def test_splits_are_by_person() -> None:
    def split(group: str, name: str) -> str:
        return mocap.split_of(Sequence(name, group, standing(2)))

    assert split("hdm05", "HDM_mm_x") == "test"
    assert split("uiprmd", "m01_s10_e02_positions") == "test"
    assert split("uiprmd", "m01_s09_e02_positions") == "validation"
    assert split("uiprmd", "m01_s01_e10_positions") == "train"
    assert split("cmu_daz_01-14", "13/13_29") == "test"
    assert split("cmu_daz_01-14", "10/10_02") == "validation"
    assert split("cmu8", "train/soccer/soccer_3") == "unused"
    assert split("cmu8", "train/walking/walking_3") == "train"


def test_reading_a_folder(tmp_path: Path) -> None:
    y_up = standing(120)[..., [0, 2, 1]] * [1, 1, -1]
    np.savez(tmp_path / "cmu8_60fps.npz", pos=(1000 * y_up).astype(np.int16), lens=np.array([100, 20], np.int32),
             names=np.array(["train/walking/a", "train/walking/b"]), fps=60)  # fmt: skip
    (read,) = mocap.read_folder(tmp_path)  # the second is under half a second
    assert read.positions.shape == (83, 17, 3)
    assert read.positions[:, 10, 2].mean() > read.positions[:, 3, 2].mean() + 1.4  # z is up
    upper = np.linalg.norm(read.positions[0, 12] - read.positions[0, 11])
    assert np.linalg.norm(read.positions[0, 13] - read.positions[0, 12]) == pytest.approx(0.87 * upper, rel=0.01)
    with pytest.raises(LifterError, match="no motion capture"):
        mocap.read_folder(tmp_path / "nowhere")
    (tmp_path / "bad_60fps.npz").write_bytes(b"not an archive")
    with pytest.raises(LifterError, match=r"bad_60fps\.npz"):
        mocap.read_folder(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"lens": np.array([300, -60])}, {"lens": np.array([240.0])}, {"names": np.array(["a", "b"])}, {"fps": np.ones(2)},
     {"pos": np.zeros((3, 3))}, {"pos": np.full((240, 17, 3), np.nan)}, {"pos": np.array(["x"])}],
)  # fmt: skip
def test_bad_motion_capture_is_one_line(tmp_path: Path, change: dict) -> None:
    good: dict = {"pos": np.zeros((240, 17, 3), np.int16), "lens": np.array([240]), "names": np.array(["m_s01_e"])}
    np.savez(tmp_path / "uiprmd_50fps.npz", **{**good, "fps": 50, **change})
    with pytest.raises(LifterError, match=r"uiprmd_50fps\.npz"):
        mocap.read_folder(tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mocap")
    write_tiny_mocap(made)
    return made


def test_films_are_of_seed_and_index_alone(folder: Path) -> None:
    def clips(seed: int, *indices: int) -> dict[str, torch.Tensor]:
        return FilmedDataset(folder, seed=seed, recipe={"window": 32}).__getitems__(indices)

    first = clips(3, 8, 9)
    torch.testing.assert_close(first, clips(3, 8, 9), rtol=0, atol=0)
    for other in (clips(3, 9, 10), clips(4, 8, 9)):
        assert not torch.allclose(first["positions"], other["positions"], atol=1e-3)
    assert first["sequence"].tolist() == [8, 9] and first["mask"].all()


def test_films_are_turned_as_their_pictures_and_have_context(folder: Path) -> None:
    """Upright keypoints belong to an upright person: the picture of a pinhole far away is the positions' own."""
    far = {"distance": (40.0, 50.0), "off_axis": 0.0}
    made = FilmedDataset(folder, cameras=far, noisy=False, recipe={"window": 32}, context=5).__getitems__([0, 1, 2])
    assert made["keypoints"].shape == (3, 42, 17, 2) and made["positions"].shape == (3, 32, 17, 3)
    assert float(made["positions"][:, :, 0].abs().max()) == 0
    seen, flat = made["keypoints"][:, 5:37].flatten(1), made["positions"][..., :2].flatten(1)
    cosine = (seen * flat).sum(1) / seen.norm(dim=1) / flat.norm(dim=1)
    assert cosine.min() > 0.999
    noisy = FilmedDataset(folder, cameras=far, recipe={"window": 32}, context=5).__getitems__([0, 1, 2])
    assert not torch.allclose(noisy["keypoints"], made["keypoints"], atol=1e-3)


def test_films_without_their_split_or_with_a_picture_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LifterError, match="validaton split"):
        FilmedDataset(folder, "validaton")
    with pytest.raises(LifterError, match="person"):
        FilmedDataset(folder, recipe={"normalisation": "screen"})
    with pytest.raises(LifterError, match="no motion capture"):
        FilmedDataset(tmp_path / "nowhere")
    with pytest.raises(LifterError, match="share 0"):
        FilmedDataset(folder, shares={"uiprmd": 0.0, "cmu": 0.0})
