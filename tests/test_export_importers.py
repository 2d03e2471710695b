"""Exports in real importers: Blender's for BVH and glTF, and the Khronos Group's validator.

`make importers` fetches both. Blender is taken as the bpy package in a Python that MOTION_LIFT_BPY names, in the one
that was fetched, or as `blender` on the PATH; the validator is npm's gltf-validator, fetched or where node finds it
(NODE_PATH). What is not there is skipped, and says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from exported_runs import to_pose, two_people, write_run

from lifter import joints
from lifter.datasets.mocap.tiny_motion import motion, places
from pipeline.cli import main
from pipeline.export.motion import gather

IMPORT = """
import json, sys
import bpy
path, frames, fps, result = sys.argv[-4], int(sys.argv[-3]), int(sys.argv[-2]), sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = fps
if path.endswith(".bvh"):
    bpy.ops.import_anim.bvh(filepath=path)
else:
    bpy.ops.import_scene.gltf(filepath=path)
start = 1 if path.endswith(".bvh") else 0
bodies = {thing.name: [] for thing in scene.objects if thing.type == "ARMATURE"}
for frame in range(frames):
    scene.frame_set(start + frame)
    for name, where in bodies.items():
        body = scene.objects[name]
        where.append({bone.name: list((body.matrix_world @ bone.matrix).translation) for bone in body.pose.bones})
skinned = [thing.name for thing in scene.objects if thing.type == "MESH" and thing.find_armature()]
with open(result, "w") as file:
    json.dump({"bodies": bodies, "skinned": skinned}, file)
"""
VALIDATE = """
const fs = require('fs');
require('gltf-validator').validateBytes(new Uint8Array(fs.readFileSync(process.argv[2])))
  .then(report => console.log(JSON.stringify(report)));
"""

FETCHED = Path(__file__).parents[1] / ".importers"


@pytest.fixture(scope="module")
def blender() -> list[str]:
    """The words that run a Python script in Blender."""
    fetched = FETCHED / "blender" / "bin" / "python"
    if python := os.environ.get("MOTION_LIFT_BPY", str(fetched) if fetched.is_file() else ""):
        return [python]
    if found := shutil.which("blender"):
        return [found, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    pytest.skip("no Blender here: `make importers` fetches it, MOTION_LIFT_BPY names a Python with bpy")


def imported(blender: list[str], file: Path, frames: int, fps: int) -> dict:  # type: ignore[type-arg]
    script, result = file.parent / "import.py", file.parent / "imported.json"
    script.write_text(IMPORT)
    own = ["--"] if len(blender) > 1 else []
    words = [*blender, str(script), *own, str(file), str(frames), str(fps), str(result)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0 and result.is_file(), done.stdout[-1000:] + done.stderr[-2000:]
    return dict(json.loads(result.read_text()))


def joints_of(frames: list) -> np.ndarray:  # type: ignore[type-arg]
    """(T, 17, 3) of an imported body."""
    return np.array([[frame[name] for name in joints.NAMES] for frame in frames])


def test_blender_imports_bvh_within_a_centimetre(blender: list[str], tmp_path: Path) -> None:
    room = places(motion(30, 3)).astype(np.float64) + np.array([1.5, 0.5, 0])
    run = write_run(tmp_path, to_pose(room[None]))
    assert main(["export", str(run), "--format", "bvh"]) == 0
    made = imported(blender, run / "export" / "film_1.bvh", 30, 25)
    (body,) = made["bodies"].values()
    # Blender's room is ours: x right, y away, z up, metres.
    np.testing.assert_allclose(joints_of(body), gather(to_pose(room[None]), "room").positions[0], atol=0.01)


def test_blender_imports_everyone_from_gltf(blender: list[str], tmp_path: Path) -> None:
    pytest.importorskip("pygltflib")
    pose = two_people()
    run = write_run(tmp_path, pose)
    assert main(["export", str(run), "--format", "glb"]) == 0
    made = imported(blender, run / "export" / "film.glb", 40, 25)
    assert sorted(made["skinned"]) == ["person_1_body", "person_2_body"]
    truth = gather(pose, "room").positions
    for row, seen in enumerate(pose.valid):
        where = joints_of(made["bodies"][f"person_{row + 1}"])
        np.testing.assert_allclose(where[seen], truth[row, seen], atol=0.01)


@pytest.mark.parametrize("form", ["glb", "gltf"])
@pytest.mark.parametrize("people", [1, 2])
def test_the_khronos_validator_finds_nothing(form: str, people: int, tmp_path: Path) -> None:
    pytest.importorskip("pygltflib")
    node = shutil.which("node")
    places_of = os.pathsep.join([str(FETCHED / "node_modules"), os.environ.get("NODE_PATH", "")])
    knows = {**os.environ, "NODE_PATH": places_of}
    if (
        node is None
        or subprocess.run([node, "-e", "require('gltf-validator')"], capture_output=True, env=knows).returncode
    ):
        pytest.skip("no gltf-validator here: `make importers` fetches it, NODE_PATH names another's node_modules")
    run = write_run(tmp_path, two_people() if people == 2 else to_pose(places(motion(1, 0)).astype(np.float64)[None]))
    assert main(["export", str(run), "--format", form]) == 0
    (tmp_path / "validate.js").write_text(VALIDATE)
    words = [node, str(tmp_path / "validate.js"), str(run / "export" / f"film.{form}")]
    report = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=60, env=knows).stdout)
    assert report["issues"]["messages"] == []
    assert report["info"]["animationCount"] == 1 and report["info"]["hasSkins"] and report["info"]["drawCallCount"] > 0
