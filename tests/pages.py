"""The pages of the documentation: which there are, and the blocks of code, commands, links and headings in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
FOLDERS = (".docker", ".github", "configs", "detectors", "lifter", "pipeline", "render", "tests")
GUIDE = ROOT / "pipeline" / "guide"
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the line of the page where the text begins."""

    language: str
    text: str
    line: int


def pages() -> list[Path]:
    """Return every page of the repository, those of the top level first."""
    inner = [page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md"))]
    return [*sorted(ROOT.glob("*.md")), *(page for page in inner if "node_modules" not in page.parts)]


def name_of(page: Path) -> str:
    """Return a page's path as the tests name it."""
    return page.relative_to(ROOT).as_posix()


@cache
def _tokens(page: Path) -> tuple[Token, ...]:
    return tuple(_MARKDOWN.parse(page.read_text(encoding="utf-8")))


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return a page's blocks of code in any of the languages."""
    return [
        Block(token.info.strip(), token.content, (token.map or [0])[0] + 2)
        for token in _tokens(page)
        if token.type == "fence" and token.info.strip() in languages
    ]


def inline_code(page: Path) -> list[str]:
    """Return what stands between single backticks, with line breaks as spaces."""
    return [
        " ".join(child.content.split())
        for token in _tokens(page)
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def commands(page: Path) -> list[str]:
    """Return the commands of a page: its shell blocks without comments, and the benchmarks named in its text."""
    lines = [
        line.split(" #")[0].strip()
        for block in blocks(page, "bash", "sh", "shell")
        for line in block.text.replace("\\\n", " ").splitlines()
        if not line.startswith("#")
    ]
    benchmarks = [code for code in inline_code(page) if code.startswith("python tests/benchmarks/")]
    return [" ".join(line.split()) for line in lines if line] + benchmarks


def links(page: Path) -> list[str]:
    """Return where a page's links and pictures lead."""
    return [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in _tokens(page)
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]


def anchors(page: Path) -> list[str]:
    """Return the anchors of a page's headings, as code hosts make them; one that comes again gets a number."""
    found: list[str] = []
    tokens = _tokens(page)
    for token, inner in pairwise(tokens):
        if token.type != "heading_open":
            continue
        words = "".join(child.content for child in inner.children or () if child.type in ("text", "code_inline"))
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        again = sum(known.rsplit("-", 1)[0] == anchor or known == anchor for known in found)
        found.append(f"{anchor}-{again}" if anchor in found else anchor)
    return found


def title(page: Path) -> str:
    """Return a page's first heading."""
    tokens = _tokens(page)
    first = next(index for index, token in enumerate(tokens) if token.type == "heading_open")
    return tokens[first + 1].content
