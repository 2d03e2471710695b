"""`run`, `lift` and `load`: what the command line does, with typed results and one type of error."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from numpy.typing import ArrayLike

from pipeline.embed.consoles import Progress, console_for
from pipeline.embed.options import File, LiftOptions, RunOptions
from pipeline.embed.result import Result
from pipeline.errors import PipelineError, one_kind
from pipeline.settings import FORMATS, STAGES, RunSettings, read_config, resolve


def run(video: File, *, progress: Progress = True, **options: Unpack[RunOptions]) -> Result:
    """Take a film through all stages, as `python -m pipeline run` does; what is there and made from the same is kept.

    Args:
        video: the film.
        progress: a bar in a terminal or a notebook; False: none; or a function that is called with the stage's name,
            the frames done and their number (None where nobody knows).
        options: the flags of the command line with _ for -, as `detector="hrnet"`, `start=12.5`, `render=False`
            (`pipeline.settings`, `pipeline.embed.options`).

    Raises:
        PipelineError: whatever went wrong, in one line.
    """
    from pipeline.run import run as run_film

    with one_kind():
        given = _plain(options)
        redo, config = given.pop("redo", None), given.pop("config", None)
        if redo is not None and redo not in STAGES:
            raise PipelineError(f"redo: one of {', '.join(STAGES)} wanted, got {redo!r}")
        settings = resolve({**(read_config(_file("config", config)) if config else {}), **given})
        folder = run_film(_file("video", video), settings, console_for(progress), start=redo)
    return load(folder.path)


def load(folder: File) -> Result:
    """Read the folder of a finished run.

    Args:
        folder: such as runs/film.

    Raises:
        PipelineError: it is none, or its files are damaged.
    """
    from pipeline import store
    from pipeline.folder import RunFolder
    from pipeline.report.words import warning
    from pipeline.view.kept import open_run

    with one_kind():
        kept = open_run(_file("folder", folder))
        record, path = kept.folder.read_record(), kept.folder.path
        rendered = _at(record, "settings", "render")
        form = _at(rendered, "encoder", "format")
        film = RunFolder(path, Path(kept.name).stem, form if form in FORMATS else "mp4").film
        # A film of other poses, as after `lift`, is not this result's.
        current = _at(rendered, "pose3d") == store.read_about(kept.folder.pose3d, "fingerprint") and film.exists()
        said = _at(record, "warnings")
        lines = [line for line in said if isinstance(line, str)] if isinstance(said, list) else []
        trust = warning(kept.pose, path)
        return Result(
            **vars(kept.pose), size=kept.size, fps=kept.fps, begins_s=kept.begins_s, folder=path,
            film=film if current else None, warnings=(*lines, *([trust] if trust else [])),
        )  # fmt: skip


def lift(
    keypoints: ArrayLike,
    scores: ArrayLike | None,
    joints: str | Sequence[str],
    size: tuple[int, int],
    fps: float = 25.0,
    *,
    valid: ArrayLike | None = None,
    timestamps: ArrayLike | None = None,
    progress: Progress = False,
    **options: Unpack[LiftOptions],
) -> Result:
    """Lift key points that are at hand; no film, no files.

    They are adapted, repaired, lifted and followed as a film's are; nobody is tracked: a row is one person throughout.

    Args:
        keypoints: (P, T, J, 2) or, for one person, (T, J, 2) pixels, x right and y down; what is not finite is unseen.
        scores: (P, T, J) or (T, J), cut to 0..1, 0 means unseen; None: all are seen.
        joints: a vocabulary's name, as "coco17" (`detectors.joints.VOCABULARIES`), or J names.
        size: (W, H) pixels of the pictures.
        fps: frames per second.
        valid: (P, T) or (T,): who is there; None: whoever has a joint that is seen.
        timestamps: (T,) seconds from 0 for frames that are not evenly spaced.
        progress: as for `run`.
        options: those of lifting, as `lift_mode="sequence"`, `height=1.82` (`pipeline.embed.options.LiftOptions`).

    Returns:
        The poses of everybody; `folder` and `film` are None.

    Raises:
        PipelineError: arrays that do not fit each other, an unknown option, or whatever went wrong, in one line.
    """
    from pipeline import stages
    from pipeline.embed.arrays import size_of, to_pose
    from pipeline.report.words import warning

    with one_kind():
        settings = _of_lifting(_plain(options))
        pose, picture = to_pose(keypoints, scores, joints, fps, valid, timestamps), size_of(size)
        lifted, _, _ = stages.lift(pose, picture, settings, console_for(progress))
        trust = warning(lifted)
        return Result(
            **vars(lifted), size=picture, fps=float(fps), begins_s=0.0, folder=None, film=None,
            warnings=(trust,) if trust else (),
        )  # fmt: skip


def _of_lifting(given: dict[str, Any]) -> RunSettings:
    """Return settings of lifting alone.

    Raises:
        PipelineError: one that lifting does not know.
    """
    known = LiftOptions.__annotations__
    for name in given:
        if name not in known:
            raise PipelineError(f"setting {name!r}: not one of lifting; known are {', '.join(known)}")
    return resolve(given)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the settings take them, which know paths as text."""
    return {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in options.items()}


def _file(name: str, value: File) -> Path:
    if "\0" in str(value) or not str(value):
        raise PipelineError(f"{name}: empty, or holds a character that no name can hold")
    return Path(value)


def _at(record: Any, *names: str) -> Any:
    """Return what lies at names within names of a file that anybody may have written; None where it does not."""
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record
