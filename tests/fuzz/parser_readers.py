"""How each parser of ours is called with a file: alone in its folder, as a command would."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import parser_seeds as seeds
import parser_texts as texts


def pose2d(path: Path) -> object:
    from pipeline import store

    store.read_mark(path)
    store.read_about(path, "fingerprint")
    return store.load_pose2d(path), store.read_cut(path)[1]


def pose3d(path: Path) -> object:
    """Read it as the viewer, measurements and exports do, and as the laboratory does."""
    from lifter.datasets.detections.films import read_sight
    from pipeline.view.kept import open_run

    (path.parent / "run.json").write_bytes(texts.record(path)[0])
    kept, sight = open_run(path.parent), read_sight(path.parent)
    return kept.pose, kept.fps, kept.begins_s, sight


def reference(path: Path) -> object:
    from pipeline import reference, store
    from pipeline.errors import PipelineError

    read = reference.read_reference(path)
    pose = store.load_pose3d(seeds.GOLDEN / "pose3d.npz")
    with suppress(PipelineError):  # that they have no frame in common
        reference.compare(pose, 0.0, read)
    return read


def shard(path: Path) -> object:
    """The bytes are a shard's: the title before and the checksum are right, as somebody who means it makes them."""
    from pipeline.shards import Shards, shards_of

    kept = Shards(path.parent / "pose2d.npz", "a")
    kept.resume(17, "b")
    kept.close()
    shard, into = path.read_bytes(), shards_of(path.parent / "pose2d.npz")
    head = struct.pack("<4sQI", b"part", len(shard), zlib.crc32(shard))
    into.write_bytes(b'{"format": 1, "made_from": "a", "beside": "b"}\n' + head + shard)
    people, times, memory = kept.resume(17, "b")
    kept.close()
    into.unlink(missing_ok=True)
    found = [people[index] for index in range(len(people))]
    if any(one.scores.shape != (len(one.boxes), 17) or len(one.keypoints) != len(one.boxes) for one in found):
        raise AssertionError("people of shapes that do not fit each other")
    return found, times.tolist(), None if memory is None else sorted(memory)


def keypoints(path: Path) -> object:
    from detectors.base import FARTHEST
    from detectors.file import read

    made = read(path)
    for people in made.frames:
        if people.keypoints.size and np.abs(people.keypoints).max() > FARTHEST:
            raise AssertionError("a joint that is absurdly far")
    return made


def settings(path: Path) -> object:
    from dataclasses import replace

    from pipeline.settings import read_config, resolve

    return replace(resolve(read_config(path)), end=None)


def record(path: Path) -> object:
    from pipeline.embed.api import load

    (path.parent / "pose3d.npz").write_bytes((seeds.GOLDEN / "pose3d.npz").read_bytes())
    made = load(path.parent)
    return made.positions, made.fps, made.warnings


def camera(path: Path) -> object:
    from pipeline.camera import read_camera

    return read_camera(path)


def words(path: Path) -> object:
    from pipeline.settings import resolve

    name, _, said = path.read_bytes().decode("utf-8", "surrogateescape").partition(" ")
    if name == "camera" and "=" not in said:
        said = "level"  # else a file is meant
    return resolve({name: said}).camera


def films(path: Path) -> object:
    from lifter.datasets.detections.films import _read_table
    from pipeline.batch.films import read_list

    read_list(path)
    (path.parent / "film.mp4").touch()
    return _read_table(path, [path.parent / "film.mp4"]) if b"," in path.read_bytes() else None


def adapters(path: Path) -> object:
    from pipeline.learned.shares import read_shares

    return [shares.matrix for shares in read_shares(path).values()]


def noises(path: Path) -> object:
    from lifter.detector_noise.settings import read_noises

    return read_noises(path)


def lifters(path: Path) -> object:
    from lifter.weights import load

    network, recipe = load(path)
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}, recipe, network.settings


def refines(path: Path) -> object:
    from lifter.refine_file import load_refine

    return {name: tensor.numpy() for name, tensor in load_refine(path)[0].state_dict().items()}


def h36m(path: Path) -> object:
    from lifter.datasets.h36m.keypoints import read_layout
    from lifter.datasets.h36m.sets import read_positions, to_poses

    read_layout("gt", path)
    return to_poses(read_positions(path)).positions


def mpi(path: Path) -> object:
    from lifter.datasets.mpi_inf_3dhp.npz import read_npz

    return [taken.positions[taken.valid] for taken in read_npz(path.parent)]


def recordings(path: Path) -> object:
    """A folder of somebody's motion capture; an ASF has the AMC of the seeds beside it, and an AMC the ASF."""
    from lifter.datasets.mocap.recordings import OwnSettings, read_recordings

    for suffix in {".asf": (".amc",), ".amc": (".asf",)}.get(path.suffix, ()):
        beside = path.with_suffix(suffix)
        if not beside.exists():
            beside.write_bytes(texts.mocap_text(path.parents[1] / "seeds", "asf_amc", suffix)[0])
    return [one.positions for one in read_recordings(path.parent, OwnSettings(fps=texts.AMC_HZ))]


def poseset(path: Path) -> object:
    from lifter.datasets.poseset import read_poses

    return read_poses(path.parent).positions


def keypoint_set(path: Path) -> object:
    from lifter.datasets.poseset import read_poseset

    if not (path.parent / "poses.npz").exists():
        seeds.poseset(path.parent)
    return read_poseset(path.parent, "gt").keypoints


def model_toml(path: Path) -> object:
    from detectors.onnx_spec import PoseSpec, _read_toml

    return _read_toml(path.with_suffix(".onnx"), PoseSpec)


def onnx(path: Path) -> object:
    from detectors.onnx_external import external_files

    return external_files(path)


def checkpoints(path: Path) -> object:
    from detectors.checkpoint import load

    return len(load(path))


def mmpose_weights(path: Path) -> object:
    from lifter.training.mmpose_weights import convert
    from lifter.weights import load

    convert(path, out := path.with_suffix(".safetensors"))
    return {name: tensor.numpy() for name, tensor in load(out)[0].state_dict().items()}
