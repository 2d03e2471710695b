"""The parser of every command line of ours: an error is one line, and a misspelt word earns the nearest one."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

TYPE_CHECKING = False  # typing's own name for it, without the time that loading typing takes
if TYPE_CHECKING:
    from typing import Any, NoReturn

EXIT_USAGE = 2
_ALIKE = 0.6  # of 1, from which on a word may be meant


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose help keeps the line breaks of its texts, and whose errors fit one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong and where help is, and end with exit code 2."""
        self.exit(EXIT_USAGE, f"error: {message}; see `{self.prog} --help`\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is not known here, where its neighbours are: the outermost parser knows no verb's options."""
        given, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = [word for word in unknown if word.startswith("-")]  # what follows them may be their values
            self.error("; ".join(self._unknown(word) for word in (options or unknown)[:3]))
        return given, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        names = [str(choice) for choice in action.choices]
        what = action.metavar or "/".join(action.option_strings)
        message = f"{what} {value!r}: unknown{meant(str(value), names)}; there are {', '.join(names)}"
        raise argparse.ArgumentError(None, message)

    def _unknown(self, word: str) -> str:
        if not word.startswith("-") or word == "-":
            return f"{word!r}: one word too many"
        name = word.partition("=")[0]
        return f"{name}: unknown option{meant(name, self._option_string_actions)}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean ...?)" with the known word that is most like this one; nothing where none is."""
    import difflib

    near: Sequence[str] = difflib.get_close_matches(word.lower(), list(known), 1, _ALIKE)
    return f" (did you mean {near[0]}?)" if near else ""


def closing(examples: Sequence[str], writes: str, see: str, codes: str) -> str:
    """Return the end of a help text: examples that run, the files written, exit codes, and what to read next."""
    parts = [("examples", "\n".join(f"  {line}" for line in examples)), ("writes", _indented(writes))]
    parts += [("exit codes", _indented(codes)), ("see also", _indented(see))]
    return "\n\n".join(f"{name}:\n{text}" for name, text in parts) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"  {line.strip()}" for line in text.strip().splitlines())
