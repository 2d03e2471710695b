"""A recording for the rerun viewer: everyone's joints and bones over the film's time."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lifter import joints
from pipeline.export.axes import Axes
from pipeline.export.motion import Motion

_THICK = 0.02  # metres


def to_rrd(motion: Motion, axes: Axes, title: str) -> bytes:
    """Return the recording; frames in which a person is not seen are empty."""
    import rerun as rr

    with TemporaryDirectory() as folder:
        path = Path(folder) / "motion.rrd"
        with rr.RecordingStream("motion-lift", recording_id=title) as recording:
            recording.save(path)
            up = {"z": rr.ViewCoordinates.RIGHT_HAND_Z_UP, "y": rr.ViewCoordinates.RIGHT_HAND_Y_UP}
            recording.log("world", up.get(axes.up, rr.ViewCoordinates.RDF), static=True)
            recording.log("world/space", rr.TextDocument(str(axes.told())), static=True)
            for row in range(len(motion.people)):
                _send(recording, motion.only(row), row, axes)
            recording.flush()
            recording.disconnect()
        return path.read_bytes()


def _send(recording: Any, motion: Motion, row: int, axes: Axes) -> None:
    """Add one person's points, which the annotation joins to bones."""
    import rerun as rr

    from render.colors import person_colors

    entity, count = f"world/person_{motion.people[0]}", len(joints.NAMES)
    colors = person_colors(row).base
    known = [
        rr.AnnotationInfo(id=index, label=name, color=colors[side])
        for index, (name, side) in enumerate(zip(joints.NAMES, joints.SIDES, strict=True))
    ]
    kind = rr.ClassDescription(
        info=rr.AnnotationInfo(id=0, label=entity, color=colors["center"]),
        keypoint_annotations=known,
        keypoint_connections=list(joints.LIMBS),
    )
    recording.log(entity, rr.AnnotationContext([kind]), static=True)
    seen = motion.valid[0]
    thick = float(axes.points(np.array([_THICK, 0, 0]))[0])
    columns = rr.Points3D.columns(
        positions=axes.points(motion.positions[0, seen]).reshape(-1, 3),
        keypoint_ids=np.tile(np.arange(count), int(seen.sum())),
        class_ids=np.zeros(int(seen.sum()) * count, int),
        radii=np.full(int(seen.sum()) * count, thick),
    )
    times = [
        rr.TimeColumn("time", duration=motion.seconds),
        rr.TimeColumn("frame", sequence=np.arange(len(seen))),
    ]
    rr.send_columns(entity, times, columns.partition(np.where(seen, count, 0)), recording=recording)
