"""Asks the database of known vulnerabilities about every installed package; says so where it cannot be asked.

python .ci/audit.py

Exit code 1 where a package has a known vulnerability that `ACCEPTED` does not name; 0 where none has one, and where the
database is out of reach, which is then the last line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

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


def audit(ask: Ask, accepted: Sequence[str]) -> tuple[int, list[str]]:
    """Return the exit code and what to print.

    Args:
        ask: gives a service's answer, as pip-audit's JSON.
        accepted: identifiers that are no reason to fail.
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
    return 0, [f"NOT AUDITED: no database of vulnerabilities could be reached ({', '.join(SERVICES)})"]


def _dependencies(answer: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(answer)["dependencies"])
    except (ValueError, LookupError, TypeError):
        return []


if __name__ == "__main__":
    code, lines = audit(ask, list(ACCEPTED))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(code)
