"""A browser for tests of the viewer, wherever there is one; `make browser` fetches one from npm."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
# No sandbox: containers have none. 3D by software: machines that test have no graphics.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--ignore-gpu-blocklist", "--autoplay-policy=no-user-gesture-required"]  # fmt: skip


def find_browser() -> str | None:
    """Return a Chromium: `MOTION_LIFT_BROWSER`, one that `make browser` fetched, one on the path, or None."""
    named = os.environ.get("MOTION_LIFT_BROWSER")
    if named:
        return named
    fetched = ROOT / ".browser" / "chromium"
    if fetched.is_file():
        return str(fetched)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """Start it without a network, or skip the test and say why."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = find_browser()
    if program is None:
        pytest.skip("no browser: `make browser` fetches one from npm, MOTION_LIFT_BROWSER names one")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()
