"""A known motion for tiny motion-capture sets: `places` says by sines and cosines alone where every joint is.

The root moves and turns; legs and arms swing by hinges, the trunk leans.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FPS = 50.0
PEOPLE = ("anna", "bela", "cleo", "dora")  # dora tests, cleo validates
# Metres; the trunk from the hips' middle to the shoulders' middle.
HIP, THIGH, SHIN, TRUNK, NECK, HEAD, SHOULDER, UPPER_ARM, FOREARM = 0.09, 0.42, 0.41, 0.5, 0.16, 0.15, 0.17, 0.28, 0.25


def motion(frames: int, number: int, seed: int = 0) -> dict[str, Doubles]:
    """The angles (T,), radians, and the root's path (T, 3), metres and z up, of recording `number`.

    `yaw` turns about the vertical, `lean` brings the trunk forward; `thigh`, `shin`, `arm` and `forearm` of the
    `left_` and `right_` side are measured from hanging straight down, forward positive.
    """
    random = np.random.default_rng([seed, number])
    stride, arc = random.uniform(0.3, 0.5), random.uniform(-1, 1)
    seconds = np.arange(frames) / FPS
    phase = 2 * np.pi * seconds * random.uniform(0.8, 1.2) + random.uniform(0, 2 * np.pi)
    made = {
        "yaw": random.uniform(-np.pi, np.pi) + arc * np.sin(seconds),
        "lean": 0.1 + 0.1 * np.sin(0.7 * phase),
        "path": np.stack([0.5 * np.sin(seconds), 0.3 * seconds, 0.9 + 0.02 * np.cos(2 * phase)], axis=1),
    }
    for side, shift in (("left", 0.0), ("right", np.pi)):
        made[f"{side}_thigh"] = stride * np.sin(phase + shift)
        made[f"{side}_shin"] = made[f"{side}_thigh"] - 0.4 * (1 + np.cos(phase + shift))
        made[f"{side}_arm"] = -0.8 * made[f"{side}_thigh"]
        made[f"{side}_forearm"] = made[f"{side}_arm"] + 0.5
    return made


def places(moved: dict[str, Doubles]) -> Floats:
    """Where the joints are: (T, 17, 3) metres, z up, by plain geometry."""
    yaw, root = moved["yaw"], moved["path"]
    zero = np.zeros_like(yaw)
    left = np.stack([np.cos(yaw), np.sin(yaw), zero], axis=1)
    ahead = np.stack([np.sin(yaw), -np.cos(yaw), zero], axis=1)
    up = np.array([0.0, 0.0, 1.0])

    def swung(angle: Doubles) -> Doubles:
        return np.asarray(np.sin(angle)[:, None] * ahead - np.cos(angle)[:, None] * up)

    trunk = np.sin(moved["lean"])[:, None] * ahead + np.cos(moved["lean"])[:, None] * up
    made = np.zeros((len(yaw), 17, 3))
    made[:, 0] = root
    for side, sign, hip, shoulder in (("left", 1, 4, 11), ("right", -1, 1, 14)):
        made[:, hip] = root + sign * HIP * left
        made[:, hip + 1] = made[:, hip] + THIGH * swung(moved[f"{side}_thigh"])
        made[:, hip + 2] = made[:, hip + 1] + SHIN * swung(moved[f"{side}_shin"])
        made[:, shoulder] = root + TRUNK * trunk + sign * SHOULDER * left
        made[:, shoulder + 1] = made[:, shoulder] + UPPER_ARM * swung(moved[f"{side}_arm"])
        made[:, shoulder + 2] = made[:, shoulder + 1] + FOREARM * swung(moved[f"{side}_forearm"])
    made[:, 8] = root + (TRUNK + NECK / 4) * trunk
    made[:, 7] = (made[:, 0] + made[:, 8]) / 2
    made[:, 9] = root + (TRUNK + NECK) * trunk
    made[:, 10] = root + (TRUNK + NECK + HEAD) * trunk
    return made.astype(np.float32)


def recordings(form: str) -> list[tuple[str, str, int]]:
    """What the forms of own files hold: (person, name, number of its `motion`)."""
    per_person = 2
    return [
        (person, f"walk_{take + 1}" if form == "bvh" else f"{person}_walk_{take + 1}", who * per_person + take)
        for who, person in enumerate(PEOPLE)
        for take in range(per_person)
    ]


def path_y_up(moved: dict[str, Doubles]) -> Doubles:
    x, y, z = moved["path"].T
    return np.stack([x, z, -y], axis=1)


def hinges_of(moved: dict[str, Doubles]) -> dict[str, Doubles]:
    """Turns about each joint's own x axis that points left, y up: forward is a negative turn of what hangs."""
    hinges = {"lean": moved["lean"]}
    for side in ("left", "right"):
        hinges[f"{side}_thigh"] = -moved[f"{side}_thigh"]
        hinges[f"{side}_shin"] = moved[f"{side}_thigh"] - moved[f"{side}_shin"]
        hinges[f"{side}_arm"] = -moved[f"{side}_arm"] - moved["lean"]
        hinges[f"{side}_forearm"] = moved[f"{side}_arm"] - moved[f"{side}_forearm"]
    return hinges


def write_text(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
