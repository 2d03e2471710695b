"""TRC, the marker file of OpenSim and Motion Analysis: text between tabs, a line a frame."""

from __future__ import annotations

from lifter import joints
from pipeline.export.axes import Axes
from pipeline.export.motion import Motion


def to_trc(motion: Motion, axes: Axes, title: str) -> bytes:
    """Return the file of one person; frames in which they are not seen have empty cells.

    Args:
        motion: one person at an even frame rate.
        axes: of the file.
        title: its name.
    """
    frames, count = len(motion.seconds), len(joints.NAMES)
    rate = f"{motion.fps:g}"
    names = "".join(f"{name}\t\t\t" for name in joints.NAMES)
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{title}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{frames}\t{count}\t{axes.units}\t{rate}\t1\t{frames}",
        f"Frame#\tTime\t{names}".rstrip("\t"),
        "\t\t" + "\t".join(f"{axis}{number}" for number in range(1, count + 1) for axis in "XYZ"),
        "",
    ]
    places = axes.points(motion.positions[0]).reshape(frames, -1)
    for frame, (seen, row) in enumerate(zip(motion.valid[0].tolist(), places.tolist(), strict=True)):
        cells = [f"{number:.6f}" for number in row] if seen else [""] * len(row)
        lines.append("\t".join([str(frame + 1), f"{frame / motion.fps:.6f}", *cells]))
    return ("\n".join(lines) + "\n").encode("utf-8")
