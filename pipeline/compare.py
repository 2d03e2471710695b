"""The verb `compare`: several detectors on one film, side by side in one film, and what each found in a table.

Every detector has a run of its own in `<stem>_compare/<name>/`, kept and redone as any other; the film is made of them,
anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import store
from pipeline.errors import PipelineError
from pipeline.folder import RunFolder
from pipeline.progress import Console
from pipeline.settings import RunSettings, read_config, resolve
from pipeline.tables import Table

_SCREEN = 16 / 9  # detectors are set beside or below each other to come near to its shape
_MOST = 9
_TEXT, _PLATE = (236, 240, 246), (14, 17, 24)


@dataclass(frozen=True)
class Contender:
    """A detector with its settings.

    Attributes:
        name: what it is called in the film and in the table.
        settings: of its run.
    """

    name: str
    settings: RunSettings


def compare(video: Path, words: str, given: dict[str, Any], console: Console) -> Path:
    """Run every detector on a film, print the table, and write the film; return where it is.

    Args:
        video: the film.
        words: names of detectors or settings files (.toml), with commas between.
        given: flat settings that all have in common; a file's own win.
        console: lines.

    Raises:
        PipelineError, DetectorError, LifterError: told in one line.
    """
    from pipeline.run import run

    common = resolve(given)
    folder = common.output / f"{video.stem}_compare"
    contenders = read_contenders(words, given, folder)
    runs = []
    for contender in contenders:
        console.say(f"{contender.name}:")
        runs.append(run(video, contender.settings, console))
    console.show(table([contender.name for contender in contenders], runs))
    film = RunFolder(folder, video.stem, common.encoder.format).film
    film = film.with_name(film.name.replace("_3d", "_compare"))
    for line in _write(video, film, contenders, runs, common, console):
        console.warn(line)
    console.say(f"wrote  {film}")
    return film


def read_contenders(words: str, given: dict[str, Any], folder: Path) -> list[Contender]:
    """Return who is compared, each with a folder in `folder`.

    Raises:
        PipelineError: fewer than two, one twice, wrong settings, or not the same part of the film.
    """
    found = []
    for word in [word.strip() for word in words.split(",") if word.strip()]:
        own = read_config(Path(word)) if word.endswith(".toml") else {"detector": word}
        name = Path(word).stem if word.endswith(".toml") else word
        found.append(Contender(name, replace(resolve({**given, **own}), output=folder / name, render=False)))
    if not 2 <= len({contender.name for contender in found}) == len(found) <= _MOST:
        raise PipelineError(f"--detectors {words}: 2 to {_MOST} different names or settings files wanted")
    if len({contender.settings.cut for contender in found}) > 1:
        raise PipelineError(f"--detectors {words}: all must take the same part of the film")
    return found


def table(names: Sequence[str], runs: Sequence[RunFolder]) -> Table:
    """Return what each found: people, share of frames with anybody, mean score, jitter in space, frames a second."""
    from lifter.metrics import jerk

    rows = []
    for name, folder in zip(names, runs, strict=True):
        pose = store.load_pose3d(folder.pose3d)
        stage = folder.read_record().get("stages", {}).get("detect", {})
        rate = float(stage.get("frames", 0)) / max(float(stage.get("seconds", 0)), 1e-9)
        anybody = 100 * float(pose.valid.any(axis=0).mean()) if len(pose.valid) else 0.0
        score = float(pose.scores[pose.valid].mean()) if pose.valid.any() else 0.0
        jitter = [jerk(one, seen) for one, seen in zip(pose.positions, pose.valid, strict=True)]
        known = [value for value in jitter if np.isfinite(value)]
        shown = f"{np.mean(known):.1f}" if known else "-"
        rows.append((name, str(len(pose.positions)), f"{anybody:.0f}", f"{score:.2f}", shown, f"{rate:.1f}"))
    return Table(("detector", "people", "seen %", "score", "mm/f^3", "frames/s"), rows)


def grid(count: int, tile: tuple[int, int]) -> tuple[int, int]:
    """Return columns and rows for tiles of (W, H), so that all together are most like a screen."""

    def unlike(columns: int) -> float:
        return abs(float(np.log(columns * tile[0] / (-(-count // columns) * tile[1]) / _SCREEN)))

    columns = min(range(1, count + 1), key=unlike)
    return columns, -(-count // columns)


def _write(
    video: Path, path: Path, contenders: Sequence[Contender], runs: Sequence[RunFolder], common: RunSettings,
    console: Console,
) -> list[str]:  # fmt: skip
    """Paint everyone's picture and room into one film; return what the user should know."""
    from pipeline.flow import ahead
    from pipeline.stages import painter_of
    from pipeline.video import VideoReader, probe
    from pipeline.video.formats import film_writer
    from render.frames import lay_out
    from render.lettering import Lettering
    from render.surface import Surface

    (cut, begins_s), poses = store.read_cut(runs[0].pose3d), [store.load_pose3d(folder.pose3d) for folder in runs]
    clip = probe(video).cut_to(cut)
    rows = grid(len(runs), lay_out(clip.size, clip.size[1]).canvas)[1]
    look = replace(common.look, max_height=max(16, common.look.max_height // rows))
    painters = [
        painter_of(clip, pose, replace(contender.settings, look=look), film=False)
        for contender, pose in zip(contenders, poses, strict=True)
    ]
    width, height = painters[0].size
    columns = grid(len(runs), (width, height))[0]
    letters = Lettering(max(6.5, 0.025 * height))
    plates = [letters.plate(contender.name, _TEXT, _PLATE) for contender in contenders]
    canvas: NDArray[np.uint8] = np.zeros((-(-len(runs) // columns) * height, columns * width, 3), np.uint8)
    reader, times, edge = VideoReader(clip), poses[0].timestamps, round(1.5 * letters.height)
    size = (canvas.shape[1], canvas.shape[0])
    writer = film_writer(
        common.encoder.format, path, size, times, clip, begins_s, *common.encoder.used(), common.encoder.codec
    )
    with console.stage("compare", len(times)) as tick, writer, ahead(reader) as frames:
        for index, (_, frame) in enumerate(frames):
            for place, (painter, plate) in enumerate(zip(painters, plates, strict=True)):
                top, left = place // columns * height, place % columns * width
                tile = canvas[top : top + height, left : left + width]
                tile[:] = painter.paint(frame, index)
                plate.put(Surface(tile), edge, edge)
            writer.write(canvas)
            tick()
    return writer.warnings
