"""What all tests share: one thread for every library, and the folder of real data where there is one."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and models beside a developer's checkout."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared here: real clips and models lie beside a developer's checkout only")
    return SHARED


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the pages of the documentation name, made small."""
    from page_inputs import write_inputs

    folder = tmp_path_factory.mktemp("workplace")
    write_inputs(folder)
    return folder


# Files whose tests fork this process, which no other test may share: `python -m pytest -m forks tests/test_faults.py`.
FORKING = ("test_fuzz.py", "test_faults.py", "test_determinism.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what forks."""
    for item in items:
        if item.path.name in FORKING:
            item.add_marker("forks")
