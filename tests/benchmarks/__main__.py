"""Runs the benchmarks that need nothing but the repository: `python tests/benchmarks [NAME ...]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What needs no data, no weights and no network, with the arguments that make it minutes and not hours.
ALONE: dict[str, tuple[str, ...]] = {
    "lifting": (),
    "render": (),
    "run": (),
    "training": ("--rounds", "3"),
    "detectors": (),
}


def main() -> int:
    """Run those asked for, or all; return 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALONE)} (default: all)")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALONE):
        parser.error(f"{', '.join(sorted(unknown))}: unknown; known are {', '.join(ALONE)}")
    failed = []
    for name in given.names or ALONE:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, str(HERE / f"bench_{name}.py"), *ALONE[name]], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
