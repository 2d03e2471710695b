"""How high feet that truly stand are above the floor of an export.

    python tests/benchmarks/bench_floor.py --mocap FOLDER [--split test] [--every 48]

Held-out motion capture filmed by fixed studio cameras, noisy 2D, as `bench_path.py` films it. A row is a clip, and a
way to find the floor:

    export      pipeline.export.standing
    path        the path of pose3d.npz as it is, the floor where the clip's standing feet are in the median
    film        the lowest joint on the floor, as in the rendered film

Columns, centimetres: the error of the height of ankles that truly stand, median and 95 %; and how far the pelvis' own
way up and down is off, root mean square, its mean taken out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from bench_path import PLANTED_HEIGHT, PLANTED_SPEED, Doubles, Shot, filmed

from lifter import joints
from pipeline.export.motion import gather
from pipeline.export.skeleton import ANKLE
from pipeline.ground import ANKLES
from pipeline.height import standing_height
from pipeline.room import floor_height
from pipeline.upright import rotation_to_room

WAYS = ("export", "path", "film")
BOTH = [*ANKLES, joints.ROOT]


def heights(shot: Shot, stands: np.ndarray) -> dict[str, Doubles]:
    """Return (T, 3) of both ankles above where they should stand, and of the pelvis, metres, for every way."""
    pose = shot.pose
    made = gather(pose, "room").positions[0]
    body = pose.positions[0].astype(float) @ rotation_to_room(pose.up).T
    path = (body + (pose.root[0] @ rotation_to_room(pose.up).T)[:, None])[:, BOTH, 2]
    rate = 1 / float(np.median(np.diff(pose.timestamps)))
    film = body[..., 2] + floor_height(body, pose.valid[0], rate)[:, None]
    return {
        "export": made[:, BOTH, 2] - ANKLE * standing_height(made),
        "path": path - np.median(path[:, :2][stands]),
        "film": film[:, BOTH],
    }


def measure(shot: Shot) -> dict[str, list[float]]:
    """Return median, 95 % and the pelvis' deviation, centimetres, for every way; nothing where nobody stands."""
    true = shot.truth[:, BOTH] @ shot.up
    speed = np.linalg.norm(np.gradient(shot.truth[:, ANKLES], shot.pose.timestamps, axis=0), axis=-1)
    stands = (speed < PLANTED_SPEED) & (true[:, :2] < np.percentile(true[:, :2], 2) + PLANTED_HEIGHT)
    if not stands.any():
        return {}
    true -= np.median(true[:, :2][stands])
    rows = {}
    for way, made in heights(shot, stands).items():
        off = np.abs(made - true)[:, :2][stands]
        pelvis = float(np.std(made[:, 2] - true[:, 2]))
        rows[way] = [100 * float(value) for value in (np.median(off), np.percentile(off, 95), pelvis)]
    return rows


def main() -> int:
    """Print a row a clip, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="a folder of packed motion capture")
    parser.add_argument("--split", default="test")
    parser.add_argument("--every", type=int, default=48, help="take every n-th recording")
    given = parser.parse_args()
    print(f"{'clip':<12}{'frames':>7}" + "".join(f"{way:>8} median   95 %  pelvis" for way in WAYS))
    everything = []
    for group, shot in filmed(given.mocap, given.split, given.every, "noisy"):
        rows = measure(shot)
        if rows:
            everything.append([rows[way] for way in WAYS])
            show(group, len(shot.truth), everything[-1])
    if everything:
        show("mean", len(everything), np.mean(everything, axis=0).tolist())
    return 0


def show(name: str, count: int, rows: list[list[float]]) -> None:
    """Print a line."""
    cells = "".join(f"{median:15.1f}{most:7.1f}{pelvis:8.1f}" for median, most, pelvis in rows)
    print(f"{name:<12}{count:>7}{cells}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
