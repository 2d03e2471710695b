"""What the pages say is there: links, headings, files, flags, messages; their Python runs; figures told twice agree."""

from __future__ import annotations

import json
import re
import tomllib
from argparse import ArgumentParser
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from page_inputs import make_run, run
from pages import GUIDE, ROOT, anchors, blocks, inline_code, links, name_of, pages, title

PAGES = pages()
README = ROOT / "README.md"
PACKAGES = ("pipeline", "detectors", "lifter", "render")
FIGURES = ("pipeline/guide", "pipeline/measures", "pipeline/export", "lifter", "tests/benchmarks")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue  # an address outside: no network in tests
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT) and target.exists(), f"{name_of(page)}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{name_of(page)}: {link}: no such heading; there are {anchors(target)}"


def test_headings_become_anchors(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A *detector's* `joints` to ours, learned\n\n## One\n\n## One\n\n## pose3d.npz\n\n## One-1\n")
    assert anchors(page) == ["a-detectors-joints-to-ours-learned", "one", "one-1", "pose3dnpz", "one-1-1"]


def test_the_index_lists_every_page_of_the_guide() -> None:
    index = GUIDE / "README.md"
    listed = {(GUIDE / link).resolve() for link in links(index)}
    missing = {page.name for page in GUIDE.glob("*.md")} - {page.name for page in listed} - {"README.md"}
    assert not missing, f"{missing}: give each a line in pipeline/guide/README.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_whole(page: Path) -> None:
    """A title, nothing left to fill in, and settings that can be read."""
    text = page.read_text(encoding="utf-8")
    assert title(page)
    assert not re.search(r"@[A-Z]+@|\bTODO\b|\bTBD\b|\bFIXME\b", text)
    for block in blocks(page, "toml"):
        tomllib.loads(block.text)
    for block in blocks(page, "json"):
        json.loads(block.text)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_python_runs(page: Path, workplace: Path) -> None:
    """A page's blocks one after the other, as one program whose line numbers are the page's.

    Detectors that take seconds or weights are left to other tests.
    """
    make_run(workplace)
    if "runs/film/export" in page.read_text(encoding="utf-8"):
        run(["-m", "pipeline", "export", "runs/film", "--format", "json,npz"], workplace)
    program: list[str] = []
    for block in blocks(page, "python"):
        program += [""] * (block.line - 1 - len(program)) + block.text.splitlines()
    script = workplace / f"{name_of(page).replace('/', '_')}.py"
    text = re.sub(r'detector="(mediapipe|rtmpose)"', 'detector="scripted"', "\n".join(program))
    script.write_text(text + "\n", encoding="utf-8")
    run([str(script)], workplace)


@cache
def help_of_everything() -> str:
    """What all our commands tell of their flags, and the sources of the benchmarks."""
    from lifter.__main__ import VERBS
    from lifter.__main__ import build_parser as lifters
    from pipeline.drawn.__main__ import build_parser as drawn
    from pipeline.learned.__main__ import build_parser as learned
    from pipeline.parser import build_parser

    parsers = [drawn(), learned(), *_verbs(build_parser()).values()]
    for verb in VERBS:
        chosen = _verbs(lifters(verb))[verb]
        parsers += [chosen, *(inner for inner in _verbs(chosen).values())]
    benchmarks = (ROOT / "tests" / "benchmarks").glob("bench_*.py")
    return " ".join([p.format_help() for p in parsers] + [file.read_text(encoding="utf-8") for file in benchmarks])


def _verbs(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    """Return a parser's verbs, of which argparse does not tell in public."""
    groups = parser._subparsers._group_actions if parser._subparsers else []
    return {name: verb for group in groups for name, verb in group.choices.items()}


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "CHANGELOG.md"], ids=name_of)
def test_every_flag_and_file_named_is_real(page: Path) -> None:
    for code in inline_code(page):
        if flag := re.match(r"--[a-z][a-z-]+", code):
            assert re.search(rf"{flag[0]}(?![a-z-])", help_of_everything()), f"{code}: no command has this flag"
        if re.fullmatch(r"(?:pipeline|lifter|detectors|render|configs|tests|\.github|\.docker)/[\w./]+", code):
            assert (ROOT / code).exists(), f"{code}: no such file"
        if target := re.match(r"make ([a-z-]+)", code):
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert f"\n{target[1]}:" in makefile, f"{code}: no such target"


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "CHANGELOG.md"], ids=name_of)
def test_commands_within_sentences_are_understood(page: Path) -> None:
    """As far as they are whole: names in capitals stand for what a reader fills in."""
    from lifter.__main__ import build_parser as lifters
    from pipeline.parser import build_parser

    for code in inline_code(page):
        words = code.split()
        if words[:2] != ["python", "-m"] or len(words) < 5 or {"...", "VERB", "--help"} & set(words):
            continue
        if words[2] == "pipeline":
            build_parser().parse_args(words[3:])
        elif words[2] == "lifter":
            lifters(words[3]).parse_args(words[3:])


def test_troubles_are_told_in_the_words_of_the_program() -> None:
    """What the first column of the page quotes is what somebody reads on the screen."""
    sources = "".join(file.read_text(encoding="utf-8") for name in PACKAGES for file in (ROOT / name).rglob("*.py"))
    said = re.sub(r'"\s*\n\s*f?"|\{[^{}]*\}', " ", sources)
    rows = re.findall(r"^\| (`[^|]*`) \|", (GUIDE / "troubleshooting.md").read_text(encoding="utf-8"), flags=re.M)
    assert len(rows) > 5
    for phrase in re.findall(r"`([^`]+)`", " ".join(rows)):
        for part in phrase.split(" ... "):
            assert part in said, f"{phrase!r} is said nowhere"


def test_figures_of_the_readme_stand_on_the_pages_that_tell_of_them() -> None:
    """A figure is measured anew on its page; the short table must follow."""
    table = README.read_text(encoding="utf-8").split("## Measured")[1].split("\n## ")[0]
    told = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", re.sub(r"`[^`]*`", "", table))
    pages_of_figures = [page for page in PAGES if page.parent.relative_to(ROOT).as_posix() in FIGURES]
    measured = " ".join(page.read_text(encoding="utf-8") for page in pages_of_figures)
    assert len(told) > 15
    missing = [figure for figure in told if not re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", measured)]
    assert not missing


def test_the_picture_is_a_frame_of_the_demo_as_films_look_today() -> None:
    import cv2

    from pipeline.demo import SIZE
    from render.frames import lay_out

    (tall,) = re.findall(r"--max-height (\d+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    picture = cv2.imread(str(ROOT / ".github" / "demo.png"))
    assert picture.shape[1::-1] == lay_out(SIZE, int(tall)).canvas, "`make picture` takes it anew"


def test_the_readme_is_read_in_three_minutes() -> None:
    """A thousand words and a table or two; everything else has a page."""
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 140 and len(text.split()) < 1200
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (ROOT / picture).stat().st_size < 500_000
