"""Puts the page together: HTML, style, scripts and data in one file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from importlib.resources import files

from pipeline.view.payload import Payload

# In the order in which they need each other.
SCRIPTS = (
    "data", "film", "overlay", "bodies", "room", "scene", "axis", "timeline", "plots", "spans", "controls", "main",
)  # fmt: skip
_MARK = re.compile(r"\{\{(\w+)\}\}")


def write_document(payload: Payload, film: bytes, film_beside: bool) -> str:
    """Return the page.

    Args:
        payload: the data.
        film: the film to be embedded; empty where it lies beside, or there is none.
        film_beside: let the page load a film from where it lies itself, which it may not otherwise.
    """
    style = _read("page/style.css")
    library = _read("vendor/three.min.js")
    script = '(() => {\n"use strict";\n' + "\n".join(_read(f"page/{name}.js") for name in SCRIPTS) + "\n})();\n"
    parts = {
        "policy": _policy(style, [library, script], film_beside),
        "title": html.escape(str(payload.head["title"])),
        "style": style,
        "library": library,
        "licence": _read("vendor/three.LICENSE"),
        "script": script,
        "head": payload.head_json(),
        "arrays": "\n".join(_block(f"array-{name}", payload.array_base64(name)) for name in payload.arrays),
        "film": _block("film-data", base64.b64encode(film).decode("ascii")),
    }
    # In one pass, so that what is put in is not searched for marks.
    return _MARK.sub(lambda mark: parts[mark[1]], _read("page/page.html"))


def _block(identity: str, text: str) -> str:
    """Return a data block: browsers do not run scripts of a type that they do not know."""
    return f'<script type="text/plain" id="{identity}">{text}</script>'


def _policy(style: str, scripts: list[str], film_beside: bool) -> str:
    """Return the content security policy: nothing runs but these scripts, nothing is fetched.

    `file:` and `'self'` are one thing, the film beside the page, opened from a disk and from a server.
    """
    allowed = " ".join(_digest(script) for script in scripts)
    media = "blob: file: 'self'" if film_beside else "blob:"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; media-src {media}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"


def _read(name: str) -> str:
    """Return a file of this package."""
    return (files("pipeline.view") / name).read_text(encoding="utf-8")
