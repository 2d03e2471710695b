"""How a notebook shows a result: a line, the warnings, and the film, inside the notebook where it is small enough."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

LARGEST_BYTES = 8_000_000  # of a film that is put into the notebook; a third more as text
_KINDS = {".mp4": "video/mp4", ".webm": "video/webm", ".gif": "image/gif"}
_WIDTH = 720


def show(told: str, warnings: Sequence[str], folder: Path | None, film: Path | None) -> str:
    """Return a result as HTML without scripts or addresses, but for a link to a film that is too large."""
    parts = [f"<p><b>{escape(told)}</b>{_folder(folder)}</p>"]
    if warnings:
        parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in warnings) + "</ul>")
    if film is not None:
        parts.append(film_html(film))
    return "<div>" + "".join(parts) + "</div>"


def _folder(folder: Path | None) -> str:
    return "" if folder is None else f" in <code>{escape(str(folder))}</code>"


def film_html(film: Path) -> str:
    """Return the film itself, or a link to it."""
    kind = _KINDS.get(film.suffix)
    try:
        small = kind is not None and film.is_file() and film.stat().st_size <= LARGEST_BYTES
        content = film.read_bytes() if small else b""
    except OSError:  # it went away meanwhile
        content = b""
    if not content:
        return f'<p><a href="{escape(_address(film))}">{escape(film.name)}</a></p>'
    data = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    if kind == "image/gif":
        return f'<img width="{_WIDTH}" src="{data}" alt="{escape(film.name)}">'
    return f'<video controls loop muted playsinline width="{_WIDTH}" src="{data}"></video>'


def _address(film: Path) -> str:
    """Return where a notebook's page finds a file: below the notebook's folder by its name there, else by a URI."""
    from urllib.parse import quote

    whole, here = film.resolve(), Path.cwd().resolve()
    return quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()
