"""Arrays and settings of every kind: what comes out is finite, or one line; no warning of numpy, no traceback.

MOTION_LIFT_CASES=20000 python -m pytest tests/test_properties.py

tries as many cases of each (hours for the whole chain); without it a few hundred, always the same ones.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from degenerate import films
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_store import pose2d

from detectors.base import DetectorOptions, People
from detectors.checked import Checked
from detectors.file_made import people as people_of
from pipeline import stages, store
from pipeline.camera import Camera, read_camera
from pipeline.errors import PipelineError, StoreError
from pipeline.poses import Pose2D, Pose3D
from pipeline.progress import Console
from pipeline.settings import EncoderSettings, RunSettings, read_config, resolve
from pipeline.track import associate
from render.settings import RenderSettings


def cases(few: int, share: float = 1.0) -> Any:
    """Settings of a property that is tried `few` times, or as often as asked for, a share of it where it is slow."""
    asked = int(int(os.environ.get("MOTION_LIFT_CASES", "0")) * share)
    return settings(
        max_examples=max(few, asked), derandomize=not asked, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


class Given:
    """A detector that yields what it was given."""

    def __init__(self, frames: list[People], joints: tuple[str, ...]) -> None:
        self.frames, self.joints = frames, joints

    def __call__(self, frames: Iterable[object]) -> Iterator[People]:
        return (self.frames[index] for index, _ in enumerate(frames))


def tracked(film: tuple[Any, ...]) -> Pose2D:
    """Return the poses of a drawn film as `detect` would keep them."""
    frames, times, joints, size = film
    picture = np.zeros((2, 2, 3), np.uint8)
    found = list(Checked("given", Given(frames, joints))([picture] * len(frames)))
    return associate(found, times, size, joints)[0]


@cases(250)
@given(films())
def test_whatever_is_detected_is_tracked_adapted_and_cleaned(film: tuple[Any, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pose = tracked(film)
        cleaned = stages._adapted_and_cleaned(pose, np.arange(len(pose.keypoints)), "rules")
    assert np.isfinite(cleaned.keypoints).all()
    assert ((cleaned.scores >= 0) & (cleaned.scores <= 1)).all()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lifter of little use that is quick."""
    import torch

    from lifter import weights
    from lifter.networks import build

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("lifter") / "tiny.safetensors"
    weights.save(path, build("ugcn", {"widths": [2] * 5}).eval(), weights.Recipe())
    return str(path)


@cases(12, share=0.1)
@given(film=films(most_frames=12))
def test_whatever_is_tracked_is_lifted_placed_told_and_painted(film: tuple[Any, ...], tiny: str) -> None:
    """Pose3D refuses what is not finite by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pose, size = tracked(film), film[3]
        asked = RunSettings(lifter=tiny, smooth="savgol", device="cpu")
        solid = stages.lift(pose, size, asked, Console(quiet=True))[0]
        _tell(solid, size)


def _tell(pose: Pose3D, size: tuple[int, int]) -> None:
    """Go through everything that is said and drawn of poses."""
    from lifter import joints
    from pipeline.export import formats
    from pipeline.export.motion import evenly, gather
    from pipeline.measures.steps import find_walks
    from pipeline.report.numbers import tell_all
    from pipeline.report.quality import quality_of
    from pipeline.room import place
    from pipeline.view.payload import pack
    from render.frames import FilmPainter
    from render.skeleton import Skeleton

    where = (pose.positions, pose.keypoints, pose.scores, pose.valid, pose.up, size, 25.0, Camera(), pose.root)
    world = place(*where)
    assert np.isfinite(world).all()
    pack("film", pose, world, size, 25.0).head_json()  # allows no NaN
    rows = range(len(pose.people))
    walks = [find_walks(pose.positions[p], pose.valid[p], pose.timestamps, pose.up) for p in rows]
    store.json.dumps(
        tell_all(pose, [quality_of(pose, p, size, Camera()) for p in rows], walks, {}, "film"), allow_nan=False
    )
    if pose.valid.any():
        motion = gather(pose, "room", None)
        for name in ("csv", "json", "npz"):
            made = formats.maker_of(name)(motion, formats.axes_of(name, "room", None, None), "film")
            assert name == "npz" or (b"nan" not in made and b"NaN" not in made)
        evenly(motion).only(0).bodies()
    if 16 < size[0] < 1000:
        skeleton = Skeleton(pose.joints, tuple(joints.LIMBS), tuple(joints.SIDES))
        painter = FilmPainter(
            skeleton, RenderSettings(max_height=160), size, world, pose.keypoints, pose.scores, pose.valid,
            pose.timestamps, [str(number) for number in pose.people],
        )  # fmt: skip
        painter.paint(np.zeros((size[1], size[0], 3), np.uint8), len(pose.timestamps) - 1)


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 300.0, -5.0, 1e6, 1e30, 1e300, np.nan, np.inf, -np.inf, 1e-320])


@cases(150)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=6), st.integers(0, 3))
def test_numbers_of_files_that_are_no_place_become_unseen(rows: list[tuple[float, float, float]], people: int) -> None:
    numbers = np.array([rows] * people, np.float64).reshape(people, len(rows), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = people_of(numbers[..., :2], numbers[..., 2])
    lost = ~np.isfinite(numbers).all(axis=-1) | (np.abs(numbers[..., :2]) >= 1e6).any(axis=-1)
    assert (made.scores[lost] == 0).all() and np.abs(made.keypoints).max(initial=0) < 1e6


def test_what_no_detector_may_say_is_refused_and_what_is_too_far_is_unseen() -> None:
    joints = ("one", "two")
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="must be finite"):
            People(np.zeros((1, 4), "f4"), np.full((1, 2, 2), bad, "f4"), np.ones((1, 2), "f4"))
    far = np.array([[[5, 6], [3e38, 1]]], np.float32)
    given_people = People(np.full((1, 4), 3e38, np.float32), far, np.ones((1, 2), np.float32))
    (found,) = Checked("given", Given([given_people], joints))([np.zeros((2, 2, 3), np.uint8)])
    assert found.scores.tolist() == [[1, 0]] and found.keypoints.tolist() == [[[5, 6], [0, 0]]]
    assert found.boxes.max() == 1e6


KINDS = (RunSettings, DetectorOptions, RenderSettings, EncoderSettings)
NAMES = sorted({item.name for kind in KINDS for item in fields(kind)})
WORDS = (
    "all",
    "largest",
    "onnx",
    "savgol=1",
    "1=1.8",
    "1:05",
    "../x",
    "",
    "\0",
    "NaN",
    "-1",
    "front",
    "é\n",
    "0x10",
    "9" * 400,
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(WORDS),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["pitch", "fov", "fx", "up", "x"]), st.floats()),
)  # fmt: skip


@cases(300)
@given(st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), VALUES, max_size=4))
@example({"camera": "9" * 400})
def test_settings_are_settings_or_one_line(values: dict[str, Any]) -> None:
    try:
        made = resolve(values)
    except PipelineError:
        return
    assert isinstance(made, RunSettings) and made.cut is not None


PARTS = (
    "every", "camera", "person", "[detector]", "[render]", "[[x]]", "name", " = ", "\n", "1", "nan", "-inf", "true",
    '"a"', "'''", "[", "]", "{", "}", ".", ",", "#", "1979-05-27", "0x", "\\", "format", "1e999", "é",
)  # fmt: skip
TOML = st.lists(st.sampled_from(PARTS), max_size=12)


@cases(200)
@given(parts=TOML)
def test_settings_files_are_settings_or_one_line(parts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("".join(parts), encoding="utf-8")
    for read in (lambda: resolve(read_config(path)), lambda: read_camera(path)):
        try:
            read()
        except PipelineError as error:
            assert str(error)


LENS = r"(pitch|roll|fov|fx|cx|up)=[-0-9a-z.]{0,6}(,\w+=.)?"
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=5)


@cases(200)
@given(st.one_of(st.text(max_size=20), st.from_regex(LENS, fullmatch=True)))
def test_words_of_a_camera_are_a_camera_or_one_line(words: str) -> None:
    try:
        made = read_camera(words)
    except PipelineError:
        return
    assert all(np.isfinite(part) for part in (made.pitch, made.roll, made.fov, made.focal) if part is not None)


@cases(150)
@given(changes=CHANGES, cut=st.booleans())
def test_bytes_of_an_archive_are_the_arrays_or_one_line(
    changes: list[tuple[float, int]], cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, pose = tmp_path_factory.getbasetemp() / "any.npz", pose2d(1, 3)
    store.save_pose(path, pose, fingerprint="f")
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[int(place * len(data))] ^= value
    path.write_bytes(data[: int(changes[0][0] * len(data))] if cut else data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that are twice in an archive
        try:
            read = store.load_pose2d(path)
        except StoreError as error:
            assert "\n" not in str(error)
            return
    assert read.joints == pose.joints or len(read.joints) == 17
    if store.read_about(path, "fingerprint") == "f":
        np.testing.assert_array_equal(read.keypoints, pose.keypoints)
