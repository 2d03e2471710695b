"""`python -m pipeline view RUN`: from a run's folder to one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline import store
from pipeline.errors import PipelineError
from pipeline.progress import Console, plain
from pipeline.view.document import write_document
from pipeline.view.kept import KeptRun, open_run
from pipeline.view.payload import pack

LIMIT_MB = 64.0  # of a film inside the page: base64 makes a third more of it, and browsers keep it whole


@dataclass(frozen=True)
class ViewSettings:
    """What goes into a page.

    Attributes:
        film: the film the run was made from; None looks for it here, and takes the rendered film otherwise.
        show_film: there is a film at all.
        beside: leave the film's copy beside the page instead of inside.
        limit_mb: a copy of more megabytes is left beside.
        output: the page; None is `view.html` in the run's folder.

    Raises:
        PipelineError: a limit below 0, or a film that is both named and left out.
    """

    film: Path | None = None
    show_film: bool = True
    beside: bool = False
    limit_mb: float = LIMIT_MB
    output: Path | None = None

    def __post_init__(self) -> None:
        if not self.limit_mb >= 0:
            raise PipelineError(f"--limit {self.limit_mb}: megabytes wanted, 0 or more")
        if self.film is not None and not self.show_film:
            raise PipelineError("--film and --no-film: drop one")


def view(run: Path, settings: ViewSettings, console: Console) -> Path:
    """Write the page of a run; return where it is.

    Raises:
        PipelineError: no run, another film than the run's, or a page that cannot be written.
    """
    kept = open_run(run)
    page = settings.output or run / "view.html"
    if page.is_dir():
        raise PipelineError(f"{page}: a folder; name the page to write, as {page / 'view.html'}")
    if page.suffix.lower() not in (".html", ".htm"):
        raise PipelineError(f"{page}: a page's name ends in .html; no other file is written over")
    payload = pack(plain(kept.name), kept.pose, kept.world(), kept.size, kept.fps)
    film, embedded = _film(kept, page, settings, console)
    payload.head["film"] = film
    text = write_document(payload, embedded, film_beside=film["kind"] == "beside")
    store.write_whole(page, lambda file: file.write(text.encode("utf-8")))
    console.say(f"wrote  {page}  {page.stat().st_size / 1e6:.1f} MB, {_words(film)}")
    return page


def _film(kept: KeptRun, page: Path, settings: ViewSettings, console: Console) -> tuple[dict[str, Any], bytes]:
    """Return what the page is told of its film, and the bytes to embed."""
    from pipeline.view.film import copy_rendered, copy_source, find_source, is_rendered

    if not settings.show_film or not len(kept.pose.timestamps):
        return {"kind": "none"}, b""
    source, stamps = find_source(settings.film, kept.name, kept.sha256), kept.pose.timestamps
    if source is None and not is_rendered(kept.folder):
        console.warn(f"{kept.folder.path}: holds no film, and {kept.name} is not here; name it with --film")
        return {"kind": "none"}, b""
    if source is None:
        copy = copy_rendered(kept.folder, kept.size, stamps, console)
    else:
        copy = copy_source(source, kept, console)
    for line in copy.warnings:
        console.warn(line)
    about = {"sound": copy.sound, "drawn": copy.drawn}
    megabytes = len(copy.data) / 1e6
    if not settings.beside and megabytes <= settings.limit_mb:
        return {"kind": "inside", **about}, copy.data
    if not settings.beside:
        console.warn(f"{kept.name}: {megabytes:.1f} MB of film, left beside the page (--limit {settings.limit_mb:g})")
    beside = page.with_name(f"{page.stem}_film.mp4")
    store.write_whole(beside, lambda file: file.write(copy.data))
    return {"kind": "beside", "name": beside.name, "url": quote(beside.name), **about}, b""


def _words(film: Mapping[str, Any]) -> str:
    what = "rendered film" if film.get("drawn") else "film"
    words = {"inside": f"{what} inside", "beside": f"{what} beside it: {film.get('name')}", "none": "no film"}
    return words[str(film["kind"])]
