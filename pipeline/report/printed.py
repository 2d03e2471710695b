"""What `report` prints of the numbers: a row a person."""

from __future__ import annotations

from typing import Any

from pipeline.tables import Table

_HEAD = ("person", "seen %", "confidence", "filled in %", "swapped back", "off the picture %", "jitter mm", "skate m/s")


def people_table(told: dict[str, Any]) -> Table | None:
    """Return everyone's main numbers, of `pipeline.report.numbers`; None where nobody was found."""
    rows = [
        (
            str(person["person"]),
            _told(person["coverage"], 0, 100),
            _told(person["confidence"], 2),
            _told(person["key_points_filled_in"], 1, 100),
            str(person["frames_swapped_back"]),
            _told(person["reprojection_share_of_height"]["median"], 1, 100),
            _told(person["jitter_mm"], 1),
            _told(person["foot_skate_m_per_s"]["median"], 2),
        )
        for person in told["people"]
    ]
    return Table(_HEAD, rows) if rows else None


def _told(value: float | None, digits: int, times: float = 1.0) -> str:
    return "-" if value is None else f"{times * value:.{digits}f}"
