"""One finding of `doctor`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

OK, LOW, NONE, BROKEN = "ok", "low", "none", "FAIL"  # all is well; may not do; not there, and not needed; `run` fails


@dataclass(frozen=True)
class Check:
    """What was looked at, and how it is.

    Attributes:
        name: what was looked at.
        state: "ok"; "low", may not do for everything; "none", absent and not needed by `run`; "FAIL", it is needed.
        found: what there is, in a line.
        remedy: what to do, in a line; "" where all is well.
    """

    name: str
    state: str
    found: str
    remedy: str = ""

    def line(self) -> str:
        """Return it as `doctor` prints it where nobody looks at colours."""
        told = "; ".join(part for part in (self.found, self.remedy) if part)
        return f"{self.state:>4}  {self.name}" + (f": {told}" if told else "")


Look = Callable[[], Check | list[Check]]
