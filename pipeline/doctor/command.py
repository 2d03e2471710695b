"""`python -m pipeline doctor`: every check, with its remedy where it fails."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pipeline.doctor.check import BROKEN, Check
from pipeline.doctor.versions import versions

FORMAT = 1  # of --json


def examine(output: Path = Path("runs"), self_test: bool = True, as_json: bool = False) -> int:
    """Print every check with its remedy where it fails; return 1 where something that `run` needs is broken.

    Args:
        output: the folder that runs will be written to.
        self_test: run a drawn film.
        as_json: print JSON: format, ok, versions, checks (name, state, found, remedy).
    """
    from pipeline.progress import Console
    from pipeline.tables import Table, fancy

    found, console = versions(), Console()
    rich = fancy(sys.stdout) and not as_json
    if not as_json:
        lines = [f"{name} {version}" for name, version in found.items()]
        console.say(", ".join(lines) if rich else "\n".join(f"      {line}" for line in lines))
    checks = []
    for check in _checks(output, self_test):
        checks.append(check)
        if not as_json and not rich:
            console.say(check.line())
    if as_json:
        good = not any(check.state == BROKEN for check in checks)
        told = {"format": FORMAT, "ok": good, "system": platform.platform(), "versions": found}
        console.say(json.dumps({**told, "checks": [asdict(check) for check in checks]}, indent=2))
    elif rich:
        rows = [(check.state, check.name, check.found, check.remedy) for check in checks]
        states = [check.state for check in checks]
        console.show(Table(("", "what", "found", "remedy"), rows, left=4, states=states))
    return int(any(check.state == BROKEN for check in checks))


def _checks(output: Path, self_test: bool) -> Iterator[Check]:
    from pipeline.doctor import machine, selftest, software

    looks = {**software.looks(), **machine.looks(output), **({"self-test": selftest.self_test} if self_test else {})}
    for name, look in looks.items():
        try:
            found = look()
        except (ImportError, OSError, RuntimeError) as error:  # a package that does not load takes its checks along
            told = " ".join(str(error).split()) or type(error).__name__
            found = Check(name, BROKEN, told, "`make setup` installs everything anew")
        yield from found if isinstance(found, list) else [found]
