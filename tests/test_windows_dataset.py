"""Windows of a prepared data set: what naive slicing gives, mirrored and masked, joined again by the validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from moving_sets import SIZE, moving_set, write_set

from lifter import joints, windows
from lifter.datasets.poseset import PoseSet
from lifter.errors import LifterError
from lifter.metrics import mpjpe, mpjve, p_mpjpe
from lifter.screen import to_person, to_screen, turn, turn_back
from lifter.training.metric import SlidingWindowPose3DMetric, joined
from lifter.training.windows_dataset import WindowDataset

LENGTHS = {"train": [60, 41, 15, 20], "validation": [50, 45], "test": [33]}
WINDOW, STEP = 20, 6
SCREEN = {"normalisation": "screen", "window": WINDOW}
PERSON = {"normalisation": "person", "window": WINDOW}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("moving")
    write_set(made, moving_set(LENGTHS, gaps=True))
    return made


def train_part() -> PoseSet:
    return moving_set(LENGTHS, gaps=True).split("train")


def naive_windows(context: int = 0) -> list[dict[str, np.ndarray]]:
    """Every window by plain slicing, frame by frame; ends are repeated."""
    made, cut = train_part(), []
    for sequence, length in enumerate(LENGTHS["train"]):
        at = made.poses.frames(sequence)
        pixels, positions = made.keypoints[at], made.poses.positions[at] - made.poses.positions[at, :1]
        counts = made.poses.valid[at] & made.seen[at]
        begins = list(windows.starts(length, WINDOW, STEP)) if length >= WINDOW else [-((WINDOW - length) // 2)]
        for begin in begins:
            around = [min(max(t, 0), length - 1) for t in range(begin - context, begin + WINDOW + context)]
            inner = range(begin, begin + WINDOW)
            cut.append(
                {
                    "pixels": np.stack([pixels[t] for t in around]),
                    "positions": np.stack([positions[min(max(t, 0), length - 1)] for t in inner]),
                    "mask": np.array([0 <= t < length and bool(counts[t]) for t in inner]),
                    "sequence": np.array(sequence),
                    "start": np.array(begin),
                }
            )
    return cut


@pytest.mark.parametrize("context", [0, 7])
def test_windows_are_what_naive_slicing_gives(folder: Path, context: int) -> None:
    dataset = WindowDataset(folder, recipe=SCREEN, context=context, step=STEP)
    expected = naive_windows(context)
    assert len(dataset) == len(expected)
    batch = dataset.__getitems__([2 * i for i in range(len(dataset))])
    for i, window in enumerate(expected):
        np.testing.assert_allclose(batch["keypoints"][i], to_screen(window["pixels"], SIZE), atol=1e-6)
        for name in ("positions", "mask", "sequence", "start"):
            np.testing.assert_array_equal(batch[name][i], window[name])
    assert not batch["mask"].all() and batch["mask"].float().mean() > 0.8
    assert "turns" not in batch


@pytest.mark.parametrize("recipe", [SCREEN, PERSON], ids=["screen", "person"])
def test_an_odd_index_is_the_mirror_image(folder: Path, recipe: dict) -> None:
    dataset = WindowDataset(folder, recipe=recipe, context=3, step=STEP)
    for window in (0, 4, len(dataset) - 1):
        plain, flipped = dataset[2 * window], dataset[2 * window + 1]
        for name in ("keypoints", "positions"):
            np.testing.assert_allclose(flipped[name], joints.mirror(plain[name].numpy()), atol=2e-5)
            assert not np.allclose(flipped[name], plain[name], atol=1e-2)
        for name in ("mask", "sequence", "start"):
            assert torch.equal(flipped[name], plain[name])


def test_person_units_are_those_of_lifting(folder: Path) -> None:
    """The network sees in training what `Lifter` will show it, context included, and the truth is turned with it."""
    context = 4
    dataset = WindowDataset(folder, recipe=PERSON, context=context, step=STEP)
    batch = dataset.__getitems__(range(0, 2 * len(dataset), 2))
    for i, window in enumerate(naive_windows(context)):
        units, turns = to_person(window["pixels"][None])
        np.testing.assert_allclose(batch["keypoints"][i], units[0], atol=1e-5)
        np.testing.assert_allclose(batch["turns"][i], turns[0], atol=1e-5)
        np.testing.assert_allclose(batch["positions"][i], turn(window["positions"][None], turns)[0], atol=1e-5)
    back = turn_back(batch["positions"].numpy(), batch["turns"].numpy())
    np.testing.assert_allclose(back[0], naive_windows()[0]["positions"], atol=1e-5)


@pytest.mark.parametrize("recipe", [SCREEN, PERSON], ids=["screen", "person"])
def test_an_item_is_a_row_of_its_batch(folder: Path, recipe: dict) -> None:
    dataset = WindowDataset(folder, recipe=recipe, context=2, step=STEP)
    drawn = [5, 0, 11, 5, 2 * len(dataset) - 1]
    batch = dataset.__getitems__(drawn)
    for row, index in enumerate(drawn):
        item = dataset[index]
        assert item.keys() == batch.keys()
        for name, value in item.items():
            torch.testing.assert_close(value, batch[name][row], rtol=0, atol=1e-6)


def test_there_are_as_many_windows_as_lifting_has(folder: Path) -> None:
    for step in (1, 5, 96):
        per_sequence = [len(windows.starts(max(length, WINDOW), WINDOW, step)) for length in LENGTHS["train"]]
        dataset = WindowDataset(folder, recipe=SCREEN, step=step)
        assert len(dataset) == sum(per_sequence)
        assert np.bincount(dataset.sequence).tolist() == per_sequence


def test_a_data_set_tells_what_it_holds(folder: Path) -> None:
    made = train_part()
    told = WindowDataset(folder, "detector", recipe=SCREEN, step=STEP).described()
    assert told["set"] == {"dataset": "moving", "protocol": "none"} and told["keypoints"] == "detector"
    assert told["sequences"] == 4 and told["frames"] == sum(LENGTHS["train"])
    assert told["frames_that_count"] == int((made.poses.valid & made.seen).sum()) < told["frames"]


def test_what_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LifterError, match="not a prepared data set"):
        WindowDataset(tmp_path)
    with pytest.raises(LifterError, match=r"no keypoints 'cpn' .*detector, gt"):
        WindowDataset(folder, "cpn")
    with pytest.raises(LifterError, match="no 'tset' split"):
        WindowDataset(folder, split="tset")
    with pytest.raises(LifterError, match="normalisation"):
        WindowDataset(folder, recipe={"normalisation": "pixels"})
    write_set(tmp_path, replace(train_part(), seen=np.zeros(len(train_part().seen), bool)))
    with pytest.raises(LifterError, match="no frame of the train split"):
        WindowDataset(tmp_path)


def predictions(dataset: WindowDataset, error: np.ndarray) -> list[dict[str, torch.Tensor]]:
    """What `LifterModel` would hand to the metric, had it these errors (N, T, 17, 3), camera axes."""
    batch = dataset.__getitems__(range(0, 2 * len(dataset), 2))
    wrong = batch["positions"].numpy() + (turn(error, batch["turns"].numpy()) if "turns" in batch else error)
    kept = {name: value for name, value in batch.items() if name != "keypoints"}
    kept["predicted"] = torch.from_numpy(wrong)
    return [{name: value[i] for name, value in kept.items()} for i in range(len(dataset))]


@pytest.mark.parametrize("recipe", [SCREEN, PERSON], ids=["screen", "person"])
def test_validation_equals_metrics_on_naively_joined_windows(folder: Path, recipe: dict) -> None:
    dataset = WindowDataset(folder, split="validation", recipe=recipe, step=STEP)
    error = np.random.default_rng(0).normal(0, 0.05, (len(dataset), WINDOW, 17, 3)).astype(np.float32)
    metric = SlidingWindowPose3DMetric()
    metric.process(None, predictions(dataset, error))
    found = metric.evaluate(len(dataset))

    made = moving_set(LENGTHS, gaps=True).split("validation")
    sums, number = np.zeros(3), 0
    frames = pairs = 0
    for sequence, length in enumerate(LENGTHS["validation"]):
        at = made.poses.frames(sequence)
        truth = made.poses.positions[at] - made.poses.positions[at, :1]
        said: list[list[np.ndarray]] = [[] for _ in range(length)]
        for begin in windows.starts(length, WINDOW, STEP):
            for t in range(WINDOW):
                said[begin + t].append(truth[begin + t] + error[number, t])
            number += 1
        predicted = np.stack([np.mean(of_frame, axis=0) for of_frame in said])
        good = made.poses.valid[at] & made.seen[at]
        both = int((good[1:] & good[:-1]).sum())
        frames, pairs = frames + int(good.sum()), pairs + both
        sums += np.array([f(predicted, truth, good) for f in (mpjpe, p_mpjpe, mpjve)]) * [good.sum(), good.sum(), both]
    expected = dict(zip(("MPJPE", "P-MPJPE", "MPJVE"), sums / [frames, frames, pairs], strict=True))
    assert found == pytest.approx(expected, rel=1e-4)
    assert 20 < found["MPJPE"] < 80


def test_validation_of_lonely_frames_has_no_velocity_and_of_none_nothing() -> None:
    sample = {"predicted": np.zeros((4, 17, 3)), "positions": np.full((4, 17, 3), 0.1),
              "mask": np.array([True, False, True, False]), "sequence": 0, "start": -1}  # fmt: skip
    scores = SlidingWindowPose3DMetric().compute_metrics([sample])
    assert scores["MPJPE"] == pytest.approx(100 * np.sqrt(3)) and np.isnan(scores["MPJVE"])
    assert np.isnan(SlidingWindowPose3DMetric().compute_metrics([])["MPJPE"])
    *_, valid = joined([sample, {**sample, "start": 2}])
    assert valid.tolist() == [True, False, True, True, False, True, False]
