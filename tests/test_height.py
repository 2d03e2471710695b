"""Standing height: what users may say, what bodies of known proportions measure, and scaling to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.joints import H36M_17
from pipeline.errors import PipelineError
from pipeline.height import EVERYONE, check_people, read_heights, scale_to_heights, standing_height

J = {name: index for index, name in enumerate(H36M_17)}


def body(metres: float, frames: int = 3) -> np.ndarray:
    """Return (T, 17, 3) one who stands, by Drillis and Contini's proportions: y down, pelvis 0."""
    places = np.zeros((frames, 17, 3))
    for side, sign in (("left", 1), ("right", -1)):
        for part, above, aside in (("ankle", 0.039, 0.05), ("knee", 0.285, 0.05), ("hip", 0.530, 0.05)):
            places[:, J[f"{side}_{part}"]] = sign * aside * metres, -(above - 0.530) * metres, 0
        places[:, J[f"{side}_shoulder"]] = sign * 0.129 * metres, -(0.818 - 0.530) * metres, 0
    return places


@pytest.mark.parametrize("metres", [1.1, 1.7, 2.0])
def test_a_body_of_known_proportions_measures_what_it_is(metres: float) -> None:
    assert standing_height(body(metres)) == pytest.approx(metres)


def test_bent_knees_and_wild_frames_change_nothing() -> None:
    bent = body(1.8, 9)
    bent[:, J["left_ankle"]] = bent[:, J["left_knee"]] + (0, 0, 0.246 * 1.8)
    bent[4] *= 7
    assert standing_height(bent) == pytest.approx(1.8)


def test_words() -> None:
    assert read_heights(None) == {}
    assert read_heights("1.82") == {EVERYONE: 1.82}
    assert read_heights("1=1.82, 3=1.65") == {1: 1.82, 3: 1.65}
    assert read_heights("1.7,2=1.2") == {EVERYONE: 1.7, 2: 1.2}


@pytest.mark.parametrize(
    "said", ["tall", "0=1.8", "1=", "=1.8", "182", "0.1", "-1.8", "1.8.2", ".", "1=1.8,1=1.7", "1.8,1.7", "nan", "1,8"]
)
def test_what_is_no_height_is_told(said: str) -> None:
    with pytest.raises(ValueError, match="height: "):
        read_heights(said)


def test_everyone_is_scaled_to_the_height_that_was_said() -> None:
    positions = np.stack([body(1.7), body(1.7), body(1.7)]).astype(np.float32)
    positions[0, 1] = 0  # a frame that is not valid
    valid = np.ones((3, 3), bool)
    valid[0, 1] = valid[2] = False
    scaled, known = scale_to_heights(positions, valid, np.array([2, 5, 6]), {EVERYONE: 1.5, 5: 2.0})
    assert known.tolist() == [True, True, False]
    assert standing_height(scaled[0, valid[0]]) == pytest.approx(1.5, abs=1e-5)
    assert standing_height(scaled[1]) == pytest.approx(2.0, abs=1e-5)
    np.testing.assert_array_equal(scaled[2], positions[2])
    same, nobody = scale_to_heights(positions, valid, np.array([2, 5, 6]), {})
    np.testing.assert_array_equal(same, positions)
    assert not nobody.any()


def test_heights_of_people_who_are_not_there_are_told() -> None:
    check_people({EVERYONE: 1.8, 2: 1.7}, 2)
    with pytest.raises(PipelineError, match=r"--height 3=1\.7: the film has people 1 to 2"):
        check_people({3: 1.7}, 2)
    with pytest.raises(PipelineError, match="has nobody"):
        check_people({1: 1.7}, 0)
    check_people({EVERYONE: 1.8}, 0)


@pytest.mark.shared
def test_recorded_people_measure_as_tall_as_they_stand(shared: Path) -> None:
    """From the lower ankle to the shoulders one who stands is 0.779 of the height: bones against upright frames."""
    from lifter.datasets.mocap.packed import canonical
    from lifter.datasets.mocap.recordings import read_recordings

    recordings = read_recordings(shared / "data" / "mocap")
    for subject in ("cmu 12", "cmu 01", "hdm tr", "hdm bk", "hdm mm", "uiprmd s02", "uiprmd s10"):
        moved = canonical(
            np.concatenate([r.positions for r in recordings if r.subject == subject and r.group != "cmu_amc_01-03"])
        )
        shoulders = (moved[:, J["left_shoulder"], 2] + moved[:, J["right_shoulder"], 2]) / 2
        stands = np.percentile(shoulders - moved[:, [J["left_ankle"], J["right_ankle"]], 2].min(axis=1), 95) / 0.779
        assert standing_height(moved) == pytest.approx(stands, rel=0.06), subject
