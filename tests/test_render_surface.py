"""Painting on a film's planes is painting in RGB and converting afterwards, but for the halved colours."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from render_bodies import PLAIN, h36m_skeleton, people

from render.frames import FilmPainter
from render.settings import RenderSettings
from render.surface import Surface, halved, to_yuv


def planes_of(rgb: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Convert a whole picture by the definition: BT.709, limited range, colours the mean of each two by two pixels."""
    yuv = np.clip(np.rint(to_yuv(rgb)), 0, 255).astype(np.uint8)
    return [yuv[..., 0], halved(yuv[..., 1]), halved(yuv[..., 2])]


def painter(size: tuple[int, int], film: bool, **settings: object) -> FilmPainter:
    world = people((-0.5, 0, 0), (0.6, 0.4, 0), frames=2).copy()
    scale = 0.45 * size[1]
    keypoints = np.stack([size[0] / 2 + scale * world[..., 0], 0.9 * size[1] - scale * world[..., 2]], axis=-1)
    scores = np.full(world.shape[:3], 0.9, np.float32)
    scores[0, :, 10:] = 0.1  # faint ones
    look = RenderSettings(**{**PLAIN, "show_ids": True, "show_clock": True, **settings})  # type: ignore[arg-type]
    valid = np.array([[True, True], [True, False]])
    return FilmPainter(h36m_skeleton(), look, size, world, keypoints, scores, valid, np.array([0, 0.04]), film=film)


def test_colours_are_those_of_ffmpeg() -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [200, 60, 40], [40, 180, 60], [50, 60, 210], [128, 128, 128]])
    blocks = np.repeat(np.repeat(colours[:, None], 16, axis=0), 16, axis=1).astype(np.uint8)
    picture = av.VideoFrame.from_ndarray(blocks, format="rgb24")
    film = picture.reformat(format="yuv444p", dst_colorspace=1, src_color_range=2, dst_color_range=1).to_ndarray()
    np.testing.assert_allclose(to_yuv(colours), film[:, 8::16, 8].T, atol=1.01)
    np.testing.assert_allclose(to_yuv(np.array([[0, 0, 0], [255, 255, 255]])), [[16, 128, 128], [235, 128, 128]])


@pytest.mark.parametrize("size", [(640, 480), (321, 241), (250, 400)])
@pytest.mark.parametrize("settings", [{"view": "turn"}, {"style": "paper"}, {"view": "top", "max_height": 200}])
@pytest.mark.parametrize("index", [0, 1])
def test_a_film_is_the_rgb_picture_converted(size: tuple[int, int], settings: dict[str, object], index: int) -> None:
    frame = np.random.default_rng(0).integers(60, 200, (size[1] // 8 + 1, size[0] // 8 + 1, 3)).astype(np.uint8)
    frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    rgb = painter(size, film=False, **settings).paint(frame, index)
    film = painter(size, film=True, **settings).paint(planes_of(frame), index)
    assert film.shape == (rgb.shape[0] * 3 // 2, rgb.shape[1])
    # Where limbs end, halved colours are smoothed in another way.
    for name, ours, wanted, most in zip("YUV", Surface(film).planes, planes_of(rgb), (2, 16, 16), strict=True):
        off = np.abs(ours.astype(int) - wanted)
        assert off.mean() < most / 5 and np.percentile(off, 98) <= most, name
        assert abs(float(np.mean(ours.astype(int) - wanted))) < 0.5, f"{name} is shifted"


def test_a_part_is_the_same_memory_and_an_odd_one_has_its_last_colours() -> None:
    pixels = np.zeros((12 * 3 // 2, 10), np.uint8)
    part = Surface(pixels).part((slice(2, 9), slice(4, 9)))
    assert [plane.shape for plane in part.planes] == [(7, 5), (4, 3), (4, 3)]
    part.planes[1][:] = 9
    assert Surface(pixels).planes[1][1:5, 2:5].min() == 9 and (pixels == 9).sum() == 12


@pytest.mark.parametrize("shape", [(10, 12), (12, 9), (12,)])
def test_planes_of_odd_sides_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"even sides|expected"):
        Surface(np.zeros(shape, np.uint8))


def test_a_canvas_given_is_painted_and_others_are_left_alone() -> None:
    film = painter((160, 120), film=True)
    frame = planes_of(np.full((120, 160, 3), 90, np.uint8))
    first, second = film.blank(), film.blank()
    assert film.paint(frame, 0, first) is first
    kept = first.copy()
    film.paint(frame, 1, second)
    np.testing.assert_array_equal(first, kept)
    assert (second != first).any()


def test_a_frame_that_is_no_film_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(60, 80\)"):
        painter((160, 120), film=True).paint(np.zeros((120, 160, 3), np.uint8), 0)
