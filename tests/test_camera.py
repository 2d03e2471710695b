"""What users say of a camera: every form says the same thing, and nonsense earns one line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lifter.datasets.filming.clips import look
from pipeline.camera import Camera, pitch_and_roll, read_camera, up_of
from pipeline.errors import PipelineError
from pipeline.settings import read_config, resolve


@pytest.mark.parametrize("pitch", [-90, -40, 0, 13, 50, 90])
@pytest.mark.parametrize("roll", [-170, -45, 0, 20, 90])
def test_up_is_the_rooms_up_in_a_camera_that_the_laboratory_would_place_so(pitch: float, roll: float) -> None:
    rotation = look(np.array([1.0]), np.radians([pitch]), np.radians([roll]))[0]
    np.testing.assert_allclose(up_of(pitch, roll), rotation @ [0, 0, 1], atol=1e-12)
    if abs(pitch) < 90:
        assert pitch_and_roll(up_of(pitch, roll)) == pytest.approx((pitch, roll))


def test_words_a_file_and_a_table_say_the_same(tmp_path: Path) -> None:
    words = read_camera("pitch=20, roll=-5, focal_px=1100, cx=300, cy=200")
    assert words == Camera(20, -5, None, 1100, (300, 200))
    file = tmp_path / "camera.toml"
    file.write_text("pitch = 20\nroll = -5.0\nfx = 1100\nfy = 1100\ncx = 300\ncy = 200\n")
    assert read_camera(str(file)) == words
    up = [3 * part for part in up_of(20, -5)]
    file.write_text(f"up = {up}\nfocal_px = 1100\ncx = 300\ncy = 200\n")
    read = read_camera(str(file))
    assert (read.pitch, read.roll) == pytest.approx((20, -5))
    config = tmp_path / "settings.toml"
    config.write_text("[camera]\npitch = 20\nroll = -5\nfocal_px = 1100\ncx = 300\ncy = 200\n")
    assert resolve(read_config(config)).camera == words
    config.write_text('camera = "level"\n')
    assert resolve(read_config(config)).camera == read_camera("level") == Camera(0, 0)
    assert resolve({}).camera == Camera()


def test_up_is_known_only_from_both_angles_and_one_of_them_is_held() -> None:
    assert read_camera("level").up == (0, -1, 0)
    assert read_camera("roll=0").up is None
    estimated = up_of(17, 9)
    assert read_camera("roll=0").hold(estimated) == pytest.approx(up_of(17, 0))
    assert read_camera("pitch=4").hold(estimated) == pytest.approx(up_of(4, 9))
    assert read_camera("pitch=4,roll=1").hold(estimated) == pytest.approx(up_of(4, 1))
    assert Camera().hold(estimated) == pytest.approx(estimated)


def test_the_field_of_view_spans_the_larger_side() -> None:
    for size in ((1920, 1080), (1080, 1920)):
        assert read_camera("fov=60").focal_px(size) * math.tan(math.radians(30)) == pytest.approx(960)
        assert read_camera("focal_px=700").focal_px(size) == 700
        assert Camera().focal_px(size) == pytest.approx(1.2 * 1920)
        assert Camera().centre_px(size) == (size[0] / 2, size[1] / 2)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("nonsense", "not `level`"),
        ("", "not `level`"),
        ("pitch=x", "name=number"),
        ("pitch", "not `level`"),
        ("pitch=100", "pitch: a number from -90 to 90"),
        ("roll=nan", "roll: a number"),
        ("fov=0", "fov: a number"),
        ("tilt=3", "'tilt' is unknown"),
        ("pitch=1,pitch=2", "given twice"),
        ("fov=60,focal_px=900", "fov and focal_px"),
        ("fx=900", "fx and fy belong"),
        ("fx=900,fy=600", "square pixels"),
        ("cx=3", "cx and cy belong"),
        ({"up": [0, 0, 0]}, "up: three numbers"),
        ({"up": [0, -1, 0], "pitch": 3}, "up and pitch"),
        ({"up": [0, True, 0]}, "up: three numbers"),
        ({"pitch": True}, "pitch: a number"),
        ({"pitch": "20"}, "pitch: a number"),
    ],
)
def test_nonsense_is_told_in_a_line(said: str, complaint: str) -> None:
    with pytest.raises(PipelineError, match=complaint) as caught:
        read_camera(said)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_camera_and_a_setting_of_another_type(tmp_path: Path) -> None:
    file = tmp_path / "camera.toml"
    file.write_text("pitch 20")
    with pytest.raises(PipelineError, match="cannot be read as a camera"):
        read_camera(str(file))
    with pytest.raises(PipelineError, match="setting camera"):
        resolve({"camera": 3})
