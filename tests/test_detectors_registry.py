"""Names to detectors: ours, strangers', unknown ones; what they yield is held to the protocol."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from detectors import registry
from detectors.base import DetectorError, DetectorOptions, People
from detectors.checked import Checked

FRAME = np.zeros((4, 6, 3), np.uint8)
STRANGER = """
class Stranger:
    joints = ["head", "foot"]
    def __call__(self, frames):
        for frame in frames:
            h, w = frame.shape[:2]
            yield type("Any", (), dict(boxes=[[0, 0, w, h]], keypoints=[[[1, 2], [3, 4]]], scores=[[0.5, 1]]))()

def make(options):
    assert options.box_every == 5
    return Stranger()

def broken(options):
    raise RuntimeError("no camera\\nand more")

class Own(Exception):
    pass

def own(options):
    raise Own("no licence")
"""


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install somebody else's package, as pip would, where this test alone sees it."""
    (tmp_path / "strange_pose.py").write_text(STRANGER)
    about = tmp_path / "strange_pose-2.5.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-pose\nVersion: 2.5\n")
    points = {
        "strange": "strange_pose:make",
        "broken": "strange_pose:broken",
        "gone": "strange_pose:nothing",
        "own": "strange_pose:own",
    }
    points |= {"missing": "no_such_module_anywhere:make", "mediapipe": "strange_pose:make"}
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (about / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "strange_pose", raising=False)
    return tmp_path


def test_a_strangers_detector_plugs_in_without_anything_of_ours(stranger: Path) -> None:
    detector = registry.create("strange", DetectorOptions())
    assert detector.joints == ("head", "foot")
    (people,) = detector([FRAME])
    assert isinstance(people, People)
    np.testing.assert_array_equal(people.keypoints, [[[1, 2], [3, 4]]])
    assert people.keypoints.dtype == np.float32


def test_strangers_are_listed_with_where_they_come_from_but_not_imported(stranger: Path) -> None:
    listed = {entry.name: entry for entry in registry.available()}
    assert list(listed)[: len(registry.DETECTORS)] == list(registry.DETECTORS)
    assert listed["strange"].source == "strange-pose 2.5"
    assert listed["mediapipe"].source == "built in"  # ours stays ours
    assert registry.identity("strange") == {
        "detector": "strange", "factory": "strange_pose:make", "source": "strange-pose 2.5",
    }  # fmt: skip
    assert "strange_pose" not in sys.modules


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("broken", "RuntimeError: no camera"),
        ("gone", "AttributeError"),
        ("missing", "ModuleNotFoundError"),
        ("own", "Own: no licence"),
    ],
)
def test_a_strangers_failure_is_one_line_with_its_package(stranger: Path, name: str, expected: str) -> None:
    with pytest.raises(DetectorError) as caught:
        registry.create(name, DetectorOptions())
    assert expected in str(caught.value)
    assert f"detector {name}, of strange-pose 2.5" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "near"), [("mediapip", "mediapipe"), ("HRNET", "hrnet"), ("rtm-pose", "rtmpose")])
def test_an_unknown_name_earns_the_nearest_and_the_list(name: str, near: str) -> None:
    for call in (lambda: registry.create(name, DetectorOptions()), lambda: registry.identity(name)):
        with pytest.raises(DetectorError) as caught:
            call()
        assert f"did you mean {near}?" in str(caught.value)
        assert all(known in str(caught.value) for known in registry.DETECTORS)
    with pytest.raises(DetectorError) as caught:
        registry.create("zzzzzz", DetectorOptions())
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("name", registry.DETECTORS)
def test_every_factory_of_ours_is_where_the_table_says(name: str) -> None:
    assert callable(registry._locate(registry.DETECTORS[name].factory))


def test_a_missing_package_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.Entry("no_such_package_anywhere:create", "None.", "pip install it")
    monkeypatch.setitem(registry.DETECTORS, "zero", entry)
    with pytest.raises(DetectorError, match=r"zero: package 'no_such_package_anywhere' is missing .*pip install it"):
        registry.create("zero", DetectorOptions())


def test_missing_distributions_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.Entry("x:y", "None.", "much", ("numpy", "no-such-distribution"))
    monkeypatch.setitem(registry.DETECTORS, "zero", entry)
    (zero,) = [found for found in registry.available() if found.name == "zero"]
    assert zero.missing == ("no-such-distribution",)
    assert registry.identity("zero") == {"detector": "zero", "numpy": np.__version__, "no-such-distribution": "none"}


def test_listing_and_naming_load_no_heavy_package() -> None:
    code = (
        "import sys; from detectors import registry; registry.available(); "
        "[registry.identity(n) for n in registry.DETECTORS]; "
        "heavy = {'torch', 'cv2', 'mediapipe', 'mmpose', 'onnxruntime', 'openvino', 'av', 'onnx', 'scipy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(importlib.import_module("detectors").__file__ or "").parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


class Own(Exception):
    """An exception that derives from nothing but Exception, as OpenCV's."""


class Grumpy:
    """An array that will not be one."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise Own("not today")


class Odd:
    """A detector of two joints that yields what it is told, whatever the film."""

    joints: Any = ("a", "b")

    def __init__(self, *answers: Any, read_all: bool = False) -> None:
        self.answers, self.read_all = answers, read_all

    def __call__(self, frames: Iterable[Any]) -> Iterator[Any]:
        source = iter(frames)
        if self.read_all:
            list(source)
        for answer in self.answers:
            if not self.read_all:
                next(source, None)
            if isinstance(answer, Exception):
                raise answer
            yield answer


def answer(people: int = 1, joints: int = 2, **other: Any) -> Any:
    """Return people as a stranger may give them."""
    arrays = {
        "boxes": np.zeros((people, 4)),
        "keypoints": np.zeros((people, joints, 2)),
        "scores": np.ones((people, joints)),
    }
    return SimpleNamespace(**(arrays | other))


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        (Odd(answer(), answer()), "stopped after 2 frames"),
        (Odd(*[answer()] * 4), "more than one answer for frame 3"),
        (Odd(*[answer()] * 2, read_all=True), "stopped after 2 frames"),
        (Odd(answer(joints=3)), "frame 1: 3 joints, but its `joints` names 2"),
        (Odd(answer(), None), "frame 2: expected boxes, keypoints, scores, got NoneType"),
        (Odd(answer(boxes=np.zeros((2, 4)))), r"People.boxes: expected \(1, 4\), got \(2, 4\)"),
        (Odd(answer(keypoints="x")), "keypoints is no array of numbers"),
        (Odd(answer(keypoints=np.full((1, 2, 2), np.nan))), "must be finite"),
        (Odd(answer(scores=np.full((1, 2), 1.5))), "must lie in 0..1"),
        (Odd(answer(), KeyError("x")), "failed on frame 2: KeyError"),
        (Odd(answer(), Own("no licence\nand more")), "failed on frame 2: Own: no licence$"),
        (Odd(answer(scores=Grumpy())), "failed on frame 1: Own: not today"),
    ],
)
def test_a_detector_that_breaks_the_protocol_is_named(detector: Odd, expected: str) -> None:
    with pytest.raises(DetectorError, match=f"detector odd: .*{expected}"):
        list(Checked("odd", detector, foreign=True)([FRAME] * 3))


def test_a_bug_of_ours_is_not_hidden_in_a_line() -> None:
    with pytest.raises(KeyError):
        list(Checked("odd", Odd(answer(), KeyError("x")))([FRAME] * 3))


@pytest.mark.parametrize("error", [OSError, Exception])
def test_the_films_own_failure_passes_a_stranger_as_it_is(error: type[Exception]) -> None:
    def film() -> Iterator[np.ndarray]:
        yield FRAME
        raise error("the disk is gone")

    with pytest.raises(error, match=r"^the disk is gone$"):
        list(Checked("odd", Odd(*[answer()] * 3), foreign=True)(film()))


def test_a_detector_may_look_ahead() -> None:
    found = list(Checked("odd", Odd(*[answer()] * 3, read_all=True))([FRAME] * 3))
    assert len(found) == 3
    assert list(Checked("odd", Odd())([])) == []


@pytest.mark.parametrize("joints", [None, (), ("a", "a"), ("a", 3), "ab", ("",)])
def test_joints_must_be_distinct_names(joints: Any) -> None:
    odd = Odd()
    odd.joints = joints
    with pytest.raises(DetectorError, match="distinct names"):
        Checked("odd", odd)


def test_leaving_a_film_closes_the_detector() -> None:
    closed = []

    class Tidy(Odd):
        def __call__(self, frames: Iterable[Any]) -> Iterator[Any]:
            try:
                yield from super().__call__(frames)
            finally:
                closed.append(True)

    walk = Checked("odd", Tidy(*[answer()] * 3))([FRAME] * 3)
    next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert closed == [True]
