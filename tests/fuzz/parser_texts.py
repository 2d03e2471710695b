"""Small texts of every kind that our parsers read: what fuzzing begins with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from parser_seeds import GOLDEN

AMC_HZ = 6.0


def mmpose(place: Path) -> list[bytes]:
    person = {"keypoints": [[1.5, 2.0]] * 17, "keypoint_scores": [0.5] * 17, "bbox": [[0, 0, 9, 9]], "bbox_score": 0.5}
    rows = [{"frame_id": 1, "instances": [person]}, {"frame_id": 2, "instances": []}]
    names = {str(index): name for index, name in enumerate(_coco())}
    whole = {"meta_info": {"keypoint_id2name": names}, "instance_info": rows}
    return [json.dumps(told).encode() for told in (rows, whole)]


def picture(place: Path) -> list[bytes]:
    openpose = {"version": 1.3, "people": [{"pose_keypoints_2d": [10.5, 20, 0.5] * 25}]}
    person = {"keypoints": [[1.5, 2.0]] * 17, "keypoint_scores": [0.5] * 17, "bbox": [[0, 0, 9, 9]]}
    return [json.dumps(told).encode() for told in (openpose, {"people": []}, [person], [])]


def _coco() -> tuple[str, ...]:
    from detectors.joints import COCO_17

    return COCO_17


def settings(place: Path) -> list[bytes]:
    more = """format = 1
start = "0:05"
end = 12.5
every = 2
height = "1=1.82,2=1.65"
[camera]
pitch = 20
up = [0.0, -1.0, 0.1]
[detector]
name = "onnx"
keypoints = "a.json"
box_every = 3
[lifter]
smooth = "savgol=0.5"
hold_bones = false
[render]
style = "paper"
crf = 18
format = "webm"
"""
    return [
        (GOLDEN / "settings.toml").read_bytes(),
        more.replace("pitch = 20\n", "").encode(),
        b'camera = "pitch=20"\n',
    ]


def record(place: Path) -> list[bytes]:
    lens = {"fov": None, "focal": 900.0, "centre": [80.0, 60.0], "aspect": 1.0, "distortion": [0.1, 0, 0, 0]}
    told = json.loads((GOLDEN / "run.json").read_text())
    told["settings"]["lift"]["lens"] = {**lens, "calibrated_at": [160, 120]}
    told["settings"]["render"] = {"encoder": {"format": "mp4"}, "pose3d": "ab"}
    told["warnings"] = ["a word"]
    return [json.dumps(told).encode(), (GOLDEN / "run.json").read_bytes()]


def calibration(suffix: str) -> list[bytes]:
    return {
        ".toml": [
            b"pitch = 20\nroll = 0.5\nfov = 60\n", b"up = [0, -1, 0.2]\nfx = 900.0\nfy = 901\ncx = 640\ncy = 360\n",
        ],
        ".json": [
            b'{"K": [[900, 0, 640], [0, 900, 360], [0, 0, 1]], "dist": [[0.1, 0, 0, 0]],'
            b' "width": 1280, "height": 720}'
        ],
        ".yaml": [
            b"%YAML:1.0\n---\nimage_width: 1280\nimage_height: 720\ncamera_matrix: !!opencv-matrix\n  rows: 3\n"
            b"  cols: 3\n  dt: d\n  data: [900., 0., 640., 0., 900., 360., 0., 0., 1.]\ndistortion_model: plumb_bob\n"
            b"distortion_coefficients:\n  rows: 1\n  cols: 4\n  data: [0.1, 0.01, 0, 0]\n",
            b"pitch: 20\nroll: 0\n",
        ],
        ".xml": [
            b'<?xml version="1.0"?>\n<opencv_storage>\n<image_width>1280</image_width>\n'
            b"<image_height>720</image_height>\n"
            b'<camera_matrix type_id="opencv-matrix"><rows>3</rows><cols>3</cols><dt>d</dt>\n'
            b"<data>900. 0. 640. 0. 900. 360. 0. 0. 1.</data></camera_matrix>\n"
            b"<distCoeffs><rows>1</rows><cols>4</cols><data>0.1 0 0 0</data></distCoeffs>\n</opencv_storage>\n"
        ],
    }[suffix]  # fmt: skip


def words(place: Path) -> list[bytes]:
    """One setting and what is said of it a line, as on the command line."""
    said = (
        "start 1:02:03.5", "end 12.5", "height 1=1.82,2=1.65", "height 1.7", "smooth savgol=0.25", "camera level",
        "camera pitch=20,roll=0,fov=60", "camera fx=900,fy=900,cx=640,cy=360", "person 3", "person center", "view 30",
    )  # fmt: skip
    return [word.encode() for word in said]


def films(place: Path) -> list[bytes]:
    return [b"\xef\xbb\xbf# films\na.mp4\n b c.mov \n\n", b"film,sequence\nfilm.mp4,S1/walk\n"]


def adapters(place: Path) -> list[bytes]:
    from pipeline.learned.shares import KINDS, Shares, both_sides, written

    shares = Shares(_coco(), both_sides({KINDS[0]: np.linspace(0, 0.5, 17)}, _coco()), {"made": "here"})
    return [written({"coco17": shares}).encode()]


def noises(place: Path) -> list[bytes]:
    from lifter.detector_noise.parts import KINDS
    from lifter.detector_noise.settings import DetectorNoise, JointNoise, SideSwaps, write_noises

    joints = {kind: JointNoise(bias=0.01) for kind in KINDS}
    told = DetectorNoise(joints, {"arms": SideSwaps(0.1)}, 0.5, tuple((0.5,) * 17 for _ in range(17)), {"of": "x"})
    return [write_noises({"one": told}).encode()]


def mocap_text(place: Path, form: str, suffix: str) -> list[bytes]:
    from lifter.datasets.mocap.tiny import write_tiny_mocap

    write_tiny_mocap(place / form, form, frames=4)
    made = sorted((place / form).rglob(f"*{suffix}"))[0].read_bytes()
    return [re.sub(rb"Frame Time: *\S+", b"Frame Time: %g" % (1 / AMC_HZ), made)]  # half a second of few frames


def model_toml(place: Path) -> list[bytes]:
    return [
        b'size = [192, 256]\njoints = "coco17"\nmean = [1.0, 2, 3]\nstd = [50.5, 60, 70]\npadding = 1.2\n'
        b'refine = "none"\n'
        b'flip_shift = false\nscores = "sigmoid"\ncolor = "bgr"\nlayout = "simcc"\n'
    ]
