"""What is printed where: rules and colours on a terminal, however narrow; plain words in a pipe and under NO_COLOR."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.tables import Table, fancy, marked

ROOT = Path(__file__).parents[1]
TABLE = Table(
    ("film", "state", "frames"),
    [("walk.mp4", "done", "120"), ("[bold]a.mp4", "failed", "")],
    2,
    ["done", "failed"],
    "2 films",
)
SHOW = (
    "from pipeline.progress import Console; from test_terminal import TABLE\n"
    "console = Console(); console.show(TABLE); console.warn('late')"
)


def on_a_terminal(code: str, columns: int = 80, **more: str) -> str:
    """Run Python with a terminal at its standard output and error; return what the terminal got."""
    leader, follower = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM", "COLORTERM")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(columns), "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **more}
    child = subprocess.Popen([sys.executable, "-c", code], stdout=follower, stderr=follower, env=environment, cwd=ROOT)
    os.close(follower)
    got = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the last one on the other side has gone
            break
        if not part:
            break
        got += part
    os.close(leader)
    assert child.wait(timeout=60) == 0, got.decode()
    return got.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_rules_and_what_was_said_is_all_there() -> None:
    got = on_a_terminal(SHOW)
    assert "\x1b[" in got and "─" in got
    bare = re.sub(r"\x1b\[[0-9;]*m", "", got)
    for word in ("walk.mp4", "[bold]a.mp4", "failed", "120", "2 films", "warning: late"):
        assert word in bare


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_they_are_not_wanted(more: dict[str, str]) -> None:
    got = on_a_terminal(SHOW, **more)
    assert "\x1b" not in got and got == f"{TABLE.plain()}\nwarning: late\n"


def test_a_narrow_terminal_is_kept_to() -> None:
    got = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(SHOW, columns=24))
    assert max(len(line) for line in got.splitlines()) <= 24
    assert "2 films" in got


def test_a_pipe_gets_words_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.progress import Console

    Console().show(TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert [re.split(r"\s{2,}", line) for line in lines] == [
        ["film", "state", "frames"], ["walk.mp4", "done", "120"], ["[bold]a.mp4", "failed"], ["2 films"],
    ]  # fmt: skip
    Console(quiet=True).show(TABLE)
    assert capsys.readouterr().out == ""
    assert not fancy(io.StringIO()) and marked("error:", io.StringIO()) == "error:"


def test_an_error_is_red_on_a_terminal_and_plain_in_a_pipe(tmp_path: Path) -> None:
    words = ["run", str(tmp_path / "no.mp4"), "--detector", "scripted"]
    code = f"from pipeline.cli import main; assert main({words!r}) == 1"
    assert "\x1b[1;31merror:\x1b[0m " in on_a_terminal(code)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
