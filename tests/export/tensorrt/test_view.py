"""The view finds makers, readers, types and constants."""

from __future__ import annotations

import onnx
import pytest

from export.tensorrt.view import ACTIVATIONS, CARRIERS, GraphView
from onboard.errors import BundleError
from tests.export.tensorrt.graphs import SHAPE, Maker, good_float, good_quantized


def test_makers_readers_shapes_and_constants() -> None:
    view = GraphView(good_quantized(), "x.onnx")
    assert (view.opset, view.quantized, view.inputs) == (18, True, ["x"])
    assert view.shape("x") == view.shape("conv1_out") == SHAPE
    assert view.is_weight("conv1_weight_dq_out")
    assert not view.is_weight("conv1_out")
    assert view.constant("input_scale") == pytest.approx(0.02)
    assert view.constant("conv1_out") is None
    source = view.source("relu2_out", ACTIVATIONS)
    assert source is not None
    assert source.name == "sum"
    assert view.shape("nothing") is None
    assert view.element_type("nothing") == 0


def test_readers_are_found_behind_carriers() -> None:
    maker = Maker()
    moved = maker.node("Transpose", "move", [maker.node("Relu", "relu", ["x"])], perm=[0, 1, 3, 2])
    view = GraphView(maker.model(maker.node("Neg", "neg", [moved])), "x.onnx")
    assert [node.name for node in view.readers("relu_out") if node is not None] == ["neg"]
    assert list(view.readers("neg_out")) == [None]
    assert view.source("move_out", CARRIERS) is view.producer["relu_out"]


def test_a_node_without_name_is_called_by_its_output() -> None:
    model = onnx.load_from_string(good_quantized())
    model.graph.node[0].name = ""
    view = GraphView(model.SerializeToString(), "x.onnx")
    assert view.label(view.nodes[0]) == "QuantizeLinear -> input_q_out"


def test_weights_elsewhere_are_refused() -> None:
    model = onnx.load_from_string(good_quantized())
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(BundleError, match="other files"):
        GraphView(model.SerializeToString(), "x.onnx")


def test_a_graph_with_a_loose_end_is_refused() -> None:
    model = onnx.load_from_string(good_quantized())
    model.graph.node[1].input[0] = "nowhere"
    with pytest.raises(BundleError, match="no valid ONNX graph"):
        GraphView(model.SerializeToString(), "x.onnx")


def test_the_narrowest_type_is_named() -> None:
    assert GraphView(good_quantized(), "x.onnx").precision == "int8"
    assert GraphView(good_float(), "x.onnx").precision == "float32"
    maker = Maker()
    half = maker.node("Cast", "narrow", ["x"], to=onnx.TensorProto.FLOAT16)
    wide = maker.node("Cast", "widen", [maker.node("Relu", "relu", [half])], to=onnx.TensorProto.FLOAT)
    assert GraphView(maker.model(wide), "x.onnx").precision == "float16"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [("value_float", 0.5, 0.5), ("value_floats", [0.5, 2.0], [0.5, 2.0]), ("value_int", 3, 3)],
)
def test_constants_may_be_plain_numbers(name: str, given: object, expected: object) -> None:
    maker = Maker()
    maker.node("Constant", "c", [], **{name: given})
    view = GraphView(maker.model(maker.node("Neg", "neg", ["x"])), "x.onnx")
    found = view.constant("c_out")
    assert found is not None
    assert found.tolist() == pytest.approx(expected)
