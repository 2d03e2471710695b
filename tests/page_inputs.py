"""The files that the commands and the code of the pages name, made small, and how a command is made short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
from pages import GUIDE, ROOT, blocks
from test_run import make_film
from toy_models import constant_model, heatmap_model
from walkers import write_walkers

from detectors.joints import H36M_17
from detectors.registry import ENTRY_POINTS
from lifter.datasets.h36m.tiny import write_tiny_h36m
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.mpi_inf_3dhp.tiny import write_tiny_mpi_inf_3dhp
from lifter.detector_noise.settings import SHIPPED

# A network and a schedule for seconds; the command's other words stay as they are.
SHORT = [
    "--epochs", "1", "--cfg-options", "model.network.widths=2,2,2,2,2", "train_dataloader.batch_size=2",
    "train_dataloader.sampler.draws=4",
]  # fmt: skip


def write_inputs(folder: Path) -> None:
    """Make the files the commands name."""
    make_film(folder / "film.mp4", frames=8, size=(64, 48))
    heatmap_model(folder / "pose.onnx")
    boxes = np.zeros((1, 3549, 85), np.float32)
    constant_model(folder / "boxes.onnx", boxes, size=416)
    people = [
        {"keypoints": [[20 + i, 10 + i] for i in range(17)], "keypoint_scores": [0.9] * 17, "bbox": [[5, 5, 60, 40]]}
    ]
    frames = [{"frame_id": i, "instances": people} for i in range(8)]
    (folder / "keypoints.json").write_text(json.dumps(frames))
    (folder / "predictions").mkdir()
    (folder / "predictions" / "film.json").write_text(json.dumps(frames))
    (folder / "pictures").mkdir()
    for i in range(8):
        (folder / "pictures" / f"film_{i:06d}.json").write_text(json.dumps(people))
    bodies = np.random.default_rng(0).normal(size=(8, 17, 3))
    np.savez(folder / "true.npz", positions=bodies, joints=H36M_17, fps=25)
    (folder / "onnx.toml").write_text('[detector]\nname = "onnx"\npose_model = "pose.onnx"\nbox_model = "boxes.onnx"\n')
    calibration = {
        "fx": 60,
        "fy": 60,
        "cx": 31.5,
        "cy": 23.5,
        "distortion": [-0.2, 0.05, 0, 0],
        "width": 64,
        "height": 48,
    }
    (folder / "camera.yaml").write_text(json.dumps(calibration))  # which is YAML too
    write_tiny_mocap(folder / "mocap", "npz")
    write_tiny_h36m(folder / "h36m")
    write_tiny_mpi_inf_3dhp(folder / "tiny_3dhp")
    (folder / "3dhp").symlink_to(folder / "tiny_3dhp" / "npz")
    write_walkers(folder / "work_dirs" / "data" / "filmed", count=1, frames=8)
    (folder / "films").mkdir()
    (folder / "films.txt").write_text("film.mp4\n")
    make_film(folder / "films" / "walk_0.mp4", frames=8, size=(64, 64), fps=50)
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "tests").symlink_to(ROOT / "tests")
    measured = folder / "work_dirs" / "measured" / "noise.toml"  # until `lifter measure`, which is slow, writes its own
    measured.parent.mkdir()
    measured.write_bytes(SHIPPED.read_bytes())
    write_stranger(folder)


def write_stranger(folder: Path) -> None:
    """Install the detector of the guide's page as pip would, for whoever works in this folder."""
    page = GUIDE / "add_a_detector.md"
    package = tomllib.loads(blocks(page, "toml")[0].text)["project"]
    module = next(iter(package["entry-points"][ENTRY_POINTS].values())).split(":")[0]
    (folder / f"{module}.py").write_text(blocks(page, "python")[0].text)
    about = folder / f"{package['name'].replace('-', '_')}-{package['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package['name']}\nVersion: {package['version']}\n")
    points = "".join(f"{name} = {value}\n" for name, value in package["entry-points"][ENTRY_POINTS].items())
    (about / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{points}")


def run(arguments: list[str], folder: Path) -> str:
    """Run Python with our packages in a folder, and return what it prints; that is told where it fails, too."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
    return done.stdout


def make_run(folder: Path) -> None:
    """Run the film once, for what reads a run."""
    if not (folder / "runs" / "film" / "pose3d.npz").exists():
        run(["-m", "pipeline", "run", "film.mp4", "--detector", "scripted", "--no-render"], folder)


def shortened(arguments: list[str]) -> list[str]:
    """A laboratory's command with less of everything."""
    verb = arguments[2]
    if arguments[1] == "pipeline.drawn":
        return [*arguments, "--count", "1", "--seconds", "0.5", "--fps", "10"]
    if verb == "noise":
        return [*arguments, "--max-sequences", "2", "--step", "48"]
    if verb not in ("train", "compare", "tables", "mixtures", "refine"):
        return arguments
    if verb == "refine":
        return [*arguments, "--epochs", "1"]
    own = arguments[arguments.index("--cfg-options") + 1 :] if "--cfg-options" in arguments else []
    kept = arguments[: arguments.index("--cfg-options")] if own else arguments
    grid = [] if verb == "train" else ["--seeds", "1", "--step", "96", "--every", "4"]
    return [*kept, *grid, *SHORT, *own]
