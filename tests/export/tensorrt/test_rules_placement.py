"""Placements that are allowed pass; placements like them that are not do not."""

from __future__ import annotations

import numpy as np
import pytest

from export.tensorrt.checker import check_model
from tests.export.tensorrt.graphs import Maker


def errors(data: bytes) -> list[tuple[str, str]]:
    return [(item.rule, item.node) for item in check_model(data, "x.onnx").errors]


def summed(maker: Maker, left_pair: bool, right_conv: bool, right_pair: bool) -> str:
    inner = maker.pair("inner", "x")
    left = maker.conv("conv1", inner)
    left = maker.pair("left", left) if left_pair else left
    right = maker.conv("conv2", inner) if right_conv else maker.node("Sigmoid", "sigmoid1", ["x"])
    right = maker.pair("right", right) if right_pair else right
    return maker.node("Add", "sum", [left, right])


@pytest.mark.parametrize("left_pair", [False, True])
@pytest.mark.parametrize("right_conv", [False, True])
@pytest.mark.parametrize("right_pair", [False, True])
def test_a_sum_may_have_one_float_input_if_a_quantized_convolution_makes_it(
    left_pair: bool, right_conv: bool, right_pair: bool
) -> None:
    maker = Maker()
    total = maker.pair("total", summed(maker, left_pair, right_conv, right_pair))
    fused = left_pair != right_pair and (right_conv or right_pair)
    allowed = (left_pair and right_pair) or fused
    assert errors(maker.model(maker.conv("head", total))) == ([] if allowed else [("residual", "sum")])
    maker = Maker()
    report = check_model(maker.model(summed(maker, left_pair, right_conv, right_pair)), "x.onnx")
    one_side = left_pair != right_pair
    assert [item.rule for item in report.findings] == (["residual-in-float"] if one_side else [])


def test_a_float_part_may_follow_a_quantized_one() -> None:
    maker = Maker()
    first = maker.conv("conv1", maker.pair("input", "x"))
    total = maker.node("Add", "sum", [first, maker.node("Sigmoid", "sigmoid1", ["x"])])
    assert errors(maker.model(total)) == []


def test_a_deliberate_float_layer_is_a_warning() -> None:
    maker = Maker()
    first = maker.node("Relu", "relu1", [maker.conv("conv1", maker.pair("input", "x"))])
    weight = maker.constant("weight", maker.random.normal(0, 0.2, (4, 4, 3, 3)))
    report = check_model(maker.model(maker.conv("conv2", first, weight=weight)), "x.onnx")
    assert [(item.rule, item.severity, item.node) for item in report.findings] == [
        ("left-in-float", "warning", "conv2")
    ]


def test_a_float_layer_may_read_what_is_rounded_for_another() -> None:
    maker = Maker()
    inner = maker.pair("input", "x")
    weight = maker.constant("weight", maker.random.normal(0, 0.2, (4, 4, 3, 3)))
    both = [maker.conv("conv1", inner), maker.conv("conv2", inner, weight=weight)]
    report = check_model(maker.model(maker.node("Mul", "mul1", both)), "x.onnx")
    assert [(item.rule, item.severity, item.node) for item in report.findings] == [
        ("left-in-float", "warning", "conv2")
    ]


def test_a_convolution_and_its_activation_stay_together() -> None:
    maker = Maker()
    first = maker.pair("middle", maker.conv("conv1", maker.pair("input", "x")))
    data = maker.model(maker.conv("conv2", maker.pair("next", maker.node("Relu", "relu1", [first]))))
    assert errors(data) == [("output-quantized", "conv1")]


def test_logits_are_found_behind_a_concat() -> None:
    maker = Maker()
    inner = maker.pair("input", "x")
    heads = [maker.pair(f"pair{i}", maker.conv(f"head{i}", inner, channels=2)) for i in range(2)]
    both = maker.node("Concat", "concat1", heads, axis=1)
    assert errors(maker.model(both)) == [("output-quantized", "head0"), ("output-quantized", "head1")]


def test_values_may_be_moved_between_a_pair_and_what_reads_it() -> None:
    maker = Maker()
    scales = maker.constant("scales", [1, 1, 2, 2])
    resized = maker.node("Resize", "resize1", [maker.pair("input", "x"), "", scales], mode="nearest")
    skip = maker.node("MaxPool", "pool1", [resized], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    total = maker.pair("total", maker.node("Add", "sum", [resized, skip]))
    assert errors(maker.model(maker.conv("conv1", total), out_shape=(1, 4, 16, 16))) == []


@pytest.mark.parametrize(("axis", "transposed", "good"), [(1, 0, True), (0, 0, False), (0, 1, True)])
def test_a_gemm_counts_its_outputs_along_the_right_axis(axis: int, transposed: int, good: bool) -> None:
    maker = Maker()
    weight = maker.weight("weight", (5, 6) if transposed else (6, 5), axis=axis)
    out = maker.node("Gemm", "gemm1", [maker.pair("input", "x"), weight], transB=transposed)
    found = errors(maker.model(out, shape=(3, 6), out_shape=(3, 5)))
    assert found == ([] if good else [("weight-axis", "gemm1")])


@pytest.mark.parametrize(("axis", "good"), [(1, True), (0, False)])
def test_a_matmul_and_a_deconvolution_count_along_their_second_axis(axis: int, good: bool) -> None:
    maker = Maker()
    product = maker.node(
        "MatMul", "matmul1", [maker.pair("input", "x"), maker.weight("weight", (6, 5), axis=axis)]
    )
    found = errors(maker.model(product, shape=(3, 6), out_shape=(3, 5)))
    assert found == ([] if good else [("weight-axis", "matmul1")])
    maker = Maker()
    weight = maker.weight("weight", (4, 3, 1, 1), axis=axis)
    up = maker.node("ConvTranspose", "up1", [maker.pair("input", "x"), weight])
    found = errors(maker.model(up, out_shape=(1, 3, 8, 8)))
    assert found == ([] if good else [("weight-axis", "up1")])


def test_one_output_channel_needs_one_scale_only() -> None:
    maker = Maker()
    weight = maker.weight("weight", (1, 4, 3, 3), per_tensor=True)
    head = maker.conv("head", maker.pair("input", "x"), channels=1, weight=weight)
    assert errors(maker.model(head, out_shape=(1, 1, 8, 8))) == []


def test_weights_quantized_in_the_graph_are_a_warning() -> None:
    maker = Maker()
    weight = maker.constant("weight", maker.random.normal(0, 0.2, (4, 4, 3, 3)))
    extra = [maker.constant("w_scale", np.full(4, 0.01)), maker.constant("w_point", np.zeros(4), np.int8)]
    quantized = maker.node("QuantizeLinear", "w_q", [weight, *extra], axis=0)
    given = maker.node("DequantizeLinear", "w_dq", [quantized, *extra], axis=0)
    report = check_model(maker.model(maker.conv("conv1", maker.pair("input", "x"), weight=given)), "x.onnx")
    assert [(item.rule, item.severity) for item in report.findings] == [("float-weight", "warning")]
