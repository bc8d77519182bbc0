"""Forms that the parser reads pass, up to their limits."""

from __future__ import annotations

import pytest

from export.tensorrt.checker import check_model
from tests.export.tensorrt.graphs import Maker, good_float, good_quantized


@pytest.mark.parametrize("opset", [13, 17, 20])
def test_operator_sets_that_all_releases_read_pass(opset: int) -> None:
    assert check_model(good_quantized(opset), "x.onnx").errors == ()


def test_an_operator_set_beyond_them_does_not() -> None:
    (error,) = check_model(good_quantized(21), "x.onnx").errors
    assert (error.rule, error.found) == ("opset", "opset 21, where 13 to 20 are read")


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize(
    "transformation", ["asymmetric", "half_pixel", "align_corners", "tf_crop_and_resize"]
)
def test_upsampling(mode: str, transformation: str) -> None:
    maker = Maker()
    scales = maker.constant("scales", [1, 1, 2, 2])
    out = maker.node(
        "Resize", "resize1", ["x", "", scales], mode=mode, coordinate_transformation_mode=transformation
    )
    report = check_model(maker.model(out, out_shape=(1, 4, 16, 16)), "x.onnx")
    assert bool(report.errors) == (transformation == "tf_crop_and_resize")


@pytest.mark.parametrize("window", [[3], [3, 3], [3, 3, 3]])
def test_pooling_is_in_two_or_three_dimensions(window: list[int]) -> None:
    maker = Maker()
    size = len(window)
    shape = (1, 4, *[8] * size)
    out = maker.node("AveragePool", "pool1", ["x"], kernel_shape=window, pads=[1] * (2 * size))
    report = check_model(maker.model(out, shape=shape), "x.onnx")
    assert bool(report.errors) == (size == 1)


def test_an_unknown_output_size_is_named_where_it_begins() -> None:
    maker = Maker()
    out = maker.node("Relu", "relu1", ["x"])
    report = check_model(maker.model(out, shape=(1, "bands", 8, 8)), "x.onnx")
    assert {(item.rule, item.node, item.found) for item in report.errors} == {
        ("dynamic-shape", "x", "shape (1, ?, 8, 8)"),
        ("dynamic-shape", "relu1_out", "shape (1, ?, 8, 8)"),
    }
    assert check_model(good_float(), "x.onnx").errors == ()
