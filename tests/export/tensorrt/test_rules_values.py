"""What stands in Q/DQ nodes: shared scales, other types, pairs."""

from __future__ import annotations

import numpy as np
from onnx import helper

from export.tensorrt.checker import check_model
from tests.export.tensorrt.graphs import Maker


def test_a_pair_with_two_scales_is_a_warning() -> None:
    maker = Maker()
    point = maker.constant("point", 0, np.int8)
    quantized = maker.node("QuantizeLinear", "q", ["x", maker.constant("one", 0.02), point])
    given = maker.node("DequantizeLinear", "dq", [quantized, maker.constant("two", 0.03), point])
    report = check_model(maker.model(maker.conv("conv1", given)), "x.onnx")
    assert [(item.rule, item.severity, item.node) for item in report.findings] == [
        ("pair-scale", "warning", "dq")
    ]


def test_one_constant_may_serve_many_nodes() -> None:
    maker = Maker()
    extra = [maker.constant("scale", 0.02), maker.constant("point", 0, np.int8)]
    tensor = "x"
    for index in range(3):
        quantized = maker.node("QuantizeLinear", f"q{index}", [tensor, *extra])
        tensor = maker.node("DequantizeLinear", f"dq{index}", [quantized, *extra])
    assert check_model(maker.model(maker.conv("conv1", tensor)), "x.onnx").findings == ()


def test_constants_may_be_nodes() -> None:
    maker = Maker()
    data = maker.pair("input", "x")
    for name in list(maker.constants):
        tensor = maker.constants.pop(name)
        node = helper.make_node("Constant", [], [name], name=f"{name}_node", value=tensor)
        maker.nodes.insert(0, node)
    assert check_model(maker.model(maker.conv("conv1", data)), "x.onnx").findings == ()


def test_an_int16_pair_is_named() -> None:
    maker = Maker()
    data = maker.model(maker.conv("conv1", maker.pair("input", "x", kind=np.int16)), opset=20)
    report = check_model(data, "x.onnx")
    assert {item.rule for item in report.errors} == {"int8-only"}
    assert "INT16" in report.errors[0].found
