"""The viewer's page in a real browser, its network off: what is seen, film against pose, keys, a long clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsers import browser
from films import BITS
from kept_runs import SIZE, even, uneven, walkers, write_film, write_run

from pipeline.cli import main

pytestmark = pytest.mark.slow

FRAMES = 60
Opened = Callable[..., Any]
# The number that `films.numbered` drew into the frame that the film element shows.
READ_NUMBER = f"""
window.readNumber = () => {{
  const film = document.getElementById("video"), paper = document.createElement("canvas");
  [paper.width, paper.height] = [{SIZE[0]}, {SIZE[1]}];
  const pen = paper.getContext("2d", {{ willReadFrequently: true }});
  pen.drawImage(film, 0, 0, paper.width, paper.height);
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) {{
    const x = Math.floor((2 * bit + 1) * paper.width / {2 * BITS});
    if (pen.getImageData(x, paper.height / 2, 1, 1).data[1] > 128) number += 1 << bit;
  }}
  return number;
}};
window.settled = (frame) => new Promise((done) => {{
  let left = 3000; // a jump that never arrives fails the test, it does not hang it
  const there = () => viewer.state.frame === frame && !viewer.player.busy;
  const look = () => (there() || !left-- ? done(there() ? readNumber() : -1) : setTimeout(look, 10));
  look();
}});
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture
def opened(chromium: Any) -> Iterator[Opened]:
    """Opens a page without a network; at the end nothing was asked for and nothing complained."""
    contexts, said, asked = [], [], []

    def open_page(
        path: Path,
        before: str = "",
        scheme: str = "dark",
        size: tuple[int, int] = (820, 640),
        loses: str = "no such text",
    ) -> Any:
        viewport = {"width": size[0], "height": size[1]}
        contexts.append(chromium.new_context(viewport=viewport, color_scheme=scheme, offline=True))
        page = contexts[-1].new_page()
        page.on("console", lambda message: loses in message.text or said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(READ_NUMBER + before)
        page.goto(path.resolve().as_uri())
        until(page, "document.documentElement.dataset.ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not said
    assert not [url for url in asked if not url.startswith(("file:", "blob:", "data:"))]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    times = uneven(FRAMES)
    film = write_film(folder / "walk.mp4", times)
    kept = write_run(folder / "walk", walkers(times, people=2), film)
    assert main(["view", str(kept), "--film", str(film), "--quiet"]) == 0
    return kept


def until(page: Any, truth: str) -> None:
    """Wait until an expression holds; by hand, because the driver's own wait needs the `eval` that the page forbids."""
    for _ in range(600):
        if page.evaluate(f"Boolean({truth})"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {truth}")


def pixels(page: Any, selector: str) -> np.ndarray:
    import cv2

    data = np.frombuffer(page.locator(selector).screenshot(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.int16)


def seek(page: Any, frame: int) -> int:
    """Jump, wait until the pose is that frame's, and return the number in the film's picture."""
    page.evaluate(f"viewer.actions.seek({frame})")
    return int(page.evaluate(f"settled({frame})"))


def moved(first: np.ndarray, second: np.ndarray) -> int:
    return int((np.abs(first - second).max(axis=-1) > 24).sum())


def test_the_skeleton_moves_when_scrubbed_and_goes_when_switched_off(run: Path, opened: Opened) -> None:
    page = opened(run / "view.html")
    seek(page, 5)
    before, again = pixels(page, "#scene canvas"), pixels(page, "#scene canvas")
    assert moved(before, again) == 0
    page.locator("#timeline").click(position={"x": 360, "y": 20})
    until(page, "viewer.state.frame !== 5 && !viewer.player.busy")
    page.wait_for_timeout(300)
    after = pixels(page, "#scene canvas")
    assert moved(before, after) > 200
    for button in page.locator("#people button").all():
        button.click()
    assert page.locator("#people button[aria-pressed=false]").count() == 2
    nobody = pixels(page, "#scene canvas")
    assert moved(after, nobody) > 500
    seek(page, 5)
    assert moved(nobody, pixels(page, "#scene canvas")) == 0  # nobody is left to move


def test_the_scene_turns_by_the_mouse(run: Path, opened: Opened) -> None:
    page = opened(run / "view.html")
    seek(page, 20)
    before = pixels(page, "#scene canvas")
    box = page.locator("#scene").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 10, steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert moved(before, pixels(page, "#scene canvas")) > 200
    page.get_by_role("button", name="Camera").click()
    page.wait_for_timeout(300)
    assert moved(before, pixels(page, "#scene canvas")) < 20


@pytest.mark.parametrize("callbacks", [True, False], ids=["frame callbacks", "clock only"])
def test_the_frame_shown_is_the_pose_shown(run: Path, opened: Opened, callbacks: bool) -> None:
    """Every frame of a film of variable rate, in a random order, and each one step at a time."""
    drop = "" if callbacks else "delete HTMLVideoElement.prototype.requestVideoFrameCallback;"
    page = opened(run / "view.html", before=drop)
    order = [*np.random.default_rng(3).permutation(FRAMES)[:20].tolist(), 0, FRAMES - 1]
    assert [seek(page, frame) for frame in order] == order
    seek(page, 30)
    for frame in (31, 32, 33):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(f"settled({frame})") == frame
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("settled(32)") == 32


# Notes, whenever the browser tells of a frame, the number in the picture and the pose that follows.
WATCH = """
window.pairs = [];
const request = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (act) {
  return request.call(this, (now, about) => {
    const number = readNumber();
    act(now, about);
    window.pairs.push([viewer.state.frame, number]);
  });
};
"""


def test_while_playing_too(run: Path, opened: Opened) -> None:
    """Slowly, so that a busy machine still reads the picture before the next one is there."""
    page = opened(run / "view.html", before=WATCH)
    seek(page, 0)
    page.evaluate("pairs.length = 0; viewer.actions.speed(0.25); viewer.actions.toggle()")
    until(page, "pairs.length >= 8")
    page.keyboard.press("Space")
    until(page, "!viewer.player.playing")
    page.wait_for_timeout(500)
    pairs = page.evaluate("pairs")
    assert len({pose for pose, _ in pairs}) >= 5
    assert [pose for pose, _ in pairs] == [number for _, number in pairs]
    assert page.evaluate("readNumber() === viewer.state.frame")  # and where it stopped


def test_scrubbing_ends_where_it_was_let_go(run: Path, opened: Opened) -> None:
    """Forty jumps in a burst: those in between may be left out, the last may not."""
    page = opened(run / "view.html")
    seek(page, 3)
    page.evaluate("for (let k = 0; k < 40; k++) viewer.actions.seek((k * 17) % 60)")
    assert page.evaluate("settled(3)") == 3  # 39 * 17 = 663 = 3 (mod 60)
    page.evaluate("viewer.actions.seek(9); viewer.actions.seek(50); viewer.actions.seek(41)")
    assert page.evaluate("settled(41)") == 41


def test_keys(run: Path, opened: Opened) -> None:
    page = opened(run / "view.html")
    seek(page, 0)
    state = lambda name: page.evaluate(f"viewer.state.{name}")  # noqa: E731
    page.keyboard.press("End")
    assert page.evaluate(f"settled({FRAMES - 1})") == FRAMES - 1
    page.keyboard.press("p")
    (last,) = {span[3] for span in page.evaluate("viewer.run.spans")} - {30}
    assert page.evaluate(f"settled({last})") == last
    page.keyboard.press("p")
    assert page.evaluate("settled(30)") == 30
    page.keyboard.press("Home")
    page.evaluate("settled(0)")
    page.keyboard.press("Space")
    until(page, "viewer.player.playing && viewer.state.frame > 2")
    page.keyboard.press("Space")
    until(page, "!viewer.player.playing")
    page.keyboard.press("[")
    assert page.evaluate("document.getElementById('video').playbackRate") == 0.5
    for key, name in (("t", "theme"), ("a", "joint"), ("v", "view"), ("f", "follow"), ("l", "loop")):
        before = state(name)
        page.keyboard.press(key)
        assert state(name) != before, key
    page.keyboard.press("2")
    assert page.locator("#people button[aria-pressed=false]").count() == 1
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_the_frame_can_be_typed_and_values_are_those_of_the_arrays(run: Path, opened: Opened) -> None:
    from pipeline.view.angles import ANGLES, inner_angles

    page = opened(run / "view.html")
    page.locator("#frame").fill("22")
    page.locator("#frame").press("Enter")
    assert page.evaluate("settled(22)") == 22
    truth = inner_angles(walkers(uneven(FRAMES), people=2).positions[0, 22])
    shown = page.locator("#angle-legend b").all_inner_texts()
    assert [float(text.rstrip("°")) for text in shown] == pytest.approx(
        [truth[ANGLES.index(("knee", side))] for side in ("left", "right")], abs=0.6
    )
    assert page.locator("#clock").inner_text().startswith(f"0:{uneven(FRAMES)[22]:06.3f}")
    page.locator("#spans button").first.click()
    first = page.evaluate("viewer.run.spans[0][3]")
    assert page.evaluate(f"settled({first})") == first


def test_a_film_beside_plays_and_a_lost_one_is_told(run: Path, tmp_path: Path, opened: Opened) -> None:
    film = run.parent / "walk.mp4"
    page_file = tmp_path / "my page #1.html"
    assert main(["view", str(run), "--film", str(film), "--beside", "--output", str(page_file), "--quiet"]) == 0
    assert len(list(tmp_path.iterdir())) == 2
    page = opened(page_file)
    page.evaluate("viewer.actions.seek(33)")
    until(page, "viewer.state.frame === 33 && viewer.player.constructor.name === 'FilmPlayer'")
    lost = tmp_path / "elsewhere" / "page.html"
    lost.parent.mkdir()
    page_file.rename(lost)
    page = opened(lost, loses="ERR_FILE_NOT_FOUND")
    page.get_by_text("my page #1_film.mp4 is not beside this page").wait_for()
    page.locator("#film-file").set_input_files(film)
    until(page, "viewer.player.constructor.name === 'FilmPlayer' && !viewer.player.busy")
    assert seek(page, 12) == 12


def test_without_a_film_a_clock_plays(tmp_path: Path, opened: Opened) -> None:
    kept = write_run(tmp_path / "run", walkers(even(50)))
    assert main(["view", str(kept), "--no-film", "--quiet"]) == 0
    page = opened(kept / "view.html")
    assert page.get_by_text("No film in this page").is_visible()
    page.evaluate("viewer.actions.toggle()")
    until(page, "viewer.state.frame === 49 && !viewer.player.playing")


@pytest.mark.parametrize("width", [320, 390, 700])
def test_narrow_screens_scroll_one_way_only(run: Path, opened: Opened, width: int) -> None:
    page = opened(run / "view.html", size=(width, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#scene").bounding_box()["width"] > 0.9 * (width - 20)


def test_hostile_names_do_nothing(tmp_path: Path, opened: Opened) -> None:
    name = "a</script><img src=x onerror=\"document.body.dataset.bad='1'\">.mp4"
    kept = write_run(tmp_path / "run", walkers(even(5)), name=name)
    assert main(["view", str(kept), "--no-film", "--quiet"]) == 0
    page = opened(kept / "view.html")
    assert page.locator("h1").inner_text() == name and page.evaluate("document.body.dataset.bad") is None


# Milliseconds (the median of nine) to show a frame, until its pixels are there.
COST = """() => {
  const times = [], pen = viewer.scene.renderer.getContext(), pixel = new Uint8Array(4);
  for (let k = 0; k < 9; k++) {
    const frame = Math.floor((k * 0.6180339 % 1) * viewer.run.frames), began = performance.now();
    viewer.actions.seek(frame);
    pen.readPixels(0, 0, 1, 1, pen.RGBA, pen.UNSIGNED_BYTE, pixel);
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[4];
}"""


def test_a_clip_of_ten_minutes_stays_responsive(tmp_path: Path, opened: Opened) -> None:
    """A frame of ten minutes costs about what one of ten seconds does, measured in turns."""
    pages = []
    for name, frames in (("short", 250), ("long", 15_000)):
        kept = write_run(tmp_path / name, walkers(even(frames), people=2))
        assert main(["view", str(kept), "--no-film", "--quiet"]) == 0
        pages.append(opened(kept / "view.html", size=(640, 700)))
    costs = np.array([[page.evaluate(COST) for page in pages] for _ in range(3)])
    assert np.median(costs[:, 1] / costs[:, 0]) < 3, costs
    page = pages[1]
    page.evaluate("viewer.actions.seek(14999)")
    assert page.evaluate("viewer.state.frame") == 14_999
    for _ in range(6):
        page.keyboard.press("+")
    page.wait_for_timeout(200)
    assert page.evaluate("viewer.axis.to - viewer.axis.from") == pytest.approx(600 / 64, rel=0.01)
