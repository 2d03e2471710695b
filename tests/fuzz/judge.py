"""What a parser may do with an input: take it, or refuse it in one line; and nothing beside."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# What no reader does: each with the place in its arguments where a path stands, or none.
_TOUCHES = {"os.remove": 0, "os.rename": 1, "os.mkdir": 0, "os.rmdir": 0, "os.chmod": 0, "os.symlink": 1, "os.link": 1}
_NEVER = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "pickle.find_class")


class Wrong(Exception):
    """A parser did what it must not do."""


class Watch:
    """Notes what this thread touches outside a folder while a parser is at work; hooks of Python's stay for good."""

    def __init__(self) -> None:
        self.place: Path | None = None
        self._thread = threading.get_ident()
        self.seen: list[str] = []
        sys.addaudithook(self._see)

    def _see(self, event: str, given: tuple[Any, ...]) -> None:
        if self.place is None or threading.get_ident() != self._thread:
            return
        writes = event == "open" and (given[2] or 0) & 0b11  # O_WRONLY, O_RDWR
        path = given[0] if writes else given[_TOUCHES[event]] if event in _TOUCHES else None
        if event in _NEVER or (isinstance(path, str | bytes | Path) and self._elsewhere(path)):
            self.seen.append(f"{event} {given[:2]!r:.200}")

    def _elsewhere(self, path: str | bytes | Path) -> bool:
        text = path.decode(errors="replace") if isinstance(path, bytes) else str(path)
        return not text.startswith(str(self.place)) and text != "/dev/null" and "__pycache__" not in text


def tried(name: str, data: bytes, place: Path, watch: Watch) -> bool:
    """Give a parser an input, in an existing folder of its own; tell whether it took it, and did not refuse it.

    Raises:
        Wrong: it did neither, or something beside.
    """
    from parser_table import TARGETS

    from detectors.base import DetectorError
    from lifter.errors import LifterError
    from pipeline.errors import PipelineError

    target = TARGETS[name]
    path = place / target.name
    path.write_bytes(data)
    watch.place, watch.seen = place, []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made = target.read(path)
    except (PipelineError, DetectorError, LifterError) as error:
        line = " ".join(str(error).split())  # as `pipeline.guard` and `pipeline.embed` tell it
        # Who reads a folder names it, or the file in it.
        named = any(word in line for word in ("input", target.name, str(place)))
        if not line or (target.named and not named):
            raise Wrong(f"a line that does not name the file: {line[:300]!r}") from error
        return False
    except Exception as error:
        raise Wrong(f"{type(error).__name__}: {error!s:.300}") from error
    finally:
        watch.place = None
        if watch.seen:
            raise Wrong(f"touched: {watch.seen[:3]}")
    if not finite(made):
        raise Wrong("a result with numbers that are not finite")
    return True


def warm_up(name: str, seeds: list[bytes], place: Path) -> None:
    """Read the seeds, unwatched: what is imported with a parser makes folders of its own."""
    from parser_table import TARGETS

    target = TARGETS[name]
    for seed in seeds:
        (place / target.name).write_bytes(seed)
        target.read(place / target.name)


def finite(value: Any) -> bool:
    """Whether every number in a result is finite, however deep it lies."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
    if isinstance(value, float):
        return bool(np.isfinite(value))
    if isinstance(value, Mapping):
        return all(map(finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(finite, value))
    return all(map(finite, vars(value).values())) if hasattr(value, "__dataclass_fields__") else True
