"""Windows, screen units, weights and the lifter: laws that hold for any weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from moving_sets import moving_set

from lifter import joints, screen, weights, windows
from lifter.datasets.poseset import write_keypoints, write_poses
from lifter.errors import LifterError
from lifter.lifter import Lifter, runs
from lifter.networks import Network, build
from lifter.rates import between, training_grid
from lifter.training.windows_dataset import WindowDataset
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe

RANDOM = np.random.default_rng(0)
SIZE = (640, 480)


@pytest.fixture
def lifter_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = UGCN(UGCNSettings(widths=(4, 4, 8, 8, 8))).eval()
    for module in model.modules():  # statistics unlike 0 and 1, as after training
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    weights.save(tmp_path / "tiny.safetensors", model, Recipe())
    return tmp_path / "tiny.safetensors"


def other(type: str) -> Network:
    """Return a small network of another type, with statistics as after training."""
    torch.manual_seed(0)
    network = build(type, {"tcn": {"filters": [3, 5, 3], "channels": 16}, "fully_connected": {"width": 16}}[type])
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return network


def walk(frames: int) -> np.ndarray:
    """Keypoints (T, 17, 2) pixels that move smoothly."""
    t = np.linspace(0, 3, frames)[:, None, None]
    shape = RANDOM.normal(0, 60, (17, 2))
    return (shape + 20 * np.sin(t + np.arange(17)[:, None]) + [320, 240]).astype(np.float32)


def test_screen_units_tell_where_somebody_stands_and_a_persons_own_do_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = UGCN(UGCNSettings(widths=(4, 4, 8, 8, 8))).eval()
    keypoints, moved = walk(120), np.array([90, -40], np.float32)
    for normalisation in ("screen", "person"):
        recipe = Recipe(normalisation=normalisation)
        weights.save(tmp_path / "tiny.safetensors", model, recipe)
        lifter, times = Lifter(tmp_path / "tiny.safetensors", "cpu"), np.arange(120) / recipe.rate_hz
        lifted = lifter.lift_run(keypoints, times, SIZE)
        apart = np.abs(lifter.lift_run(keypoints + moved, times, SIZE) - lifted).max()
        assert (apart > 1e-3) == (normalisation == "screen")
        if normalisation == "screen":
            wanted = lifter.lift_uniform(screen.to_screen(keypoints, SIZE))
            np.testing.assert_allclose(lifted, wanted - wanted[:, :1], atol=1e-5)


def test_steps_of_the_upsampling_are_averaged_out(lifter_file: Path) -> None:
    """A network whose answer stands still for 16 frames of a window: a line comes out as a line."""
    lifter = Lifter(lifter_file, "cpu", flip=False)
    ramp = np.zeros((130, 17, 2), np.float32)
    ramp[:, 1:, 0] = np.arange(130)[:, None]
    held = np.arange(96) // 16 * 16

    def lift(batch: np.ndarray) -> np.ndarray:
        return np.concatenate([batch[:, held], np.zeros_like(batch[..., :1])], axis=-1)

    lifter._lift_windows = lift  # type: ignore[method-assign]
    speeds = np.diff(lifter.lift_uniform(ramp)[:, 5, 0])
    assert np.abs(speeds[15:-15] - 1).max() < 0.5  # a single window: 0 and 16
    lifter.phased = False
    assert np.abs(np.diff(lifter.lift_uniform(ramp)[:, 5, 0])[15:-15] - 1).max() > 0.9


def test_padding_repeats_both_ends() -> None:
    sequence = np.arange(3, dtype=np.float32)[:, None]
    padded, front = windows.pad(sequence, 8)
    assert padded[:, 0].tolist() == [0, 0, 0, 1, 2, 2, 2, 2]
    assert front == 2


def test_screen_units_and_back() -> None:
    points = RANDOM.uniform(0, 480, (5, 17, 2)).astype(np.float32)
    np.testing.assert_allclose(screen.to_pixels(screen.to_screen(points, SIZE), SIZE), points, atol=1e-3)
    np.testing.assert_allclose(screen.to_screen(np.array([[320.0, 240.0]], np.float32), SIZE), 0, atol=1e-7)
    np.testing.assert_allclose(screen.to_screen(np.array([[640.0, 480.0]], np.float32), SIZE), [[1, 0.75]])


def rotate(points: np.ndarray, degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points @ np.array([[cos, sin], [-sin, cos]])).astype(np.float32)


def test_person_units_forget_place_size_and_turn_and_keep_the_rest() -> None:
    window = walk(96)[None]
    units, _ = screen.to_person(window)
    np.testing.assert_allclose(screen.to_person(3 * rotate(window, 40) + 100)[0], units, atol=1e-4)
    assert np.abs(units[:, :, joints.ROOT]).max() == 0
    smaller = window.copy()
    smaller[:, 48:] = (smaller[:, 48:] - smaller[:, 48:, :1]) / 2 + smaller[:, 48:, :1]
    radius = np.linalg.norm(screen.to_person(smaller)[0], axis=-1).mean(axis=(0, 2))
    assert radius[48:].mean() == pytest.approx(radius[:48].mean() / 2, rel=0.1)


def test_person_units_stand_upright_and_turn_back() -> None:
    windows = np.stack([walk(96), rotate(walk(96), 90), np.zeros((96, 17, 2), np.float32)])
    units, turns = screen.to_person(windows)
    up = (units[:, :, screen.THORAX] - units[:, :, screen.ANKLES].mean(axis=2)).mean(axis=1)
    np.testing.assert_allclose(up[:2, 0], 0, atol=1e-5)
    assert (up[:2, 1] < 0).all()
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-6)  # turned, never mirrored
    positions = RANDOM.normal(size=(3, 96, 17, 3)).astype(np.float32)
    np.testing.assert_allclose(screen.turn_back(screen.turn(positions, turns), turns), positions, atol=1e-6)
    assert np.isfinite(units).all()


def test_lifting_the_mirror_image_gives_the_mirror_image(lifter_file: Path) -> None:
    lifter = Lifter(lifter_file, "cpu")
    keypoints = walk(120)
    centred = keypoints - [320, 240]
    mirrored = joints.mirror(centred) + np.array([320, 240])
    lifted = lifter.lift_run(keypoints, np.arange(120) / 50, SIZE)
    other = lifter.lift_run(mirrored.astype(np.float32), np.arange(120) / 50, SIZE)
    np.testing.assert_allclose(joints.mirror(other), lifted, atol=1e-5)


def test_a_turned_picture_gives_the_turned_pose(lifter_file: Path) -> None:
    lifter = Lifter(lifter_file, "cpu")
    keypoints, stamps = walk(110), np.arange(110) / 50
    lifted = lifter.lift_run(keypoints, stamps, SIZE)
    turned = lifter.lift_run(rotate(keypoints, 30), stamps, SIZE)
    np.testing.assert_allclose(turned[..., :2], rotate(lifted[..., :2], 30), atol=1e-5)
    np.testing.assert_allclose(turned[..., 2], lifted[..., 2], atol=1e-5)


def test_lifting_does_not_depend_on_place_or_size_in_the_picture(lifter_file: Path) -> None:
    lifter = Lifter(lifter_file, "cpu")
    keypoints = walk(110)
    stamps = np.arange(110) / 50
    lifted = lifter.lift_run(keypoints, stamps, SIZE)
    np.testing.assert_allclose(lifter.lift_run(keypoints / 2 + 77, stamps, SIZE), lifted, atol=1e-5)


@pytest.mark.parametrize(("phased", "starts"), [(False, [0, 5, 10, 15]), (True, list(range(16)))])
def test_windows_are_averaged_as_one_by_one(lifter_file: Path, phased: bool, starts: list[int]) -> None:
    """The batched path equals a slow loop over windows, one at a time, without padding or batches."""
    lifter = Lifter(lifter_file, "cpu", flip=False, phased=phased)
    sequence = walk(111)
    total, count = np.zeros((111, 17, 3)), np.zeros(111)
    for first in starts:
        window, turns = screen.to_person(sequence[None, first : first + 96])
        with torch.inference_mode():
            lifted = lifter.model(torch.from_numpy(window)).numpy()
        total[first : first + 96] += screen.turn_back(lifted, turns)[0]
        count[first : first + 96] += 1
    np.testing.assert_allclose(lifter.lift_uniform(sequence), total / count[:, None, None], atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 7, 95, 96])
def test_short_films_are_lifted(lifter_file: Path, frames: int) -> None:
    lifted = Lifter(lifter_file, "cpu").lift_run(walk(frames), np.arange(frames) / 5, SIZE)
    assert lifted.shape == (frames, 17, 3)
    assert np.isfinite(lifted).all()


def test_other_rates_give_the_same_motion(lifter_file: Path) -> None:
    """A film at 100 Hz and the same film at 50 Hz agree where they share a time stamp."""
    lifter = Lifter(lifter_file, "cpu")
    fine = walk(301)
    at_100 = lifter.lift_run(fine, np.arange(301) / 100, SIZE)
    at_50 = lifter.lift_run(fine[::2], np.arange(151) / 50, SIZE)
    np.testing.assert_allclose(at_100[::2], at_50, atol=2e-3)


@pytest.mark.parametrize("type", ["tcn", "fully_connected"])
@pytest.mark.parametrize("frames", [1, 15, 96, 97, 200, 3100])
def test_windows_side_by_side_equal_the_sequence_in_one_piece(type: str, frames: int) -> None:
    """3100 frames are more windows than one batch holds."""
    network = other(type)
    lifter = Lifter.of(network, Recipe("screen"), flip=False)
    sequence = screen.to_screen(walk(frames), SIZE)
    c = network.context
    whole = np.concatenate([sequence[:1].repeat(c, 0), sequence, sequence[-1:].repeat(c, 0)])
    with torch.inference_mode():
        wanted = network(torch.from_numpy(whole)[None])[0].numpy()
    lifted = lifter.lift_uniform(sequence)
    assert lifted.dtype == np.float32
    np.testing.assert_allclose(lifted, wanted, atol=1e-5)


def test_person_units_are_taken_from_a_window_with_its_context() -> None:
    network = other("tcn")
    lifter = Lifter.of(network, Recipe(), flip=False)
    sequence = walk(250)
    c = network.context
    window, turns = screen.to_person(sequence[None, 96 - c : 192 + c])
    with torch.inference_mode():
        wanted = screen.turn_back(network(torch.from_numpy(window)).numpy(), turns)[0]
    # From frame 154 on, the last window ends with the sequence and has a say too.
    np.testing.assert_allclose(lifter.lift_uniform(sequence)[96:154], wanted[:58], atol=1e-5)


@pytest.mark.parametrize("type", ["tcn", "fully_connected"])
def test_a_short_sequence_lies_in_its_window_as_in_training(type: str, tmp_path: Path) -> None:
    """Measured by the person in the window, what is repeated at either end counts."""
    made = moving_set({"train": [41]})
    write_poses(tmp_path, made.poses)
    write_keypoints(tmp_path, made)
    network = other(type).eval()
    trained_on = WindowDataset(tmp_path, recipe=asdict(Recipe()), context=network.context)[0]
    with torch.inference_mode():
        window = network(trained_on["keypoints"][None]).numpy()
    turned = screen.turn_back(window, trained_on["turns"][None].numpy())[0]
    begin = -int(trained_on["start"])
    lifted = Lifter.of(network, Recipe(), flip=False).lift_uniform(made.keypoints)
    np.testing.assert_allclose(lifted, turned[begin : begin + 41], atol=1e-5)


@pytest.mark.parametrize("type", ["tcn", "fully_connected"])
def test_other_networks_lift_films_and_their_mirror_images(type: str, tmp_path: Path) -> None:
    weights.save(tmp_path / "other.safetensors", other(type), Recipe())
    lifter = Lifter(tmp_path / "other.safetensors", "cpu")
    centred, stamps = walk(130) - [320, 240], np.arange(130) / 30
    lifted = lifter.lift_run(centred, stamps, SIZE)
    assert lifted.shape == (130, 17, 3) and np.abs(lifted).max() > 0
    np.testing.assert_allclose(joints.mirror(lifter.lift_run(joints.mirror(centred), stamps, SIZE)), lifted, atol=1e-5)


def test_a_network_in_memory_is_lifted_with_as_its_file(lifter_file: Path) -> None:
    model, recipe = weights.load(lifter_file)
    model.train()
    inside = Lifter.of(model, recipe, step=7)
    assert inside.model is model and inside.device.type == "cpu"
    sequence = walk(120)
    wanted = Lifter(lifter_file, "cpu", step=7).lift_uniform(sequence)
    np.testing.assert_array_equal(inside.lift_uniform(sequence), wanted)


def test_a_step_of_no_frames_is_refused(lifter_file: Path) -> None:
    with pytest.raises(LifterError, match="step"):
        Lifter(lifter_file, "cpu", step=0)


def test_invalid_frames_stay_zero_and_runs_do_not_mix(lifter_file: Path) -> None:
    lifter = Lifter(lifter_file, "cpu")
    keypoints = np.stack([walk(220), np.zeros((220, 17, 2), np.float32)])
    valid = np.zeros((2, 220), bool)
    valid[0, :100] = valid[0, 120:] = True
    stamps = np.arange(220) / 50
    done: list[int] = []
    lifted = lifter.lift(keypoints, valid, stamps, SIZE, done.append)
    assert sum(done) == 200
    assert np.abs(lifted[~valid]).max() == 0
    np.testing.assert_array_equal(lifted[0, 120:], lifter.lift_run(keypoints[0, 120:], stamps[120:], SIZE))


def test_runs_and_grid() -> None:
    mask = np.array([1, 1, 0, 1, 0, 0, 1], bool)
    assert [(r.start, r.stop) for r in runs(mask)] == [(0, 2), (3, 4), (6, 7)]
    stamps = np.array([1.0, 1.04, 1.1])
    assert training_grid(stamps, 50)[-1] >= 1.1 - 1e-9
    assert len(training_grid(np.array([2.0]), 50)) == 1


def test_resampling_there_and_back_keeps_smooth_tracks() -> None:
    stamps = np.sort(RANDOM.uniform(0, 2, 80))
    track = np.sin(2 * stamps)[:, None].astype(np.float32)
    grid = training_grid(stamps, 50)
    assert np.abs(between(between(track, stamps, grid), grid, stamps) - track).max() < 0.02


def test_unknown_device() -> None:
    from lifter.lifter import pick_device

    with pytest.raises(LifterError, match="device"):
        pick_device("tpu")


def in_sequence(file: Path, **changes: bool) -> Lifter:
    return Lifter(file, "cpu", mode="sequence", **changes)


@pytest.mark.parametrize("frames", [192, 193, 353, 1000])
def test_chunks_cover_a_film_and_overlap(frames: int) -> None:
    first = windows.spread_starts(frames, 192, 32)
    assert first[0] == 0 and first[-1] == frames - 192
    assert len(first) == 1 or np.diff(first).max() <= 160
    assert len(first) == max(1, int(np.ceil((frames - 32) / 160)))  # as few as possible
    sequence = RANDOM.normal(size=(frames, 17, 3)).astype(np.float32)
    joiner = windows.Joiner(frames, fade=32)
    joiner.add(first, windows.cut(sequence, first, 192))
    np.testing.assert_allclose(joiner.result(), sequence, atol=1e-5)


def test_chunks_are_faded_into_each_other() -> None:
    joiner = windows.Joiner(6, fade=3)
    joiner.add(np.array([0, 2]), np.array([[0.0] * 4, [1.0] * 4])[:, :, None])
    np.testing.assert_allclose(joiner.result()[:, 0], [0, 0, 1 / 3, 2 / 3, 1, 1], atol=1e-6)


@pytest.mark.parametrize("frames", [1, 40, 250])
def test_measured_along_the_way_as_the_windows_around_measure(frames: int) -> None:
    """Against a slow loop: the mean of the windows that hold a frame, those that reach beyond the ends too."""
    sequence, window = walk(frames) * np.linspace(1, 1.5, frames, dtype=np.float32)[:, None, None], 96
    units, turns = screen.to_person_along(sequence, window)
    centred = sequence - sequence[:, :1]
    radii = np.linalg.norm(centred, axis=-1)
    ups = centred[:, screen.THORAX] - centred[:, screen.ANKLES].mean(axis=1)
    for frame in {0, frames // 2, frames - 1}:
        held = [range(max(s, 0), min(s + window, frames)) for s in range(frame - window + 1, frame + 1)]
        held = [at for h in held for at in h]
        radius = np.sqrt((radii[held] ** 2).mean(axis=-1)).mean()
        up = ups[held].mean(axis=0)
        np.testing.assert_allclose(turns[frame] @ (up / np.linalg.norm(up)), [0, -1], atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(units[frame], axis=-1), radii[frame] / radius, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frames", [96, 150])
def test_a_film_of_one_chunk_goes_through_the_network_once(lifter_file: Path, frames: int) -> None:
    lifter = in_sequence(lifter_file, flip=False)
    sequence = walk(frames)
    units, turns = screen.to_person_along(sequence, 96)
    with torch.inference_mode():
        lifted = lifter.model(torch.from_numpy(units)[None]).numpy()[0]
    lifted = screen.turn_back(lifted[:, None], turns)[:, 0]
    kernel = np.array([1, 2, 3, 4, 3, 2, 1]) / 16
    wanted = sum(weight * lifted[i : frames - 6 + i] for i, weight in enumerate(kernel))
    np.testing.assert_allclose(lifter.lift_uniform(sequence)[3:-3], wanted, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 7, 95, 97, 500])
def test_a_sequence_turned_and_mirrored_is_lifted_turned_and_mirrored(lifter_file: Path, frames: int) -> None:
    lifter, sequence = in_sequence(lifter_file), walk(frames) - np.array([320, 240], np.float32)
    lifted = lifter.lift_uniform(sequence)
    assert lifted.shape == (frames, 17, 3) and lifted.dtype == np.float32
    turned = lifter.lift_uniform(rotate(3 * sequence, 30) + 50)
    np.testing.assert_allclose(turned[..., :2], rotate(lifted[..., :2], 30), atol=1e-4)
    np.testing.assert_allclose(turned[..., 2], lifted[..., 2], atol=1e-4)
    np.testing.assert_allclose(joints.mirror(lifter.lift_uniform(joints.mirror(sequence))), lifted, atol=1e-4)


def test_a_person_who_never_moves_is_the_same_in_both_modes_and_standing_on_one_point_is_no_trouble() -> None:
    """Away from the ends, where the network knows how far it is to them."""
    still = walk(1).repeat(400, axis=0)
    both = [Lifter("ugcn", "cpu", mode=mode).lift_uniform(still) for mode in ("windows", "sequence")]
    apart = np.linalg.norm(both[0] - both[1], axis=-1).mean()
    assert apart < 0.05, apart
    assert np.isfinite(Lifter("ugcn", "cpu", mode="sequence").lift_uniform(np.zeros((120, 17, 2), np.float32))).all()


@pytest.mark.parametrize("type", ["tcn", "fully_connected"])
def test_networks_that_lift_every_frame_once_know_one_mode(type: str) -> None:
    network, sequence = other(type), walk(250)
    modes = [Lifter.of(network, Recipe(), mode=mode).lift_uniform(sequence) for mode in ("windows", "sequence")]
    np.testing.assert_array_equal(*modes)


def test_an_unknown_mode_is_refused(lifter_file: Path) -> None:
    with pytest.raises(LifterError, match="lift mode 'whole': one of windows, sequence"):
        Lifter(lifter_file, "cpu", mode="whole")
