"""Changes the code in one place at a time and tells which changes no test notices.

    python tests/quality/mutation.py --children 2 --endings 147

mutmut makes the changes: an operator, a number, a word or an argument of a function each. Which files, and by which
tests they are to be noticed, stands in `pyproject.toml`. Exit code 1 where less than `BAR` of them are. What survived
is shown by `python -m mutmut show NAME`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
BAR = 85.0  # percent
KILLED = "killed"


def main() -> int:
    """Make the mutants, run the tests on each, tell; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--children", type=int, default=2, help="so many mutants at a time (default %(default)s)")
    parser.add_argument("--endings", default="", help="a sample: only those whose number ends in one of these digits")
    parser.add_argument("--again", action="store_true", help="make nothing, tell of what was run before")
    given = parser.parse_args()
    if not given.again:
        shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # what was kept of earlier tests is no answer
        mutmut("run", "--max-children", str(given.children), *([f"*[{given.endings}]"] if given.endings else []))
    share, lines = told(mutmut("results", "--all", "true", quiet=True), given.endings)
    sys.stdout.write("\n".join(lines) + "\n")
    return int(share < BAR)


def mutmut(*words: str, quiet: bool = False) -> str:
    """Run mutmut; return what it says, if it is not to say it to the terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE if quiet else None,
    )
    return done.stdout or ""


def told(results: str, endings: str = "") -> tuple[float, list[str]]:
    """Return the percentage that was killed, and the table with the names of all others.

    Whoever is stopped by the clock counts as alive: on a busy machine it says little of the tests.

    Args:
        results: lines `package.module.x_function__mutmut_7: killed`, or another state.
        endings: the last digits of those that count; all by default.
    """
    every_state = re.findall(r"^\s*(\S+): (.+)$", results, flags=re.M)
    states = [(name, state) for name, state in every_state if name[-1] in (endings or "0123456789")]
    modules: dict[str, Counter[str]] = {}
    for name, state in states:
        modules.setdefault(name.rpartition(".")[0], Counter())[state] += 1
    lines = [f"{_share(counts):5.1f} % of {counts.total():4d}  {module}" for module, counts in sorted(modules.items())]
    every = sum(modules.values(), Counter[str]())
    lines += [f"{_share(every):5.1f} % of {every.total():4d}  all; wanted {BAR:.0f} %"]
    return _share(every), [*(f"{state}: {name}" for name, state in states if state != KILLED), *lines]


def _share(counts: Counter[str]) -> float:
    return 100 * counts[KILLED] / max(counts.total(), 1)


if __name__ == "__main__":
    sys.exit(main())
