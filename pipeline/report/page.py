"""The page: what is told of everyone in tables and figures, one HTML file that asks for nothing else."""

from __future__ import annotations

import base64
import html
from typing import Any

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.25; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8884; }
td:nth-child(1) { width: 10rem; }
td:nth-child(2) { width: 15rem; font-variant-numeric: tabular-nums; }
td:nth-child(3) { opacity: .75; }
.figure { overflow-x: auto; margin: 1rem 0; }
img { max-width: 100%; background: #fff; border-radius: 4px; }
@media (max-width: 46rem) {
  tr { display: grid; grid-template-columns: 9rem 1fr; border-bottom: 1px solid #8884; padding: .25rem 0; }
  td { border: 0; padding: 0; }
  td:nth-child(1), td:nth-child(2) { width: auto; }
  td:nth-child(3) { grid-column: 1 / -1; font-size: .9em; }
  img { max-width: none; width: 46rem; }
}
.note { opacity: .8; max-width: 50rem; }
"""


def write_page(told: dict[str, Any], figures: dict[int, list[tuple[str, bytes]]]) -> str:
    """Return the page.

    Args:
        told: of `pipeline.report.numbers`.
        figures: by person's number: what a figure shows, and its PNG.
    """
    title = html.escape(str(told["film"]))
    parts = [
        f"<h1>{title}: how far to trust its poses</h1>",
        f'<p class="note">{html.escape(told["note"])}</p>',
        _spans(told["low_trust"]),
        "<h2>Film and camera</h2>",
        _table(_camera(told)),
    ]
    for person in told["people"]:
        parts += [f"<h2>Person {person['person']}</h2>", _table(_person(person))]
        parts += [_image(words, png) for words, png in figures.get(person["person"], [])]
    if not told["people"]:
        parts.append("<p>Nobody was found in this film.</p>")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _spans(spans: list[dict[str, Any]]) -> str:
    if not spans:
        return "<p>No span of low trust: nothing was hidden, unsure or swapped back for long.</p>"
    lines = "".join(f"<li>{html.escape(span['words'].removeprefix('low trust '))}</li>" for span in spans)
    return f"<h2>Low trust</h2><ul>{lines}</ul>"


def _camera(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    camera = told["camera"]
    evidence = camera["tilt_evidence"]
    if evidence is None:
        why = "as given"
    elif evidence <= 0:
        why = "nobody stands: a level camera is taken for granted"
    else:
        why = f"estimated from how people stand; evidence {100 * evidence:.0f} %, the rest is belief in a level camera"
    pitch, roll = camera["pitch_down_deg"], camera["roll_clockwise_deg"]
    tilt = f"{abs(pitch):.1f}° {'up' if pitch < 0 else 'down'}, {abs(roll):.1f}° {'counter' * (roll < 0)}clockwise"
    return [("length", f"{_frames(told['frames'])}, {told['seconds']:.1f} s", ""), ("tilt of the camera", tilt, why)]


def _person(person: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of what is told of one person."""
    fit, share, skate = (
        person["reprojection_px"], person["reprojection_share_of_height"], person["foot_skate_m_per_s"],
    )  # fmt: skip
    bones = person["bone_deviation"]
    worst = max(bones, key=lambda name: bones[name] or 0.0) if bones else ""
    walks = "; ".join(
        f"{w['steps']} steps, {w['first_s']:.1f}-{w['last_s']:.1f} s, {w['cadence_steps_per_min']:.0f} a minute"
        for w in person["walks"]
    )
    return [
        ("coverage", _percent(person["coverage"]), f"of the film in track: {_frames(person['frames_in_track'])}"),
        ("confidence", _plain(person["confidence"], 2), "mean score of head, arms and legs; 0 unseen, 1 sure"),
        ("filled in", _percent(person["key_points_filled_in"]), "of key points: unseen or leaping, taken from others"),
        ("left/right repairs", _frames(person["frames_swapped_back"]), "in which the sides were swapped back"),
        ("fit to the picture", f"{_percent(share['median'])} (95 %: {_percent(share['p95'])})",
         f"of the person's height: projected joints off the key points, median joint; {_plain(fit['median'], 1)} px"),
        ("bones", "held" if person["bones_held"] else f"{_percent(bones[worst])} at most",
         "at one length by the run; how steady they were lifted shows after run --no-hold-bones"
         if person["bones_held"] else f"deviation of a length: {worst}"),
        ("jitter", f"{_plain(person['jitter_mm'], 1)} mm", "noise of a joint from frame to frame; of the key points "
         f"{_plain(person['key_point_jitter_px'], 1)} px"),
        ("foot skate", f"{_plain(skate['median'], 2)} m/s (95 %: {_plain(skate['p95'], 2)})",
         "along the floor, of feet that look as if they stood"),
        ("distance", f"± {_plain(person['distance_sigma_m'], 1)} m", "one standard deviation, median over the film"),
        ("walking", walks or "none found", "monocular estimate; `measure` tells more" if walks else ""),
    ]  # fmt: skip


def _table(rows: list[tuple[str, str, str]]) -> str:
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{lines}</table>"


def _image(words: str, png: bytes) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<div class="figure"><img alt="{html.escape(words)}" src="data:image/png;base64,{data}"></div>'


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _plain(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
