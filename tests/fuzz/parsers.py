"""Gives every parser of ours what nobody should, led by what of our code each input reaches (atheris, libFuzzer).

    python tests/fuzz/parsers.py --list
    python tests/fuzz/parsers.py all --seconds 60 --seed 0
    python tests/fuzz/parsers.py settings --repeat crash-0123

Each parser is fuzzed in a process of its own, until its time is over or something is wrong: an error that is not one
line of ours, a warning, a number that is not finite, a file touched elsewhere, a process started, too much memory or
time. What is wrong is kept in a file, and the command that repeats it is printed. atheris: `pip install '.[fuzz]'`.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
from judge import Watch, Wrong, tried, warm_up  # noqa: E402 - found by the line above
from mutate import mutated  # noqa: E402

LIMIT_S, MEMORY_MB, LARGEST_BYTES = 25, 3072, 40_000
OURS = ("pipeline", "lifter", "detectors")


def repeat(name: str, file: Path) -> int:
    """Try one input again, and show what came of it."""
    from parser_table import TARGETS

    with tempfile.TemporaryDirectory() as folder:
        (place := Path(folder, "place")).mkdir()
        data = file.read_bytes()
        (made := Path(folder, "seeds")).mkdir()
        warm_up(name, TARGETS[name].seeds(made), place)
        print(f"{len(data)} bytes: {data[:300]!r}")
        try:
            print("right" if tried(name, data, place, Watch()) else "refused in one line")
        except Wrong:
            traceback.print_exc()
            return 1
    return 0


def inside(name: str, words: list[str]) -> None:
    """Fuzz one parser in this process, which libFuzzer ends."""
    import atheris

    sys.dont_write_bytecode = True
    folder = Path(tempfile.mkdtemp(dir=words.pop(0)))
    (place := folder / "place").mkdir()
    (made := folder / "seeds").mkdir()
    watch = Watch()
    with atheris.instrument_imports(include=[*OURS, "tomllib"]):
        from parser_table import TARGETS

        target = TARGETS[name]
        seeds = target.seeds(made)
        warm_up(name, seeds, place)  # what is imported when it is needed is led by too
    for number, seed in enumerate(seeds):
        Path(words[0], f"seed-{number}").write_bytes(seed)

    def change(data: bytes, most: int, number: int) -> bytes:
        how = random.Random(number)
        return mutated(data, target.kind, how, lambda part: bytes(atheris.Mutate(part, max(most, len(part)))))[:most]

    def one(data: bytes) -> None:
        tried(name, data, place, watch)

    largest = max(LARGEST_BYTES, 2 * max(map(len, seeds)))
    atheris.Setup([sys.argv[0], *words, f"-max_len={largest}"], one, custom_mutator=change)
    atheris.Fuzz()


def fuzz(name: str, seconds: int, seed: int, corpus: Path) -> str:
    """Fuzz one parser in a process of its own; return what was wrong, or an empty text."""
    with tempfile.TemporaryDirectory() as folder:
        (kept := corpus / name).mkdir(parents=True, exist_ok=True)
        options = {
            "max_total_time": seconds, "seed": seed + 1, "timeout": LIMIT_S, "rss_limit_mb": MEMORY_MB,
            "artifact_prefix": f"{corpus}/{name}-", "print_final_stats": 1,
        }  # fmt: skip
        flags = [f"-{key}={value}" for key, value in options.items()]
        command = [sys.executable, __file__, name, "--inside", folder, str(kept), *flags]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stdout + done.stderr
    runs, new = (re.findall(rf"stat::{what}: +(\d+)", said) for what in ("number_of_executed_units", "new_units_added"))
    covered = re.findall(r" ft: (\d+)", said)
    told = f"{runs[-1] if runs else 0} inputs, {new[-1] if new else 0} kept, {covered[-1] if covered else 0} features"
    print(f"{name:>20}  {told}{'' if done.returncode == 0 else '  WRONG'}", flush=True)
    if done.returncode == 0:
        return ""
    # What Python said stands first, libFuzzer's own words last.
    told = f"{name}:\n{done.stdout[-3000:]}\n{done.stderr[-300:]}"
    for file in re.findall(r"Test unit written to (\S+)", said)[-1:]:
        data = Path(file).read_bytes()
        told += f"\ninput: {base64.b64encode(data).decode() if len(data) < 3000 else data[:300]}"
        told += f"\nrepeat: python tests/fuzz/parsers.py {name} --repeat {file}"
    return told


def main() -> int:
    from parser_table import TARGETS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="all", help="of a parser, or all")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, help="keeps what reached something new, and goes on from it")
    parser.add_argument("--repeat", type=Path, help="try this input once")
    parser.add_argument("--inside", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.list:
        print(*TARGETS, sep="\n")
        return 0
    if given.name != "all" and given.name not in TARGETS:
        parser.error(f"{given.name}: there are all, {', '.join(TARGETS)}")
    if given.repeat:
        return repeat(given.name, given.repeat)
    if importlib.util.find_spec("atheris") is None:
        parser.error("needs atheris: pip install '.[fuzz]'")
    if given.inside:
        inside(given.name, given.inside)
    corpus = (given.corpus or Path(tempfile.mkdtemp(prefix="parsers-"))).resolve()
    names = list(TARGETS) if given.name == "all" else [given.name]
    wrong = [told for name in names if (told := fuzz(name, given.seconds, given.seed, corpus))]
    print(*wrong, sep="\n\n", end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
