"""Runs the tests and tells how many of the code's lines and branches they ran, package by package.

    python tests/quality/covered.py --slow

Measured are threads and all processes that tests start, too (`pyproject.toml`); whoever is killed by kill -9 tells
nothing. Exit code 1 where a package is below `BARS`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BARS = {"lines": 90.0, "branches": 85.0}  # percent
FORKING = ("determinism", "faults", "fuzz")  # files that want a process of their own


def main() -> int:
    """Run the tests, tell; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", action="store_true", help="the slow tests too")
    parser.add_argument("--worst", type=int, default=20, help="so many files are named (default %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "data")}

        def coverage(*words: str) -> None:
            # Tests that fail while they are watched are told, and stop nothing.
            subprocess.run([sys.executable, "-m", "coverage", *words], cwd=ROOT, env=environment, check=False)

        for kind in ("not slow", "slow") if given.slow else ("not slow",):
            coverage("run", "-m", "pytest", "-m", f"not forks and {kind}")
            for name in FORKING:
                coverage("run", "-m", "pytest", "-m", f"forks and {kind}", f"tests/test_{name}.py")
        coverage("combine", "-q")
        coverage("json", "-q", "-o", str(Path(folder) / "told.json"))
        files = json.loads((Path(folder) / "told.json").read_text(encoding="utf-8"))["files"]
    enough, lines = told(files, given.worst)
    sys.stdout.write("\n".join(lines) + "\n")
    return int(not enough)


def told(files: Mapping[str, Any], worst: int) -> tuple[bool, list[str]]:
    """Return whether every package reaches the bars, and the table.

    Args:
        files: of coverage's report in JSON: name -> counts and missing lines.
        worst: so many files with the most that was not run.
    """
    packages: dict[str, dict[str, list[int]]] = {}
    for name, found in files.items():
        sums = packages.setdefault(Path(name).parts[0], {"lines": [0, 0], "branches": [0, 0]})
        counts = found["summary"]
        for kind, run, there in (
            ("lines", "covered_lines", "num_statements"), ("branches", "covered_branches", "num_branches"),
        ):  # fmt: skip
            sums[kind][0] += counts[run]
            sums[kind][1] += counts[there]
    lines, enough = [], bool(packages)
    by_missing = sorted(files.items(), key=lambda item: -_missing(item[1]["summary"]))
    for name, found in by_missing[:worst]:
        lines.append(f"{_missing(found['summary']):4d} lines and branches not run in {name}")
    for package, sums in sorted(packages.items()):
        shares = {kind: 100 * run / max(there, 1) for kind, (run, there) in sums.items()}
        enough &= all(shares[kind] >= bar for kind, bar in BARS.items())
        lines.append(f"{package:10s}" + "".join(f"  {shares[kind]:5.1f} % of {sums[kind][1]} {kind}" for kind in BARS))
    return enough, lines


def _missing(counts: Mapping[str, int]) -> int:
    return counts["missing_lines"] + counts["missing_branches"]


if __name__ == "__main__":
    sys.exit(main())
