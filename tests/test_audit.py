"""The audit of dependencies: fails for what is known, and says so where nobody can be asked."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

sys.path.insert(0, str(Path(__file__).parents[1] / ".ci"))
from audit import audit, read_holes

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
    code, lines = audit(answers(pypi=[SOUND, BROKEN, SKIPPED]), [], {})
    assert code == 1 and lines[0] == "VULNERABLE: av 1: PYSEC-1, mended in 3"
    assert lines[-1] == "2 packages asked about at pypi, 1 unknown there"
    code, lines = audit(answers(pypi=[SOUND, BROKEN]), ["CVE-1"], {})
    assert code == 0 and lines[0].startswith("accepted: av")


def test_nothing_found_is_said() -> None:
    assert audit(answers(pypi=[SOUND]), [], {}) == (0, ["1 packages asked about at pypi, 0 unknown there"])


def test_the_second_database_is_asked_where_the_first_knows_nothing() -> None:
    assert audit(answers(pypi=[SKIPPED], osv=[BROKEN]), [], {})[0] == 1
    assert audit(answers(pypi="no route to host", osv=[BROKEN]), [], {})[0] == 1


def test_where_nobody_can_be_asked_the_list_is() -> None:
    silent = (answers(), answers(pypi=[SKIPPED], osv=[SKIPPED]), answers(pypi="{}", osv="[]"))
    for nobody in silent:
        code, lines = audit(nobody, [], {"torch": "2.13.0+cpu", "numpy": "2.4.6"})
        assert code == 0 and lines[0].startswith("NOT ASKED: no database could be reached (pypi, osv); 1 of 2 packages")
    code, lines = audit(silent[0], [], {"torch": "2.9.1+cpu"})
    assert code == 1 and lines[0] == "VULNERABLE: torch 2.9.1+cpu: CVE-2026-24747, affected <2.10.0"
    code, lines = audit(silent[0], ["CVE-2026-24747"], {"torch": "2.9.1+cpu"})
    assert code == 0 and lines[0].startswith("accepted: torch")


def test_no_range_that_we_ask_for_admits_a_known_hole() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*settings["build-system"]["requires"], *settings["project"]["dependencies"]]
    asked += [one for extra in settings["project"]["optional-dependencies"].values() for one in extra]
    for requirement in map(Requirement, asked):
        for hole in read_holes():
            if hole["package"] != canonicalize_name(requirement.name):
                continue
            mended = max(Version(part.version) for part in SpecifierSet(hole["affected"]) if part.operator == "<")
            lowest = [Version(part.version) for part in requirement.specifier if part.operator in (">=", "==", "~=")]
            assert lowest and max(lowest) >= mended, f"{requirement} admits {hole['id']}: ask for {mended} or later"


def test_every_known_hole_is_of_a_canonical_name_and_has_a_mended_version() -> None:
    holes = read_holes()
    assert len({(hole["package"], hole["id"]) for hole in holes}) == len(holes)
    for hole in holes:
        assert set(hole) == {"package", "affected", "id"} and hole["package"] == canonicalize_name(hole["package"])
        assert any(part.operator == "<" for part in SpecifierSet(hole["affected"]))


def test_ci_runs_the_checks_that_the_security_page_names() -> None:
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "-q -c pyproject.toml -r pipeline detectors lifter render configs .ci" in steps
    assert ".ci/audit.py" in steps
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(settings["tool"]["bandit"]["skips"]) == {"B101", "B311", "B403", "B404"}
