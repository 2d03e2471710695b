"""Tables: aligned words where a program reads them, and rules and colours where somebody looks at a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

_STYLES = {"ok": "green", "done": "green", "up to date": "cyan", "low": "yellow", "none": "dim", "not done": "yellow",
           "FAIL": "bold red", "failed": "bold red"}  # fmt: skip

_WORDS = {"warning:": "yellow", "low trust": "yellow", "error:": "bold red"}


def fancy(stream: TextIO) -> bool:
    """Tell whether somebody looks at a stream who wants colours: a terminal, and neither NO_COLOR nor a dumb one."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") != "dumb"


def marked(word: str, stream: TextIO) -> str:
    """Return a word in its colour where somebody looks at it, else as it is."""
    if not fancy(stream):
        return word
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, force_terminal=True)
    with console.capture() as capture:
        console.print(Text(word, _WORDS.get(word.strip(), "bold")), end="")
    return capture.get()


@dataclass(frozen=True)
class Table:
    """Words in columns.

    Attributes:
        head: names of the columns.
        rows: their words.
        left: so many columns begin at the left, the others, numbers, end at the right.
        states: a word a row that says how it is coloured; none where it is not.
        below: a line below.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    states: Sequence[str] = ()
    below: str = ""

    def plain(self) -> str:
        """Return it as lines of words with two spaces or more between columns."""
        rows = [self.head, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.head))]
        lines = [
            "  ".join(
                word.ljust(width) if column < self.left else word.rjust(width)
                for column, (word, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, *([self.below] if self.below else [])])

    def show(self, stream: TextIO) -> None:
        """Draw it in a terminal, as wide as that is."""
        from rich import box
        from rich.console import Console
        from rich.table import Table as Drawn
        from rich.text import Text

        drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for column, name in enumerate(self.head):
            drawn.add_column(name, justify="left" if column < self.left else "right", overflow="fold")
        for index, row in enumerate(self.rows):
            style = _STYLES.get(self.states[index], "") if self.states else ""
            # Words of a film's name are no markup.
            drawn.add_row(*(Text(word, style if word == self.states[index] else "") if style else Text(word)
                            for word in row))  # fmt: skip
        console = Console(file=stream, highlight=False)
        console.print(drawn)
        if self.below:
            console.print(Text(self.below, "bold"))
