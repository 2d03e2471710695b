"""Shell completion: the script that shtab makes of our parser; it is made once and costs nothing when a key is pressed.

It completes the command `motion-lift`, and in bash `python -m pipeline` too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import PipelineError

COMMAND = "motion-lift"
# Python's own words stay as the shell completes them; words after `-m pipeline` are those of the command.
_BASH_MODULE = """
_motion_lift_python() {
  if [[ "${COMP_WORDS[1]}" == -m && "${COMP_WORDS[2]}" == pipeline && $COMP_CWORD -ge 3 ]]; then
    COMP_WORDS=(motion-lift "${COMP_WORDS[@]:3}")
    COMP_CWORD=$((COMP_CWORD - 2))
    _shtab_motion_lift
  fi
}
complete -o default -F _motion_lift_python python python3
"""


def script(shell: str, build_parser: Callable[[], argparse.ArgumentParser]) -> str:
    """Return the completion script of a shell: bash, zsh or fish.

    Raises:
        PipelineError: shtab is not installed.
    """
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise PipelineError("completion needs shtab: pip install 'shtab>=1.13,<2'") from error
    parser = build_parser()
    parser.prog = COMMAND
    for one in _all(parser):
        for action in one._actions:  # argparse tells of them in no other way
            if action.type is Path and not action.choices:
                action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    made = str(shtab.complete(parser, shell)).rstrip("\n") + "\n"
    return made + (_BASH_MODULE if shell == "bash" else "")


def _all(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return a parser and those of its verbs."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [inner for verb in action.choices.values() for inner in _all(verb)]
    return found
