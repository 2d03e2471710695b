"""Tiny ONNX models that see coloured spots, so that the `onnx` detector is tested without anybody's weights.

A joint is the brightest place of one colour: red, green or blue, a left joint's the same as its right one's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = (48, 64)  # width, height of the key point models' input
BOX_SIZE = 64


def save(
    path: Path, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], outputs: list[str], size: tuple[int, int]
) -> Path:
    """Write a model of one input `picture` (1, 3, height, width)."""
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, size[1], size[0]])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def channels(joints: int) -> np.ndarray:
    """Return the colour (joints,) of every joint: COCO's pairs follow the nose."""
    return (np.arange(joints) + 1) // 2 % 3


def heatmap_model(path: Path, joints: int = 17) -> Path:
    """Write a model whose heat maps are the colours' brightness, 4 pixels a cell."""
    nodes = [
        helper.make_node("AveragePool", ["picture"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "kernel"], ["maps"]),
    ]
    kernel = np.eye(3, dtype=np.float32)[channels(joints)].reshape(joints, 3, 1, 1)
    return save(path, nodes, {"kernel": kernel}, ["maps"], SIZE)


def simcc_model(path: Path, joints: int = 17, swapped: bool = False) -> Path:
    """Write a SimCC model: the colours' brightness along x and y, two bins a pixel."""
    constants: dict[str, np.ndarray] = {"channels": channels(joints)}
    nodes = []
    for name, axis, length in (("across", 2, SIZE[0]), ("down", 3, SIZE[1])):
        constants[f"twice_{name}"] = np.kron(np.eye(length), [[1, 0.99]]).astype(np.float32)
        nodes += [
            helper.make_node("ReduceMax", ["picture"], [f"line_{name}"], axes=[axis], keepdims=0),
            helper.make_node("Gather", [f"line_{name}", "channels"], [f"all_{name}"], axis=1),
            helper.make_node("MatMul", [f"all_{name}", f"twice_{name}"], [name]),
        ]
    return save(path, nodes, constants, ["down", "across"] if swapped else ["across", "down"], SIZE)


def constant_model(path: Path, *outputs: np.ndarray, size: int = BOX_SIZE) -> Path:
    """Write a model that gives the same outputs for any picture."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    constants = {"zero": np.array(0, np.float32)}
    for index, output in enumerate(outputs):
        constants[f"value_{index}"] = output.astype(np.float32)
        nodes.append(helper.make_node("Add", [f"value_{index}", "nothing"], [f"output_{index}"]))
    return save(path, nodes, constants, [f"output_{index}" for index in range(len(outputs))], (size, size))


def external_model(path: Path, location: str) -> Path:
    """Write a heat map model that says its weights lie at `location`."""
    heatmap_model(path)
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    raw = numpy_helper.to_array(tensor).tobytes()
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(raw)))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())
    return path
