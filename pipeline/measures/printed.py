"""What `measure` prints: everyone's angles and walks as tables, from the numbers of measures.json."""

from __future__ import annotations

from typing import Any

from pipeline.tables import Table

NO_WALK = "no walking found: it takes four contacts, left and right in turn"


def angle_table(people: dict[str, Any]) -> Table:
    """Return a row a person and angle.

    Args:
        people: by number, of `pipeline.measures.summary`.
    """
    rows = [
        (number, name, *_percentiles(spread))
        for number, told in people.items()
        for name, spread in told["angles_deg"].items()
    ]
    below = "degrees, over the frames in which each was seen; estimates from one camera"
    return Table(("person", "angle", "5 %", "median", "95 %"), rows, left=2, below=below)


def walk_table(people: dict[str, Any]) -> Table | None:
    """Return a row a walk; None where nobody walks."""
    rows = [
        (number, f"{walk['first_s']:.1f}", f"{walk['last_s']:.1f}", str(walk["steps"]),
         f"{walk['cadence_steps_per_min']:.0f}", _sides(walk["step_time_s"]), _sides(walk["step_length_m"]))
        for number, told in people.items()
        for walk in told["walks"]
    ]  # fmt: skip
    head = ("person", "from s", "to s", "steps", "steps/min", "step s (left, right)", "step m (left, right)")
    return Table(head, rows) if rows else None


def _percentiles(spread: dict[str, float] | None) -> tuple[str, ...]:
    return ("-",) * 3 if spread is None else tuple(str(round(spread[key])) for key in ("p5", "median", "p95"))


def _sides(values: dict[str, float | None]) -> str:
    return ", ".join("-" if values[side] is None else f"{values[side]:.2f}" for side in ("left", "right"))
