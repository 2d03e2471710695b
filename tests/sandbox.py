"""A process that may not speak to the network: the kernel kills it, and whatever it starts, at the first attempt."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Number of the architecture and of the call `socket` in it.
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_INET, _INET6 = 2, 10


def forbid_network() -> None:
    """Let the kernel kill this process, and those it starts, when it asks for an internet socket; for good.

    Raises:
        OSError: the kernel knows no such filters, or we are on another system.
    """
    if sys.platform != "linux" or platform.machine() not in _SOCKET:
        raise OSError("filters of system calls are written here for Linux on x86-64 and ARM")
    machine, call = _SOCKET[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 4), (_EQUAL, 0, 5, machine), (_LOAD, 0, 0, 0), (_EQUAL, 0, 3, call),
        (_LOAD, 0, 0, 16), (_EQUAL, 2, 0, _INET), (_EQUAL, 1, 0, _INET6),
        (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _KILL),
    ]  # fmt: skip
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)))
    system = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, filter_calls, by_program = 38, 22, 2
    if system.prctl(no_new_privileges, 1, 0, 0, 0) or system.prctl(filter_calls, by_program, head, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


def run_without_network(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in `folder` in such a process; skip the test where there can be none."""
    whole = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport sandbox\n"
    whole += f"try: sandbox.forbid_network()\nexcept OSError as e: print(e); sys.exit(77)\n{code}"
    return _run([sys.executable, "-c", whole], folder)


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    return done


def killed(done: subprocess.CompletedProcess[str]) -> bool:
    """Tell whether the kernel ended it for a forbidden call."""
    return done.returncode == -signal.SIGSYS
