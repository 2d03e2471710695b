"""What the fuzzer of the parsers found once: small files that ended in a traceback, a warning, or a full memory."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.base import DetectorError
from lifter.errors import LifterError
from pipeline.errors import PipelineError, StoreError

pytestmark = pytest.mark.filterwarnings("error")

HEX = "0x" + "f" * 4500  # a number that Python reads, and cannot tell in decimal digits
NINES = "9" * 400  # one that no float holds
GOLDEN = Path(__file__).parent / "golden" / "first"


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def changed(path: Path, **members: Any) -> Path:
    """Write an archive anew with members of other content: arrays, or bytes as they are; None takes one out."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for name, value in members.items():
        into = io.BytesIO()
        np.save(into, value, allow_pickle=False) if isinstance(value, np.ndarray) else into.write(value)
        held[f"{name}.npy"] = into.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    return path


def member(descr: str, shape: str, body: bytes = b"") -> bytes:
    """Return an array file whose header says anything."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + body


def copied(name: str, folder: Path) -> Path:
    return written(folder / name, (GOLDEN / name).read_bytes())


@pytest.mark.parametrize("words", [f"[render]\ncrf = {HEX}", f"format = {HEX}", f"[camera]\npitch = {HEX}",
                                   f"[camera]\nup = [0, {NINES}, 0]", f"person = {HEX}"])  # fmt: skip
def test_settings_with_giant_numbers(words: str, tmp_path: Path) -> None:
    from pipeline.settings import read_config, resolve

    with pytest.raises(PipelineError, match=r"input\.toml"):
        resolve(read_config(written(tmp_path / "input.toml", words)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", f"pitch = {HEX}"), ("a.toml", f"up = [{NINES}, 0, 1]"), ("a.json", f'{{"K": [{NINES}]}}'),
        ("a.json", '{"K": [9, 0, 6, 0, 9, 3, 0, 0, 1], "width": 1e400, "height": 720}'),
        ("a.yaml", "pitch: !!timestamp soon"), ("a.yaml", 'pitch: !!int ""'), ("a.yaml", "pitch: !!bool perhaps"),
        ("a.yaml", f"pitch: {HEX}"),
    ],
)  # fmt: skip
def test_cameras_of_no_right_form(name: str, text: str, tmp_path: Path) -> None:
    from pipeline.camera import read_camera

    with pytest.raises(PipelineError, match=name):
        read_camera(written(tmp_path / name, text))


def test_a_camera_of_a_few_lines_unfolds_to_no_billion_numbers(tmp_path: Path) -> None:
    from pipeline.camera import read_camera

    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(PipelineError, match="write it out"):
        read_camera(written(tmp_path / "a.yaml", "\n".join([*lines, "K: *a9"])))


@pytest.mark.parametrize("share", [NINES, "nan", HEX])
def test_learned_shares_are_finite(share: str, tmp_path: Path) -> None:
    from pipeline.learned.shares import read_shares

    with pytest.raises(PipelineError, match="no learned adapter"):
        read_shares(written(tmp_path / "a.toml", f"[coco17.pelvis]\nnose = {share}"))


@pytest.mark.parametrize(
    "words", [f"shared = {NINES}", f"swaps = [{HEX}]", f"correlation = [[{NINES}]]", "correlation = [[nan]]"]
)
def test_noise_is_of_finite_numbers(words: str, tmp_path: Path) -> None:
    from lifter.detector_noise.parts import KINDS
    from lifter.detector_noise.settings import read_noises

    if "nan" in words:
        words = f"correlation = [{', '.join(['[' + ', '.join(['nan'] * 17) + ']'] * 17)}]"
    joints = "\n".join(f"[one.joints.{kind}]" for kind in KINDS)
    with pytest.raises(LifterError, match=r"a\.toml"):
        read_noises(written(tmp_path / "a.toml", f"[one]\n{words}\n{joints}"))


def test_a_lifter_at_a_giant_rate(tmp_path: Path) -> None:
    from lifter.weights import load

    data = (GOLDEN / "lifter.safetensors").read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    head = data[8:end].replace(b'\\"rate_hz\\": 50.0', b'\\"rate_hz\\": ' + NINES.encode())
    assert len(head) > end
    with pytest.raises(LifterError, match="64 bits"):
        load(written(tmp_path / "a.safetensors", len(head).to_bytes(8, "little") + head + data[end:]))


@pytest.mark.parametrize(
    "words", [f"mean = [{NINES}, 1, 1]", "size = [192, nan]", f"padding = {HEX}", "a = " + "[" * 3000]
)
def test_settings_of_a_model(words: str, tmp_path: Path) -> None:
    from detectors.onnx_spec import PoseSpec, _read_toml

    with pytest.raises(DetectorError, match=r"a\.toml"):
        _read_toml(written(tmp_path / "a.toml", words).with_suffix(".onnx"), PoseSpec)


@pytest.mark.parametrize(("width", "told"), [(10**6, "larger than any lifter"), (1, "not finite")])
def test_a_checkpoint_of_mmpose_fills_no_memory(width: int, told: str, tmp_path: Path) -> None:
    import torch

    from lifter.training.mmpose_weights import SHAPE, convert, to_mmpose
    from lifter.ugcn import UGCN, UGCNSettings

    state = to_mmpose(UGCN(UGCNSettings(widths=(1, 1, 1, 1, 1))))
    state[SHAPE] = torch.tensor(list(bytes(state[SHAPE].tolist()).replace(b"[1,", b"[%d," % width)), dtype=torch.uint8)
    name = next(name for name, tensor in state.items() if tensor.is_floating_point() and tensor.ndim > 1)
    state[name] = torch.full_like(state[name], torch.nan)
    torch.save({"state_dict": state}, tmp_path / "a.pth")
    with pytest.raises(LifterError, match=rf"a\.pth: .*{told}"):
        convert(tmp_path / "a.pth", tmp_path / "out.safetensors")


def test_a_table_of_films_with_a_name_that_is_too_long(tmp_path: Path) -> None:
    from lifter.datasets.detections.films import _read_table

    with pytest.raises(LifterError, match="no such film"):
        _read_table(written(tmp_path / "a.csv", f"{'a' * 3000},S1"), [])


BEYOND_UNICODE = np.frombuffer(struct.pack("<2I", 0x41, 0x7FFFFFFF), "<U1")


@pytest.mark.parametrize(
    "members",
    [
        {"scores": member("<f4", f"(0, {'9' * 30})")}, {"joints": member("<U0", "(1000000000000,)")},
        {"joints": BEYOND_UNICODE}, {"keypoints": np.full((1, 3, 17, 2), 1e300)},
        {"timestamps": np.array([0, 1e308, -1e308])}, {"joints": member("<U1", "(3L,)")},
    ],
    ids=["sides", "texts of no letters", "beyond Unicode", "beyond float32", "times", "Python 2"],
)  # fmt: skip
def test_damaged_poses(members: dict[str, Any], tmp_path: Path) -> None:
    from pipeline.store import load_pose2d, read_about

    path = changed(copied("pose2d.npz", tmp_path), **members)
    with pytest.raises(StoreError, match=r"pose2d\.npz"):
        load_pose2d(path)
    if "joints" in members:
        assert read_about(path, "joints") == ""


def test_poses_in_halves_are_read_as_floats(tmp_path: Path) -> None:
    from pipeline.store import load_pose2d

    path = copied("pose2d.npz", tmp_path)
    halves = load_pose2d(path).scores.astype(np.float16)
    read = load_pose2d(changed(path, scores=halves)).scores
    np.testing.assert_array_equal(read, halves)
    assert read.dtype == np.float32


@pytest.mark.parametrize("begins_s", [np.array(np.nan), np.array(np.inf), np.array([1.0, 2.0])])
def test_a_cut_that_begins_at_no_time(begins_s: Any, tmp_path: Path) -> None:
    from pipeline.store import read_cut

    path = changed(copied("pose2d.npz", tmp_path), cut=np.array([0.0, 1.0, 1.0]), begins_s=begins_s)
    with pytest.raises(StoreError, match="what part of its film"):
        read_cut(path)


def test_an_archive_with_a_broken_lzma_stream(tmp_path: Path) -> None:
    from detectors.file import read
    from lifter.datasets.pickles.unpickle import load_object
    from lifter.datasets.poseset import read_poses
    from pipeline.store import load_pose2d

    path = tmp_path / "poses.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name in ("format", "keypoints", "scores", "boxes", "valid", "joints", "timestamps", "about"):
            archive.writestr(f"{name}.npy", member("<f4", "()", b"abcd") * 20)
    data = bytearray(path.read_bytes())
    at = data.index(b"format.npy") + len(b"format.npy") + 20
    for spoilt in range(at, len(data) - 700, 7):
        data[spoilt] ^= 0xFF
    path.write_bytes(data)
    readers: list[tuple[Any, type[Exception]]] = [
        (load_pose2d, StoreError), (read, DetectorError), (lambda file: read_poses(file.parent), LifterError),
        (lambda file: load_object(file, "about"), LifterError),
    ]  # fmt: skip
    for reader, kind in readers:
        with pytest.raises(kind, match=r"poses\.npz"):
            reader(path)


@pytest.mark.parametrize(
    "members",
    [
        {"memory_a": b"no array"}, {"boxes": np.zeros((1, 4), np.float32)}, {"counts": np.array([-1, 4, 0])},
        {"keypoints": np.full((3, 17, 2), np.nan, np.float32)}, {"seconds": member("<f8", f"(0, {'9' * 30})")},
    ],
)  # fmt: skip
def test_a_shard_that_somebody_made(members: dict[str, Any], tmp_path: Path) -> None:
    """Its checksum is right, its arrays do not fit: it is as if it were not there."""
    from detectors.base import People
    from pipeline.shards import Shards, _packed, _Seen, shards_of

    people = People(np.ones((1, 4), np.float32), np.ones((1, 17, 2), np.float32), np.ones((1, 17), np.float32))
    shard = written(tmp_path / "shard", _packed([_Seen(at / 25, people, {}) for at in range(3)]))

    def kept(content: bytes) -> int:
        shards = Shards(tmp_path / "pose2d.npz", "a")
        shards.resume(17, "b")
        shards.close()
        head = struct.pack("<4sQI", b"part", len(content), zlib.crc32(content))
        title = b'{"format": 1, "made_from": "a", "beside": "b"}\n'
        written(shards_of(tmp_path / "pose2d.npz"), title + head + content)
        found, _, _ = shards.resume(17, "b")
        shards.close()
        shards_of(tmp_path / "pose2d.npz").unlink(missing_ok=True)
        return len(found)

    assert kept(shard.read_bytes()) == 3
    assert kept(changed(shard, **members).read_bytes()) == 0


NAMES = ("pelvis", "left_hip", "right_hip", "left_knee", "neck")


def reference(folder: Path, **arrays: Any) -> Path:
    spread = np.random.default_rng(0).normal(size=(3, len(NAMES), 3))
    np.savez(folder / "a.npz", **{"positions": spread, "joints": np.array(NAMES), **arrays})
    return folder / "a.npz"


@pytest.mark.parametrize(
    "arrays",
    [
        {"positions": np.ones((3, 5, 3), complex)}, {"fps": np.array(25 + 1j)}, {"fps": np.array(1e-320)},
        {"timestamps": np.array([0, np.inf, np.inf])}, {"timestamps": np.array([-1e308, 0, 1e308])},
    ],
)  # fmt: skip
def test_references_of_other_numbers(arrays: dict[str, Any], tmp_path: Path) -> None:
    from pipeline.reference import read_reference

    with pytest.raises(PipelineError, match=r"a\.npz: no reference"):
        read_reference(reference(tmp_path, **arrays))


def test_a_reference_beyond_all_bounds_is_not_known_there(tmp_path: Path) -> None:
    from pipeline.reference import read_reference

    places = np.random.default_rng(0).normal(size=(3, len(NAMES), 3))
    places[1] = 1e300
    read = read_reference(reference(tmp_path, positions=places))
    assert read.valid.tolist() == [[True, False, True]] and np.abs(read.positions).max() < 10


def test_a_reference_upon_a_line_is_compared_without_a_word(tmp_path: Path) -> None:
    from pipeline.reference import compare, read_reference
    from pipeline.store import load_pose3d

    pose = load_pose3d(GOLDEN / "pose3d.npz")
    line = np.zeros((len(pose.timestamps), len(NAMES), 3))
    line[..., 0] = np.arange(len(NAMES))
    read = read_reference(reference(tmp_path, positions=line))
    assert all(np.isfinite(one.mpjpe) for one in compare(pose, 0.0, read))


def test_the_least_whole_number_is_no_place_in_a_film(tmp_path: Path) -> None:
    from detectors.file import read

    path = changed(copied("pose2d.npz", tmp_path))
    with np.load(path) as data:
        keypoints = np.full(data["keypoints"].shape, np.iinfo(np.int64).min)
    made = read(changed(path, keypoints=keypoints))
    assert all((people.scores == 0).all() and (people.keypoints == 0).all() for people in made.frames)


def test_a_film_of_nobody_for_a_thousand_years(tmp_path: Path) -> None:
    from detectors.file import read

    frames = "(0, 1000000000000"
    empty = {"keypoints": member("<f4", f"{frames}, 17, 2)"), "scores": member("<f4", f"{frames}, 17)"),
             "boxes": member("<f4", f"{frames}, 4)"), "valid": member("|b1", f"{frames})"),
             "joints": np.array([f"joint {n}" for n in range(17)])}  # fmt: skip
    with pytest.raises(DetectorError, match="1000000000000 frames"):
        read(changed(copied("pose2d.npz", tmp_path), **empty))


def poses(folder: Path) -> Path:
    from moving_sets import moving_set

    from lifter.datasets.poseset import write_poses

    return write_poses(folder, moving_set({"train": [3], "test": [2]}).poses)


@pytest.mark.parametrize(
    "members",
    [
        {"about": np.array("3")}, {"about": np.array('"a"')}, {"positions": b"no array"},
        {"lengths": np.array([3j, 2])},
        {"fps": member("<f8", f"(0, {'9' * 30})")}, {"lengths": np.array([np.inf, -np.inf])},
        {"names": BEYOND_UNICODE},
    ],
)  # fmt: skip
def test_damaged_data_sets(members: dict[str, Any], tmp_path: Path) -> None:
    from lifter.datasets.poseset import read_poses

    with pytest.raises(LifterError, match=r"poses\.npz: not a prepared data set"):
        read_poses(changed(poses(tmp_path), **members).parent)


SIGNALLING = np.frombuffer(struct.pack("<I", 0x7F800001) * (60 * 51), "<f4").reshape(60, 17, 3)  # NaN


@pytest.mark.parametrize(
    "arrays",
    [{"lens": np.array([np.inf, 30])}, {"pos": SIGNALLING},
     {"pos": np.zeros((60, 17, 3), complex)}],
)  # fmt: skip
def test_damaged_motion_capture(arrays: dict[str, Any], tmp_path: Path) -> None:
    from lifter.datasets.mocap.packed import read_set

    told = {
        "pos": np.zeros((60, 17, 3), np.int16),
        "lens": np.array([30, 30]),
        "names": np.array(["a", "b"]),
        "fps": 50.0,
    }
    np.savez(tmp_path / "cmu.npz", **{**told, **arrays})
    with pytest.raises(LifterError, match=r"cmu\.npz: not a motion capture set"):
        read_set(tmp_path / "cmu.npz")
    np.savez(tmp_path / "cmu.npz", **told)
    with pytest.raises(LifterError, match="lens: no array"):
        read_set(changed(tmp_path / "cmu.npz", lens=b"no array"))


def test_one_frame_of_motion_capture_is_no_recording(tmp_path: Path) -> None:
    """Between one frame nothing can be read."""
    from lifter.datasets.mocap.packed import read_set
    from lifter.datasets.mocap.recordings import read_recordings
    from lifter.datasets.mocap.tiny import write_tiny_mocap

    np.savez(tmp_path / "cmu.npz", pos=np.ones((1, 17, 3), np.int16), lens=[1], names=np.array(["a"]), fps=1.0)
    assert [len(one.positions) for one in read_set(tmp_path / "cmu.npz")] == [1]
    file = write_tiny_mocap(tmp_path / "own", "bvh", frames=1)[0]
    with pytest.raises(LifterError, match="half a second"):
        read_recordings(file.parent)


STILL = (
    "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\nMOTION\nFrames: 900000000\nFrame Time: 0.01\n"
)


def test_a_skeleton_of_which_nothing_moves_fills_no_memory(tmp_path: Path) -> None:
    from lifter.datasets.mocap.asf_amc import Skeleton, read_amc
    from lifter.datasets.mocap.bvh import read_bvh

    with pytest.raises(LifterError, match="2 joints with 0 channels"):
        read_bvh(written(tmp_path / "a.bvh", STILL))
    told = (1.0, True, ("TX",), np.eye(3), np.zeros(3))
    assert len(read_amc("1\nroot 5\n", Skeleton(*told))["root"]) == 1
    bone: Any = type("Bone", (), {"freedom": ()})
    many = [f"bone {n}" for n in range(9)]
    with pytest.raises(ValueError, match="10 joints with 1 channels"):
        read_amc("1\nroot 5\n", Skeleton(*told, dict.fromkeys(many, bone), dict.fromkeys(many, "root")))


def test_places_beyond_all_bounds_in_published_data() -> None:
    from lifter.datasets.h36m.sets import to_poses
    from lifter.datasets.mpi_inf_3dhp.layout import take

    with pytest.raises(LifterError, match="Walking: "):
        to_poses({"S1": {"Walking": np.full((2, 32, 3), 1e30, np.float32) * np.arange(3, dtype=np.float32)}})
    with pytest.raises(LifterError, match="not finite"):
        take(("TS1", "", "test"), np.ones((2, 17, 2)), np.full((2, 17, 3), 1e300))
    kept = take(("TS1", "", "test"), np.ones((2, 17, 2)), np.stack([np.ones((17, 3)), np.full((17, 3), 1e300)]), [1, 0])
    assert np.isfinite(kept.positions[kept.valid]).all()


def test_metadata_with_joints_beyond_all_numbers(tmp_path: Path) -> None:
    from lifter.datasets.h36m.keypoints import read_layout

    held = np.empty((), object)
    held[()] = {"num_joints": 17, "keypoints_symmetry": [[float("inf")], [1]]}
    np.savez(tmp_path / "a.npz", metadata=held)
    with pytest.raises(LifterError, match=r"a\.npz"):
        read_layout("gt", tmp_path / "a.npz")


def test_a_pickle_beyond_unicode() -> None:
    from lifter.datasets.archives import refuse_no_text

    refuse_no_text(np.array(["\U0010ffff", "a"], ">U2"))
    with pytest.raises(ValueError, match="text"):
        refuse_no_text(BEYOND_UNICODE.reshape(1, 2))
