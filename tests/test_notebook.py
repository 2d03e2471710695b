"""The guide's notebook: committed without outputs, run from first to last, its film played in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsers import browser
from films import numbered
from kept_runs import even, write_film

from pipeline.embed.page import film_html
from pipeline.video import probe

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "pipeline" / "guide").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        assert cell["cell_type"] != "code" or (cell["outputs"] == [] and cell["execution_count"] is None)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def cells(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The code cells of a notebook that was run."""
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(request.param, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client.NotebookClient(
            notebook, timeout=280, startup_timeout=280, kernel_name="python3", resources=place
        ).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_it_runs(cells: list[Any]) -> None:
    shown = [shown_by(cell) for cell in cells]
    (ran,) = [index for index, cell in enumerate(cells) if "from pipeline import run" in cell.source]
    stages = [name for name in ("detect", "lift", "render") if any(f"<code>{name} 5" in page for page in shown[ran])]
    assert stages == ["detect", "lift", "render"]  # bars, each at its end: 50 frames
    assert any('src="data:video/mp4;base64,' in page for page in shown[ran])
    assert not [out for cell in cells for out in cell.outputs if out.output_type in ("stream", "error")]
    assert float(cells[ran + 3].outputs[-1].data["text/plain"].removeprefix("np.float32(").rstrip(")")) < 1e-4
    assert "1 person, 50 frames, 2.0 s" in cells[ran + 4].outputs[-1].data["text/plain"]
    assert "did you mean mediapipe" in cells[ran + 5].outputs[-1].data["text/plain"]


@pytest.mark.slow
def test_its_film_plays_in_a_browser(cells: list[Any], tmp_path: Path) -> None:
    """Everything the notebook shows as HTML, in one page as a notebook puts it there, without a network."""
    page = tmp_path / "outputs.html"
    below = "".join(f"<div class='output'>{html}</div>" for cell in cells for html in shown_by(cell))
    page.write_text(f"<!doctype html><meta charset='utf-8'><body>{below}</body>", encoding="utf-8")
    with browser() as chromium, watched(chromium, page) as shown:
        (film,) = shown.locator("video").all()
        shown.wait_for_function("document.querySelector('video').readyState >= 2")
        about = film.evaluate(
            "film => [film.videoWidth / film.videoHeight, film.clientWidth, film.duration, film.muted]"
        )
        box = film.bounding_box()
        assert about[1] == 720 and about[2] == pytest.approx(2.0, abs=0.05) and about[3]
        assert box["width"] / box["height"] == pytest.approx(about[0], rel=0.02)
        film.evaluate("film => { film.loop = false; film.playbackRate = 2; return film.play(); }")
        shown.wait_for_function("document.querySelector('video').ended")
        pictures = []
        for second in (0.3, 1.3, 0.3):
            film.evaluate(SEEK, second)
            pictures.append(picture(film))
    assert np.array_equal(pictures[0], pictures[2])
    assert (np.abs(pictures[0] - pictures[1]).max(axis=-1) > 24).mean() > 0.005  # somebody moves


@pytest.mark.slow
@pytest.mark.parametrize("form", ["webm", "gif"])
def test_films_of_other_formats_show_too(form: str, tmp_path: Path) -> None:
    from pipeline.video.formats import film_writer

    clip = probe(write_film(tmp_path / "walk.mp4", even(10)))
    film = tmp_path / f"walk_3d.{form}"
    with film_writer(form, film, clip.size, even(10), clip, 0.0, 20, "veryfast", "x264") as writer:
        for index in range(10):
            writer.write(numbered(index, clip.size))
    shown_html = tmp_path / "output.html"
    shown_html.write_text(f"<!doctype html><meta charset='utf-8'><body>{film_html(film)}</body>", encoding="utf-8")
    with browser() as chromium, watched(chromium, shown_html) as shown:
        ready = "one => one.complete ? one.naturalWidth : one.readyState >= 2 ? one.videoWidth : 0"
        shown.wait_for_function(f"({ready})(document.querySelector('video, img')) === {clip.size[0]}")


SEEK = """(film, second) => new Promise(done => {
  film.addEventListener("seeked", () => requestAnimationFrame(() => requestAnimationFrame(done)), { once: true });
  film.currentTime = second;
})"""


def picture(film: Any) -> np.ndarray:
    """What is seen of the film, without its buttons: (H, W, 4)."""
    size, pixels = film.evaluate("""film => {
      const paper = document.createElement("canvas");
      [paper.width, paper.height] = [film.videoWidth, film.videoHeight];
      const pen = paper.getContext("2d");
      pen.drawImage(film, 0, 0);
      return [[paper.height, paper.width], Array.from(pen.getImageData(0, 0, paper.width, paper.height).data)];
    }""")
    return np.array(pixels, np.int16).reshape(*size, 4)


@contextmanager
def watched(chromium: Any, path: Path) -> Iterator[Any]:
    """A page without a network; at the end it asked for nothing and nothing complained."""
    context = chromium.new_context(offline=True)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.resolve().as_uri())
    yield page
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []


def shown_by(cell: Any) -> list[str]:
    """The pages of HTML below a cell."""
    return [out.data["text/html"] for out in cell.outputs if "data" in out and "text/html" in out.data]
