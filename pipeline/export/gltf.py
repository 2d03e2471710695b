"""glTF 2.0, by pygltflib: for everyone a skeleton, a skinned body of sticks, and its animation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.export.axes import Axes
from pipeline.export.motion import Body, Motion
from pipeline.export.rotations import quaternions
from pipeline.export.skeleton import NODES, PARENTS, Doubles
from pipeline.export.sticks import rest_places, sticks

if TYPE_CHECKING:
    from pygltflib import GLTF2

_MOVES = 1e-6  # a node whose quaternion never leaves the rest pose by more gets no channel


def to_glb(motion: Motion, axes: Axes, title: str) -> bytes:
    """Return the binary file of everyone; frames in which they are not seen hold the last pose."""
    return b"".join(_build(motion, axes, title).save_to_bytes())


def to_gltf(motion: Motion, axes: Axes, title: str) -> bytes:
    """Return the same as text, its arrays inside it."""
    from pygltflib import BufferFormat

    made = _build(motion, axes, title)
    made.convert_buffers(BufferFormat.DATAURI)
    return str(made.to_json()).encode("utf-8")


def _build(motion: Motion, axes: Axes, title: str) -> GLTF2:
    import pygltflib as gl

    maker = _Maker(axes)
    times = maker.array(np.maximum(motion.seconds, 0)[:, None], "SCALAR", bounds=True)
    for row, body in enumerate(motion.bodies()):
        maker.add_person(f"person_{motion.people[row]}", row, body, times)
    made = maker.gltf
    made.asset = gl.Asset(generator="motion-lift", extras={**axes.told(), "fps": motion.fps})
    made.scenes = [gl.Scene(name=title, nodes=maker.roots)]
    made.scene = 0
    made.animations = [gl.Animation(name=title, channels=maker.channels, samplers=maker.samplers)]
    made.buffers = [gl.Buffer(byteLength=len(maker.data))]
    made.set_binary_blob(bytes(maker.data))
    return made


class _Maker:
    """Collects what a file holds, person by person."""

    def __init__(self, axes: Axes) -> None:
        import pygltflib as gl

        self.gltf, self.axes, self.data = gl.GLTF2(), axes, bytearray()
        self.roots: list[int] = []
        self.channels: list[Any] = []
        self.samplers: list[Any] = []

    def array(self, values: Any, kind: str, bounds: bool = False, vertices: bool = False) -> int:
        """Add an array (count, parts), bytes or float32; return the number of its accessor."""
        import pygltflib as gl

        small = values.dtype == np.uint8
        packed = np.ascontiguousarray(values if small else values.astype(np.float32))
        self.gltf.bufferViews.append(
            gl.BufferView(
                buffer=0, byteOffset=len(self.data), byteLength=packed.nbytes,
                target=gl.ARRAY_BUFFER if vertices else None,
            )
        )  # fmt: skip
        self.data += packed.tobytes()  # all arrays are multiples of four bytes
        accessor = gl.Accessor(
            bufferView=len(self.gltf.bufferViews) - 1,
            componentType=gl.UNSIGNED_BYTE if small else gl.FLOAT,
            count=len(packed),
            type=kind,
        )
        if bounds:
            accessor.min, accessor.max = packed.min(axis=0).tolist(), packed.max(axis=0).tolist()
        self.gltf.accessors.append(accessor)
        return len(self.gltf.accessors) - 1

    def add_person(self, name: str, row: int, body: Body, times: int) -> None:
        """Add one person's nodes, body and channels."""
        import pygltflib as gl

        rest = rest_places(body.offsets, body.stubs)
        holder = len(self.gltf.nodes)
        self.gltf.nodes.append(gl.Node(name=name, children=[holder + 1]))
        first = holder + 1
        for index, node in enumerate(NODES):
            at = self.axes.points(body.offsets[index] if node.parent else rest[index])
            children = [first + child for child, parent in enumerate(PARENTS) if parent == index]
            self.gltf.nodes.append(gl.Node(name=node.name, translation=at.tolist(), children=children))
        inverse = np.tile(np.eye(4), (len(NODES), 1, 1))
        inverse[:, 3, :3] = -self.axes.points(rest)  # column by column, as glTF wants it
        skin = gl.Skin(
            name=name, skeleton=first, joints=[first + index for index in range(len(NODES))],
            inverseBindMatrices=self.array(inverse.reshape(-1, 16), "MAT4"),
        )  # fmt: skip
        self.gltf.skins.append(skin)
        mesh = self._mesh(f"{name}_body", row, rest, body.stubs)
        self.gltf.nodes.append(gl.Node(name=f"{name}_body", mesh=mesh, skin=len(self.gltf.skins) - 1))
        self.roots += [holder, len(self.gltf.nodes) - 1]
        self._animate(first, "translation", times, self.axes.points(body.root), "VEC3")
        turns = quaternions(self.axes.turned(body.local))
        for index in range(len(NODES)):
            if np.abs(turns[:, index] - [0, 0, 0, 1]).max() > _MOVES:
                self._animate(first + index, "rotation", times, turns[:, index], "VEC4")

    def _mesh(self, name: str, row: int, rest: Doubles, stubs: Doubles) -> int:
        import pygltflib as gl

        from render.colors import person_colors

        primitives = []
        for side, color in person_colors(row).base.items():
            corners, normals, nodes = sticks(rest, stubs, side)
            skinned = np.zeros((len(nodes), 4))
            skinned[:, 0] = nodes
            attributes = gl.Attributes(
                POSITION=self.array(self.axes.points(corners), "VEC3", bounds=True, vertices=True),
                NORMAL=self.array(normals @ self.axes.matrix.T, "VEC3", vertices=True),
                JOINTS_0=self.array(skinned.astype(np.uint8), "VEC4", vertices=True),
                WEIGHTS_0=self.array(np.tile([1.0, 0, 0, 0], (len(nodes), 1)), "VEC4", vertices=True),
            )
            shade = gl.PbrMetallicRoughness(
                baseColorFactor=[*((np.array(color) / 255) ** 2.2).round(4).tolist(), 1.0],
                metallicFactor=0.0, roughnessFactor=0.8,
            )  # fmt: skip
            self.gltf.materials.append(gl.Material(name=f"{name}_{side}", pbrMetallicRoughness=shade))
            primitives.append(gl.Primitive(attributes=attributes, material=len(self.gltf.materials) - 1))
        self.gltf.meshes.append(gl.Mesh(name=name, primitives=primitives))
        return len(self.gltf.meshes) - 1

    def _animate(self, node: int, what: str, times: int, values: Doubles, kind: str) -> None:
        import pygltflib as gl

        target = gl.AnimationChannelTarget(node=node, path=what)
        self.channels.append(gl.AnimationChannel(sampler=len(self.samplers), target=target))
        self.samplers.append(gl.AnimationSampler(input=times, output=self.array(values, kind), interpolation="LINEAR"))
