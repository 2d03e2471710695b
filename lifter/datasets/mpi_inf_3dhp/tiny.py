"""A tiny MPI-INF-3DHP in both its forms: one known body that walks before known cameras, to try the readers on."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from lifter.datasets.mpi_inf_3dhp.layout import ACTIVITIES, CAMERAS, JOINTS_28, RELEVANT, SEQUENCES

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

# Joint: (parent, place beside it in millimetres) of a body that faces +y, x to its right, z up. No two bones
# are of one length, left and right differ too, so that no exchange of joints stays unseen.
BODY: dict[str, tuple[str, tuple[float, float, float]]] = {
    "pelvis": ("", (0, 0, 0)),
    "right_hip": ("pelvis", (100, 0, -40)), "right_knee": ("right_hip", (0, 0, -410)),
    "right_ankle": ("right_knee", (0, 0, -400)), "right_foot": ("right_ankle", (0, 90, -60)),
    "right_toe": ("right_foot", (0, 70, 0)),
    "left_hip": ("pelvis", (-112, 0, -40)), "left_knee": ("left_hip", (0, 0, -425)),
    "left_ankle": ("left_knee", (0, 0, -390)), "left_foot": ("left_ankle", (0, 95, -60)),
    "left_toe": ("left_foot", (0, 75, 0)),
    "spine": ("pelvis", (0, 10, 210)), "spine2": ("spine", (0, 0, 80)), "spine3": ("spine2", (0, 0, 70)),
    "spine4": ("spine3", (0, 0, 60)), "neck": ("spine4", (0, -10, 50)), "head": ("neck", (0, 30, 105)),
    "head_top": ("head", (0, 0, 145)),
    "right_clavicle": ("neck", (40, 0, -10)), "right_shoulder": ("right_clavicle", (130, 0, -20)),
    "right_elbow": ("right_shoulder", (0, 0, -280)), "right_wrist": ("right_elbow", (0, 0, -240)),
    "right_hand": ("right_wrist", (0, 0, -90)),
    "left_clavicle": ("neck", (-45, 0, -10)), "left_shoulder": ("left_clavicle", (-140, 0, -20)),
    "left_elbow": ("left_shoulder", (0, 0, -295)), "left_wrist": ("left_elbow", (0, 0, -255)),
    "left_hand": ("left_wrist", (0, 0, -85)),
}  # fmt: skip
UNIVERSAL = 0.92  # this body's scale in `univ_annot3`, about the pelvis
# What swings, in radians, about the axis across the body, and in which phase of a step.
SWINGS = {"right_hip": (0.5, 0.0), "left_hip": (0.5, np.pi), "right_knee": (0.4, 1.0), "left_knee": (0.4, 1.0 + np.pi),
          "right_shoulder": (0.6, np.pi), "left_shoulder": (0.6, 0.0), "right_elbow": (0.5, 0.5),
          "left_elbow": (0.5, 2.0), "spine": (0.2, 0.3)}  # fmt: skip
TRAINED = (("S1", "Seq1"), ("S1", "Seq2"), ("S8", "Seq1"))
TESTED = ("TS1", "TS3", "TS5")
GARBAGE = 9e5  # positions of frames that are not valid, where they are numbers at all


def write_tiny_mpi_inf_3dhp(folder: Path, frames: int = 120, seed: int = 0) -> tuple[Path, Path]:
    """Write three training and three test sequences as `folder/original` (.mat) and as `folder/npz`.

    The same numbers stand in both. Every tenth test frame is valid; the 3D of the others is garbage.

    Returns:
        The folders of the original and of the common form.

    Raises:
        ImportError: h5py, which writes the test files, is not installed.
    """
    original, common = folder / "original", folder / "npz"
    random = np.random.default_rng(seed)
    training: dict[str, list[Any]] = {}
    for subject, sequence in TRAINED:
        world = walk(frames, random)
        views = [view(world, camera) for camera in range(14)]
        _write_annot(original / subject / sequence / "annot.mat", views)
        fps = int(SEQUENCES[subject, sequence][1])
        training[f"{subject} {sequence}"] = [{str(camera): _relevant(views[camera]) for camera in CAMERAS}, fps]
    tests: dict[str, dict[str, Any]] = {}
    for subject in TESTED:
        flat, deep, scaled = view(walk(frames, random), 20 + int(subject[2:]))
        valid = np.arange(frames) % 10 == 3
        for positions in (deep, scaled):
            positions[~valid] = GARBAGE
            positions[7] = np.nan
        flat, deep, scaled = (points[:, list(RELEVANT)] for points in (flat, deep, scaled))
        _write_annot_data(original / "mpi_inf_3dhp_test_set" / subject / "annot_data.mat", flat, deep, scaled, valid)
        tests[subject] = {"data_2d": flat, "data_3d": scaled, "valid": valid.astype(np.uint8)}
    common.mkdir(parents=True, exist_ok=True)
    for name, content in (("train", training), ("test", tests)):
        held = np.empty((), object)
        held[()] = content
        np.savez(common / f"data_{name}_3dhp.npz", data=held)
    return original, common


def walk(frames: int, random: np.random.Generator) -> Doubles:
    """Walk the body about a circle: (T, 28, 3) millimetres in a room with z up, in the order of `JOINTS_28`."""
    phase = np.arange(frames) * random.uniform(0.2, 0.3)
    heading = np.arange(frames) / frames * np.pi + random.uniform(0, 6)
    across = {name: size * np.sin(phase + shift) for name, (size, shift) in SWINGS.items()}
    places: dict[str, Doubles] = {}
    turns: dict[str, Doubles] = {}
    for name, (parent, offset) in BODY.items():
        own = _turn(across.get(name, np.zeros(frames)), 0)
        if parent:
            places[name] = places[parent] + turns[parent] @ np.array(offset, float)
            turns[name] = turns[parent] @ own
        else:
            circle = [600 * np.cos(heading), 600 * np.sin(heading), 950 + 20 * np.sin(2 * phase)]
            places[name] = np.stack(circle, axis=-1)
            turns[name] = _turn(heading, 2) @ own
    return np.stack([places[name] for name in JOINTS_28], axis=1)


def intrinsics(camera: int) -> Doubles:
    """(4,) f_x, f_y, c_x, c_y of a camera, pixels; every camera has its own."""
    middle = np.array([960.0, 540.0]) if camera >= 25 else np.array([1024.0, 1024.0])
    return np.array([1500 + 7 * camera, 1495 + 7 * camera, *(middle + camera)])


def view(world: Doubles, camera: int) -> tuple[Floats, Floats, Floats]:
    """See (T, 28, 3) by a camera 4 m away: its `annot2` (pixels), `annot3` and `univ_annot3` (millimetres)."""
    angle = camera * 0.45
    place = np.array([4000 * np.cos(angle), 4000 * np.sin(angle), 1200 + 40 * (camera % 5)])
    ahead = np.array([0, 0, 900]) - place
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])  # x right, y down, z away
    deep = (world - place) @ axes.T
    focal, centre = np.split(intrinsics(camera), 2)
    flat = deep[..., :2] / deep[..., 2:] * focal + centre
    pelvis = deep[:, [JOINTS_28.index("pelvis")]]
    scaled = pelvis + UNIVERSAL * (deep - pelvis)
    return flat.astype(np.float32), deep.astype(np.float32), scaled.astype(np.float32)


def _turn(angles: Doubles, axis: int) -> Doubles:
    """(T, 3, 3) turns about an axis."""
    cosine, sine = np.cos(angles), np.sin(angles)
    first, second = ((axis + 1) % 3, (axis + 2) % 3)
    turns = np.tile(np.eye(3), (len(angles), 1, 1))
    turns[:, first, first] = turns[:, second, second] = cosine
    turns[:, second, first], turns[:, first, second] = sine, -sine
    return turns


def _relevant(seen: tuple[Floats, Floats, Floats]) -> dict[str, Floats]:
    return {"data_2d": seen[0][:, list(RELEVANT)], "data_3d": seen[2][:, list(RELEVANT)]}


def _write_annot(path: Path, views: list[tuple[Floats, Floats, Floats]]) -> None:
    """Write the cells of all cameras, the rows of a frame in one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {"cameras": np.arange(len(views), dtype=np.uint8)[None]}
    for at, name in enumerate(("annot2", "annot3", "univ_annot3")):
        cells = np.empty((len(views), 1), object)
        for camera, seen in enumerate(views):
            cells[camera, 0] = seen[at].reshape(len(seen[at]), -1)
        content[name] = cells
    content["frames"] = np.arange(len(views[0][0]), dtype=np.int32)[:, None]
    scipy.io.savemat(str(path), content, do_compression=True)


def _write_annot_data(path: Path, flat: Floats, deep: Floats, scaled: Floats, valid: NDArray[np.bool_]) -> None:
    """Write MATLAB 7.3: HDF5 behind a block of 512 bytes, axes reversed."""
    h5py = importlib.import_module("h5py")
    path.parent.mkdir(parents=True, exist_ok=True)
    activity = 1 + np.arange(len(valid)) * len(ACTIVITIES) // len(valid)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, points in (("annot2", flat), ("annot3", deep), ("univ_annot3", scaled)):
            file[name] = points[:, None]
        file["valid_frame"] = valid.astype(np.uint8)[:, None]
        file["activity_annotation"] = activity.astype(np.float64)[:, None]
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
