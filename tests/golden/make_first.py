"""Makes `first/`: files as the first release of their format wrote them, made by hand, never by today's writers.

They are kept for good: later releases read them, or refuse them by name (`tests/test_formats_kept.py`).

python tests/golden/make_first.py
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from lifter import joints
from lifter.networks import build

FOLDER = Path(__file__).with_name("first")
SHA256 = "0" * 64
# What stood beside every pose: no number of the format, no cut.
ABOUT = {"fingerprint": "f" * 64, "video": SHA256, "size": [160, 120], "fps": [25, 1], "detector": "scripted"}
FRAMES, NAMES = 3, np.array(joints.NAMES)
WIDTHS = (2, 2, 2, 2, 2)


def pose2d() -> dict[str, NDArray[np.generic]]:
    """Return what pose2d.npz held: one person, three frames."""
    random = np.random.default_rng(0)
    return {
        "keypoints": random.uniform(20, 100, (1, FRAMES, 17, 2)).astype(np.float32),
        "scores": np.full((1, FRAMES, 17), 0.5, np.float32),
        "boxes": np.tile(np.float32([20, 20, 100, 100]), (1, FRAMES, 1)),
        "valid": np.array([[True, True, False]]),
        "timestamps": np.arange(FRAMES) / 25,
        "joints": NAMES,
    }


def pose3d() -> dict[str, NDArray[np.generic]]:
    """Return what pose3d.npz held, before everyone had a path (`root`, `root_sigma`)."""
    flat = pose2d()
    positions = np.random.default_rng(1).normal(0, 0.3, (1, FRAMES, 17, 3)).astype(np.float32)
    return {
        "positions": positions - positions[:, :, :1],
        **{name: flat[name] for name in ("valid", "timestamps", "joints", "keypoints", "scores")},
        "people": np.array([1], np.int64),
        "repairs": np.zeros((1, FRAMES, 17), np.uint8),
        "up": np.float32([0, -1, 0]),
    }


def paths() -> dict[str, NDArray[np.generic]]:
    """Return what was added to pose3d.npz under the same number."""
    return {"root": np.full((1, FRAMES, 3), 4, np.float32), "root_sigma": np.full((1, FRAMES, 3), 0.1, np.float32)}


def record() -> dict[str, object]:
    """Return what run.json said."""
    stage = {"fingerprint": "f" * 64, "sha256": SHA256, "seconds": 0.1, "frames": FRAMES, "people": 1, "warnings": []}
    return {
        "format": 1,
        "video": {"name": "film.mp4", "sha256": SHA256, "size": [160, 120], "fps": "25"},
        "settings": {"detect": {"detector": "scripted"}, "lift": {"lifter": "ugcn"}},
        "stages": {"detect": stage, "lift": stage},
        "warnings": [],
        "versions": {"python": "3.11.0"},
    }


def write_weights(path: Path) -> None:
    """Write weights: the format stood beside `about`, which named no type of network and no pairs."""
    torch.manual_seed(0)
    network = build("ugcn", {"widths": list(WIDTHS)})
    model = {name: value for name, value in asdict(network.settings).items() if name != "pairs"}
    recipe = {"normalisation": "person", "rate_hz": 50.0, "window": 96}
    about = {"model": model, "recipe": recipe, "joints": joints.NAMES, "note": {}}
    save_file(network.state_dict(), path, metadata={"format": "motion-lift/ugcn/1", "about": json.dumps(about)})


SETTINGS = """person = "largest"
output = "results"
[detector]
name = "onnx"
pose_model = "pose.onnx"
box_every = 3
[lifter]
name = "ugcn"
[render]
view = "front"
max_height = 720
crf = 18
"""


def main() -> None:
    """Write everything."""
    FOLDER.mkdir(exist_ok=True)
    about = {name: np.asarray(value) for name, value in ABOUT.items()}
    np.savez_compressed(FOLDER / "pose2d.npz", **pose2d(), **about)
    np.savez_compressed(FOLDER / "pose3d.npz", **pose3d(), **paths(), **about)
    np.savez_compressed(FOLDER / "pose3d_without_paths.npz", **pose3d(), **about)
    (FOLDER / "run.json").write_text(json.dumps(record(), indent=2) + "\n")
    (FOLDER / "settings.toml").write_text(SETTINGS)
    write_weights(FOLDER / "lifter.safetensors")


if __name__ == "__main__":
    main()
