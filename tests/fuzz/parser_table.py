"""Every parser of ours that is given files or words from outside: how it is called, and what it begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import parser_readers as readers
import parser_seeds as seeds
import parser_texts as texts

Seeds = Callable[[Path], list[bytes]]


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        read: reads the file, alone in its folder; returns all that is promised to be finite.
        seeds: files that it reads, made in a folder of their own.
        kind: of the file, for `mutate`.
        name: of the file.
        named: the line tells which file; else which setting, or which take.
    """

    read: Callable[[Path], object]
    seeds: Seeds
    kind: str
    name: str
    named: bool = True


def _camera_file(suffix: str) -> Target:
    return Target(readers.camera, lambda _place: texts.calibration(suffix), "text", f"input{suffix}")


def _mocap(suffix: str) -> Target:
    form = "bvh" if suffix == ".bvh" else "asf_amc"
    return Target(readers.recordings, partial(texts.mocap_text, form=form, suffix=suffix), "text", f"input{suffix}")


TARGETS: Mapping[str, Target] = {
    "pose2d": Target(readers.pose2d, seeds.pose2d, "zip", "input.npz"),
    "pose3d": Target(readers.pose3d, seeds.pose3d, "zip", "pose3d.npz"),
    "reference": Target(readers.reference, seeds.reference, "zip", "input.npz"),
    "shard": Target(readers.shard, seeds.shard, "zip", "input.shard"),
    "keypoints-npz": Target(readers.keypoints, seeds.keypoints_npz, "zip", "input.npz"),
    "keypoints-mmpose": Target(readers.keypoints, texts.mmpose, "text", "input.json"),
    "keypoints-pictures": Target(lambda path: readers.keypoints(path.parent), texts.picture, "text", "input_1.json"),
    "settings": Target(readers.settings, texts.settings, "text", "input.toml", named=False),
    "record": Target(readers.record, texts.record, "text", "run.json"),
    **{f"camera-{suffix[1:]}": _camera_file(suffix) for suffix in (".toml", ".json", ".yaml", ".xml")},
    "words": Target(readers.words, texts.words, "text", "input", named=False),
    "films": Target(readers.films, texts.films, "text", "input.csv"),
    "adapters": Target(readers.adapters, texts.adapters, "text", "input.toml"),
    "noises": Target(readers.noises, texts.noises, "text", "input.toml"),
    "lifters": Target(readers.lifters, seeds.lifters, "safetensors", "input.safetensors"),
    "refines": Target(readers.refines, seeds.refines, "safetensors", "input.safetensors"),
    "h36m": Target(readers.h36m, seeds.h36m, "zip", "input.npz", named=False),
    "mpi-inf-3dhp": Target(readers.mpi, seeds.mpi_npz, "zip", "data_test_3dhp.npz"),
    **{suffix[1:]: _mocap(suffix) for suffix in (".bvh", ".asf", ".amc")},
    "mocap-set": Target(readers.recordings, seeds.mocap_set, "zip", "cmu_input.npz"),
    "poses": Target(readers.poseset, seeds.poseset, "zip", "poses.npz"),
    "keypoints-set": Target(readers.keypoint_set, seeds.keypoints, "zip", "keypoints_gt.npz"),
    "model-toml": Target(readers.model_toml, texts.model_toml, "text", "input.toml"),
    "onnx": Target(readers.onnx, seeds.onnx_models, "raw", "input.onnx"),
    "checkpoints": Target(readers.checkpoints, seeds.checkpoints, "zip", "input.pth"),
    "checkpoints-mmpose": Target(readers.mmpose_weights, seeds.mmpose_weights, "zip", "input.pth"),
}
