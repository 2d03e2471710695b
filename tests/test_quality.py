"""The tools that judge the tests: what they count, and where they say no."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "quality"))
import covered
import mutation

ROOT = Path(__file__).parents[1]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
# Who sleeps to keep a pace, and not to wait for something.
PACED = {
    "tests/servers.py": "a camera's pace", "tests/test_live.py": "a detector that is slow",
    "tests/test_train_command.py": "kills at random moments", "tests/test_offline.py": "whoever would report later",
    "tests/benchmarks/bench_memory.py": "looks at a process now and then",
}  # fmt: skip


def test_mutants_that_are_not_killed_count_and_are_named() -> None:
    lived = "lifter.windows.x_pad__mutmut_3: survived\n    lifter.windows.x_pad__mutmut_4: timeout\n"
    share, lines = mutation.told(
        f"    lifter.losses.x_a__mutmut_1: killed\n    {lived}" + "    a.b.x_c__mutmut_1: killed\n"
    )
    assert share == 50
    assert lines[:2] == ["survived: lifter.windows.x_pad__mutmut_3", "timeout: lifter.windows.x_pad__mutmut_4"]
    assert [line.split()[0] for line in lines[2:]] == ["100.0", "100.0", "0.0", "50.0"]
    assert mutation.told(f"    {lived}    a.b.x_c__mutmut_11: killed\n", "157")[0] == 100  # a sample
    assert mutation.told("")[0] == 0  # nothing was run: nothing is shown


def test_what_is_mutated_and_its_tests_are_there() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    for words in settings["only_mutate"], settings["pytest_add_cli_args_test_selection"]:
        assert all(list(ROOT.glob(word)) for word in words)


def counts(run: int, lines: int, branched: int, branches: int) -> dict[str, dict[str, int]]:
    return {
        "summary": {
            "covered_lines": run, "num_statements": lines, "missing_lines": lines - run,
            "covered_branches": branched, "num_branches": branches, "missing_branches": branches - branched,
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "enough"),
    [((90, 100, 17, 20), (1, 1, 0, 0), False), ((90, 100, 17, 20), (10, 10, 2, 2), True),
     ((89, 100, 20, 20), (5, 5, 5, 5), False), ((100, 100, 16, 20), (5, 5, 5, 5), False)],
)  # fmt: skip
def test_every_package_has_to_reach_both_bars(first: tuple[int, ...], second: tuple[int, ...], enough: bool) -> None:
    files = {"render/a.py": counts(*first), "pipeline/a/b.py": counts(*second)}
    got, lines = covered.told(files, worst=1)
    assert got is enough
    assert lines[0].endswith("not run in render/a.py") and [line.split()[0] for line in lines[1:]] == [
        "pipeline",
        "render",
    ]


def test_nothing_measured_is_not_enough() -> None:
    assert covered.told({}, 5) == (False, [])


def sleeps(tree: ast.AST, waiting: bool = False) -> list[int]:
    """Return the lines of calls of `time.sleep` that stand in no `while`."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep" and not waiting:
            found.append(node.lineno)
        found += sleeps(node, waiting or isinstance(node, ast.While))
    return found


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_tests_wait_for_something_and_do_not_sleep(file: Path) -> None:
    """A sleep is the step of a loop that waits for a condition; else the machine is too slow for it one day."""
    name = file.relative_to(ROOT).as_posix()
    found = sleeps(ast.parse(file.read_text(encoding="utf-8")))
    assert not found or name in PACED, f"{name}: {found}"
