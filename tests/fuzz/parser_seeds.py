"""Small archives and weights of every kind that our parsers read, made by our own writers where there are some."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from mutate import packed, unpacked

GOLDEN = Path(__file__).parents[1] / "golden" / "first"
sys.path.insert(0, str(GOLDEN.parents[1]))  # where `moving_sets` lies
NAMES = ("pelvis", "left_hip", "right_hip", "left_knee", "neck")


def _npz(**arrays: Any) -> bytes:
    into = io.BytesIO()
    np.savez(into, **arrays)
    return into.getvalue()


def _object(value: object) -> Any:
    held = np.empty((), object)
    held[()] = value
    return held


def _flat(file: Path) -> bytes:
    """An archive without compression: what is changed in it is what is read."""
    return packed(unpacked(file.read_bytes()))


def pose2d(place: Path) -> list[bytes]:
    from pipeline.poses import Pose2D
    from pipeline.store import save_pose

    people, frames, joints = 2, 3, ("nose", "left_eye")
    seen = np.full((people, frames, len(joints)), 0.5, np.float32)
    points, boxes = np.ones((*seen.shape, 2), np.float32), np.ones((people, frames, 4), np.float32)
    valid, times = np.ones((people, frames), bool), np.arange(3) / 25.0
    pose = Pose2D(points, seen, boxes, valid, times, joints)
    save_pose(place / "seed.npz", pose, fingerprint="ab", cut=np.array([0.5, np.inf, 2]), begins_s=0.5)
    return [_flat(place / "seed.npz"), _flat(GOLDEN / "pose2d.npz")]


def pose3d(place: Path) -> list[bytes]:
    return [_flat(GOLDEN / "pose3d.npz")]


def reference(place: Path) -> list[bytes]:
    spread, times = np.random.default_rng(0).normal(size=(3, len(NAMES), 3)), np.arange(3) / 25.0
    return [
        _npz(positions=spread, joints=np.array(NAMES), units="mm", timestamps=times, valid=np.ones(3, bool)),
        _npz(positions=spread[None].astype(np.float32), joints=np.array(NAMES), fps=np.array(25.0)),
        _flat(GOLDEN / "pose3d.npz"),
    ]  # fmt: skip


def shard(place: Path) -> list[bytes]:
    from detectors.base import People
    from pipeline.shards import _packed, _Seen

    people = People(np.ones((1, 4), np.float32), np.ones((1, 17, 2), np.float32), np.full((1, 17), 0.5, np.float32))
    seen = [_Seen(at / 25, one, {"last": np.arange(3)}) for at, one in enumerate((people, People.nobody(17), people))]
    return [_packed(seen)]


def keypoints_npz(place: Path) -> list[bytes]:
    track = np.ones((3, 17, 2), np.float32)
    films = {"film.mp4": {"custom": [track]}}
    scored = {"film.mp4": {"custom": [np.ones((2, 17, 3))]}}
    about = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[1, 3], [2, 4]], "video_metadata": {}}
    return [
        *pose2d(place),
        _npz(positions_2d=_object(films), metadata=_object({"layout_name": "coco"})),
        _npz(positions_2d=_object(scored), metadata=_object(about)),
    ]


def lifters(place: Path) -> list[bytes]:
    from lifter.networks import build
    from lifter.weights import Recipe, save

    for type, shape in (("fully_connected", {"width": 2, "blocks": 1}), ("tcn", {"filters": [3], "channels": 2})):
        save(place / f"seed-{type}.safetensors", build(type, shape), Recipe())
    return [file.read_bytes() for file in sorted(place.glob("seed-*.safetensors"))]


def refines(place: Path) -> list[bytes]:
    from lifter.refine import Refine, RefineSettings
    from lifter.refine_file import save_refine

    save_refine(place / "seed.safetensors", Refine(RefineSettings(width=1)), {"lifter": "ugcn"})
    return [(place / "seed.safetensors").read_bytes()]


def h36m(place: Path) -> list[bytes]:
    from lifter.datasets.h36m.tiny import figure

    points = figure("Walking", 2, 1.0, np.random.default_rng(0)).astype(np.float32)
    about = {
        "layout_name": "h36m",
        "num_joints": 17,
        "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
    }
    takes = _object({"S1": {"Walking": points, "Eating 1": points[:1]}})
    return [_npz(positions_3d=takes, metadata=_object(about))]


def mpi_npz(place: Path) -> list[bytes]:
    flat, deep = np.full((3, 17, 2), 500.0), np.random.default_rng(0).normal(3000, 300, (3, 17, 3))
    of_test = {"data_2d": flat, "data_3d": deep, "valid": np.array([1, 0, 1], np.uint8)}
    return [_npz(data=_object({"TS1": of_test}))]


def mocap_set(place: Path) -> list[bytes]:
    standing = np.random.default_rng(0).integers(-900, 900, (60, 17, 3)).astype(np.int16)
    told = {"lens": np.array([30, 30]), "names": np.array(["01_01", "01_02"])}
    return [_npz(pos=standing, fps=np.array(50.0), **told), _npz(pos=standing, fps=np.array(20), **told)]


def poseset(place: Path) -> list[bytes]:
    from moving_sets import moving_set

    from lifter.datasets.poseset import write_poses

    return [write_poses(place, moving_set({"train": [3], "test": [2]}).poses).read_bytes()]


def keypoints(place: Path) -> list[bytes]:
    from moving_sets import moving_set

    from lifter.datasets.poseset import write_keypoints

    return [write_keypoints(place, moving_set({"train": [3], "test": [2]})).read_bytes()]


def onnx_models(place: Path) -> list[bytes]:
    """Protocol buffers by hand: a graph (7) of a tensor (5) whose numbers (13) lie elsewhere; and a node's (1)."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    outside = field(13, field(1, b"location") + field(2, b"weights.bin"))
    return [field(7, field(5, outside)), b"\x08\x08" + field(7, field(1, field(5, field(5, outside)))), field(7, b"")]


def checkpoints(place: Path) -> list[bytes]:
    import torch

    state = {"state_dict": {"a.weight": torch.ones(2, 3), "b": torch.zeros(1)}, "meta": {"epoch": 3}}
    torch.save(state, place / "seed.pth")
    torch.save(state, place / "seed-old.pth", _use_new_zipfile_serialization=False)
    return [(place / name).read_bytes() for name in ("seed.pth", "seed-old.pth")]


def mmpose_weights(place: Path) -> list[bytes]:
    import torch

    from lifter.training.mmpose_weights import to_mmpose
    from lifter.ugcn import UGCN, UGCNSettings

    state = to_mmpose(UGCN(UGCNSettings(widths=(1, 1, 1, 1, 1))))
    torch.save({"state_dict": state, "meta": {}}, place / "mmpose.pth")
    return [(place / "mmpose.pth").read_bytes()]
