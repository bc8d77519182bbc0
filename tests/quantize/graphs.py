"""A small network with all that matters: skip connection, upsampling, depthwise layers, two heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
CHANNELS, OUTPUTS = 6, 3


def conv(name: str, source: str, result: str, *, kernel: int = 1, group: int = 1, stride: int = 1) -> Any:
    """Return a convolution whose weight is called after it."""
    inputs = [source, f"{name}.weight", f"{name}.bias"]
    pads = [kernel // 2] * 4 if stride == 1 else [0] * 4
    sizes: dict[str, Any] = {"kernel_shape": [kernel] * 2, "pads": pads, "strides": [stride] * 2}
    return helper.make_node("Conv", inputs, [result], f"node_{name}", group=group, **sizes)


def relu(source: str, result: str) -> Any:
    """Return a ReLU."""
    return helper.make_node("Relu", [source], [result], f"node_{result}")


def small_graph(size: int = 16, seed: int = 0) -> bytes:
    """Return a float graph of (1, 6, size, size) to (1, 3, size, size)."""
    random = np.random.default_rng(seed)
    shapes = {
        "enter": (8, 6, 1),
        "deep": (8, 1, 3),
        "down": (12, 8, 2),
        "back": (8, 12, 1),
        "gas": (1, 8, 1),
        "ground": (2, 8, 3),
    }
    constants = {"scales": np.array([1, 1, 2, 2], np.float32), "unused": np.ones(3, np.float32)}
    for name, (outputs, inputs, kernel) in shapes.items():
        spread = (inputs * kernel * kernel) ** -0.5
        weight = random.normal(0.0, spread, (outputs, inputs, kernel, kernel))
        constants[f"{name}.weight"] = (weight * random.uniform(0.3, 2.0, (outputs, 1, 1, 1))).astype(
            np.float32
        )
        constants[f"{name}.bias"] = random.normal(0.0, 0.3, outputs).astype(np.float32)
    nodes = [
        conv("enter", "features", "e0"), relu("e0", "e1"),
        conv("deep", "e1", "d0", kernel=3, group=8), relu("d0", "d1"),
        conv("down", "d1", "w0", kernel=2, stride=2), relu("w0", "w1"),
        conv("back", "w1", "b0"), relu("b0", "b1"),
        helper.make_node("Resize", ["b1", "", "scales"], ["b2"], "node_up", mode="nearest",
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        helper.make_node("Add", ["b2", "d1"], ["sum"], "node_sum"),
        conv("gas", "sum", "g"), conv("ground", "sum", "m", kernel=3),
        helper.make_node("Concat", ["g", "m"], ["logits"], "node_cat", axis=1),
        relu("e0", "nobody"),
    ]  # fmt: skip
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "small",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, CHANNELS, size, size])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, OUTPUTS, size, size])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def plain_graph(size: int = 16, seed: int = 0) -> bytes:
    """Return the small graph without its dead node and constant."""
    from quantize.graph import drop_dead

    model = onnx.load_from_string(small_graph(size, seed))
    drop_dead(model)
    return bytes(model.SerializeToString())


def clipped_graph(size: int = 16, seed: int = 0) -> bytes:
    """Return the same with clips between 0 and 1 in place of ReLUs, as MobileNets have ReLU6."""
    model = onnx.load_from_string(plain_graph(size, seed))
    for name, value in (("low", 0.0), ("high", 1.0)):
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Clip"
            node.input.extend(["low", "high"])
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def batches(count: int = 3, size: int = 16, seed: int = 5) -> list[Array]:
    """Return seeded inputs of the small graph."""
    random = np.random.default_rng(seed)
    return [random.normal(0.0, 1.0, (1, CHANNELS, size, size)).astype(np.float32) for _ in range(count)]


def operators(data: bytes) -> list[str]:
    """Return the operators of a graph, in order."""
    return [node.op_type for node in onnx.load_from_string(data).graph.node]
