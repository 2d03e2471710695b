"""The conductor: a film's stages in the order of the data. READ THIS FIRST.

    video -> detect -> pose2d.npz -> lift -> pose3d.npz -> render -> <stem>_3d.mp4

A stage says what its result is made from, and makes it; `pipeline.work` decides whether it must.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import store
from pipeline.folder import RunFolder, remove
from pipeline.height import read_heights
from pipeline.lens import check_lens
from pipeline.progress import Console
from pipeline.settings import STAGES, RunSettings
from pipeline.shards import shards_of
from pipeline.smooth import OFF, read_smooth
from pipeline.work import Result, Stage, Work

FOREVER_S = 1e9  # JSON has no infinity


def run(video: Path, settings: RunSettings, console: Console, verb: str = "run", start: str | None = None) -> RunFolder:
    """Take one film through the stages that `verb` names; what is there and made from the same is kept.

    Args:
        video: the film.
        settings: see `RunSettings`.
        console: bars and lines.
        verb: run, or one stage (detect, lift, render) on what the stage before it left.
        start: with run: make this stage and those after it again, whatever is there.

    Returns:
        The folder with everything made.

    Raises:
        PipelineError, DetectorError, LifterError: told in one line.
    """
    stages = (DETECT, LIFT, RENDER)
    first = 0 if verb == "run" else STAGES.index(verb)
    last = STAGES.index("render" if settings.render else "lift") if verb == "run" else first
    anew = STAGES.index(start) if start else len(stages)
    if last > 0:
        _check_lifting(settings)
    if settings.reference is not None:
        from pipeline.reference import read_reference

        read_reference(settings.reference)  # what is wrong with it is told before minutes of work
    work = Work.begin(video, settings, console)
    check_lens(settings.camera, work.clip.size)
    if first > 0:
        work.require(stages[first - 1])
    with work.folder.at_work():
        if anew == 0:
            remove(shards_of(work.folder.pose2d))
        for index in range(first, last + 1):
            work.do(stages[index], again=index >= anew)
            remove(shards_of(work.folder.pose2d))  # of no use, once there are 2D poses
    work.finish()
    if work.settings.reference is not None and last > 0:
        from pipeline.reference import against

        console.show(against(work.folder, work.settings.reference))
    if verb == "run" and work.made:
        _warn_of_low_trust(work)
    return work.folder


def _warn_of_low_trust(work: Work) -> None:
    """Say in a line where the poses should not be relied on."""
    from pipeline.report.words import warning

    if line := warning(store.load_pose3d(work.folder.pose3d), work.folder.path):
        work.console.warn(f"{work.clip.path.name}: {line}")


def _check_lifting(settings: RunSettings) -> None:
    """Refuse what lifting would refuse before minutes of detecting are spent.

    Raises:
        LifterError: no such weights, or no such device.
        PipelineError: no such adapter.
    """
    from lifter import shipped
    from pipeline.learned import shares

    shipped.find(settings.lifter)
    shares.find(settings.adapter)
    if settings.device == "cuda":
        from lifter.lifter import pick_device

        pick_device(settings.device)


def _detect_from(work: Work) -> dict[str, Any]:
    from detectors import registry

    cut = work.settings.cut
    return {
        "video": work.video,
        **({} if cut.whole else {"cut": [cut.start_s, min(cut.end_s, FOREVER_S), cut.every]}),
        "detector": work.settings.detector,
        "options": store.options_made_from(work.settings.options),
        "beside": registry.companions(work.settings.options),
        "backend": registry.identity(work.settings.detector),
    }


def _detect(work: Work, mark: str) -> Result:
    from pipeline.shards import Shards
    from pipeline.stages import detect

    shards = Shards(work.folder.pose2d, mark)
    pose, begins_s, warnings = detect(work.clip, work.settings, work.console, shards)
    store.save_pose(work.folder.pose2d, pose, **work.about(mark, begins_s), detector=work.settings.detector)
    return Result(len(pose.timestamps), len(pose.keypoints), warnings)


def _lift_from(work: Work) -> dict[str, Any]:
    from lifter import shipped
    from pipeline.learned import shares

    return {
        "pose2d": store.read_about(work.folder.pose2d, "fingerprint"),
        "adapter": shares.find(work.settings.adapter),
        "lifter": shipped.find(work.settings.lifter),
        "person": work.settings.person,
        "lift_mode": work.settings.lift_mode,
        "hold_bones": work.settings.hold_bones,
        **({} if work.settings.smooth == OFF else {"smooth": read_smooth(work.settings.smooth)}),
        "height": read_heights(work.settings.height),
        "tilt": work.settings.camera.tilt,
        "lens": work.settings.camera.lens,
    }


def _lift(work: Work, mark: str) -> Result:
    from pipeline.stages import lift

    pose, unsmoothed, repairs = lift(store.load_pose2d(work.folder.pose2d), work.clip.size, work.settings, work.console)
    begins_s = store.read_cut(work.folder.pose2d)[1]
    about = work.about(mark, begins_s) | ({} if unsmoothed is None else {"positions_unsmoothed": unsmoothed})
    store.save_pose(work.folder.pose3d, pose, **about)
    return Result(len(pose.timestamps), len(pose.positions), [], repairs)


def _render_from(work: Work) -> dict[str, Any]:
    encoder = asdict(work.settings.encoder)
    if encoder["format"] == "mp4":  # as before there were others
        del encoder["format"]
    return {
        "pose3d": store.read_about(work.folder.pose3d, "fingerprint"),
        "look": asdict(work.settings.look),
        "encoder": encoder,
        "lens": work.settings.camera.lens,
        "path": work.settings.path,
    }


def _render(work: Work, _mark: str) -> Result:
    from pipeline.stages import render

    pose, begins_s = store.load_pose3d(work.folder.pose3d), store.read_cut(work.folder.pose3d)[1]
    warnings = render(work.clip, pose, begins_s, work.folder.film, work.settings, work.console)
    return Result(len(pose.timestamps), len(pose.positions), warnings)


DETECT = Stage("detect", 1, lambda folder: folder.pose2d, _detect_from, _detect)
LIFT = Stage("lift", 3, lambda folder: folder.pose3d, _lift_from, _lift)
RENDER = Stage("render", 5, lambda folder: folder.film, _render_from, _render)
