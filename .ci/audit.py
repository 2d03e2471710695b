"""Asks the database of known vulnerabilities about every installed package; where it cannot be asked, `holes.toml`.

python .ci/audit.py

Exit code 1 where a package has a known vulnerability that `ACCEPTED` does not name; 0 where none has one. Where the
database is out of reach, the last line says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

HOLES = Path(__file__).with_name("holes.toml")
SERVICES = ("pypi", "osv")
# Identifier of a vulnerability -> why it does not concern us; one that is no longer reported is to be taken out.
ACCEPTED: dict[str, str] = {}
_LONGEST_S = 300
Ask = Callable[[str], str]


def ask(service: str) -> str:
    """Return what pip-audit finds in this environment, JSON; empty where it gives nothing."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(
            [*command, "-s", service], capture_output=True, text=True, check=False, timeout=_LONGEST_S
        )  # nosec B603
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def audit(ask: Ask, accepted: Sequence[str], installed: Mapping[str, str]) -> tuple[int, list[str]]:
    """Return the exit code and what to print.

    Args:
        ask: gives a service's answer, as pip-audit's JSON.
        accepted: identifiers that are no reason to fail.
        installed: versions by canonical name, for where no service answers.
    """
    for service in SERVICES:
        answers = _dependencies(ask(service))
        audited = [found for found in answers if "vulns" in found]
        if not audited:  # nothing is known of any package: a mirror, or nobody there
            continue
        lines, failed = [], False
        for found in audited:
            for vulnerability in found["vulns"]:
                known = {vulnerability["id"], *vulnerability.get("aliases", ())} & set(accepted)
                failed |= not known
                fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
                state = "accepted" if known else "VULNERABLE"
                lines.append(f"{state}: {found['name']} {found['version']}: {vulnerability['id']}, mended in {fixed}")
        unknown = [found["name"] for found in answers if "vulns" not in found]
        lines.append(f"{len(audited)} packages asked about at {service}, {len(unknown)} unknown there")
        return int(failed), lines
    return audit_offline(accepted, installed)


def audit_offline(accepted: Sequence[str], installed: Mapping[str, str]) -> tuple[int, list[str]]:
    """Return the exit code and what to print of what `holes.toml` knows about installed packages."""
    holes, lines, failed = read_holes(), [], False
    for hole in holes:
        version = installed.get(hole["package"])
        if version is not None and SpecifierSet(hole["affected"]).contains(version, prereleases=True):
            failed |= hole["id"] not in accepted
            state = "accepted" if hole["id"] in accepted else "VULNERABLE"
            lines.append(f"{state}: {hole['package']} {version}: {hole['id']}, affected {hole['affected']}")
    about = len({hole["package"] for hole in holes} & {*installed})
    lines.append(
        f"NOT ASKED: no database could be reached ({', '.join(SERVICES)}); {about} of {len(installed)} packages held "
        f"against the {len(holes)} vulnerabilities of {HOLES.name}"
    )
    return int(failed), lines


def read_holes() -> list[dict[str, str]]:
    """Return the known vulnerabilities: package (canonical name), affected (PEP 440), id."""
    return list(tomllib.loads(HOLES.read_text(encoding="utf-8"))["hole"])


def _dependencies(answer: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(answer)["dependencies"])
    except (ValueError, LookupError, TypeError):
        return []


if __name__ == "__main__":
    versions = {canonicalize_name(found.name): found.version for found in distributions()}
    code, lines = audit(ask, list(ACCEPTED), versions)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(code)
