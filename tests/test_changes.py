"""The files that code hosts and readers of changes expect, in their usual form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_changelog_is_kept_as_usual() -> None:
    """Keep a Changelog: what is not released yet first, dated releases after it, changes by kind."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.startswith("# Changelog\n")
    releases = re.findall(r"^## (.*)$", text, flags=re.M)
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release) for release in releases[1:])
    kinds = re.findall(r"^### (.*)$", text, flags=re.M)
    assert kinds and set(kinds) <= KINDS
    for release in re.split(r"^## ", text, flags=re.M)[1:]:
        said = re.findall(r"^### (.*)$", release, flags=re.M)
        assert len(said) == len(set(said))


@pytest.mark.parametrize("form", [form for form in FORMS if form.name != "config.yml"], ids=lambda form: form.stem)
def test_issue_forms_have_what_a_form_needs(form: Path) -> None:
    said = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert said["name"] and said["description"]
    fields = [field for field in said["body"] if field["type"] != "markdown"]
    assert fields and all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
