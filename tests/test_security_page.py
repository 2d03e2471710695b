"""Every claim of the security page points at a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / ".github" / "SECURITY.md").read_text(encoding="utf-8")


def test_every_claim_names_tests_that_are_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| claim")]
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row)
        assert named, f"nothing keeps: {row}"
        for file, test in named:
            tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"


def test_every_file_named_is_there() -> None:
    for name in re.findall(r"`((?:\.ci|detectors|tests)/[\w./]+|pyproject\.toml)`", PAGE):
        assert (TESTS.parent / name).exists(), name
