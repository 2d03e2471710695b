"""The audit of dependencies: fails for what is known, and says so where nobody can be asked."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / ".ci"))
from audit import audit

ROOT = Path(__file__).parents[1]

SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
HOLE = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3"]}
BROKEN = {"name": "av", "version": "1", "vulns": [HOLE]}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


def answers(**services: list[dict] | str):
    def ask(service: str) -> str:
        said = services.get(service, "")
        return said if isinstance(said, str) else json.dumps({"dependencies": said})

    return ask


def test_a_known_hole_fails_and_an_accepted_one_does_not() -> None:
    code, lines = audit(answers(pypi=[SOUND, BROKEN, SKIPPED]), [])
    assert code == 1 and lines[0] == "VULNERABLE: av 1: PYSEC-1, mended in 3"
    assert lines[-1] == "2 packages asked about at pypi, 1 unknown there"
    code, lines = audit(answers(pypi=[SOUND, BROKEN]), ["CVE-1"])
    assert code == 0 and lines[0].startswith("accepted: av")


def test_nothing_found_is_said() -> None:
    assert audit(answers(pypi=[SOUND]), []) == (0, ["1 packages asked about at pypi, 0 unknown there"])


def test_the_second_database_is_asked_where_the_first_knows_nothing() -> None:
    assert audit(answers(pypi=[SKIPPED], osv=[BROKEN]), [])[0] == 1
    assert audit(answers(pypi="no route to host", osv=[BROKEN]), [])[0] == 1


def test_out_of_reach_is_said() -> None:
    for silent in (answers(), answers(pypi=[SKIPPED], osv=[SKIPPED]), answers(pypi="{}", osv="[]")):
        code, lines = audit(silent, [])
        assert code == 0 and lines[-1].startswith("NOT AUDITED: no database of vulnerabilities could be reached")


def test_ci_runs_the_checks_that_the_security_page_names() -> None:
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "-q -c pyproject.toml -r pipeline detectors lifter render configs .ci" in steps
    assert ".ci/audit.py" in steps
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(settings["tool"]["bandit"]["skips"]) == {"B101", "B311", "B403", "B404"}
