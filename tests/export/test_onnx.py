"""Graphs are static, plain, and compute what their network computes."""

from __future__ import annotations

import onnx
import pytest
import torch

from export.onnx import OPSET, ExportError, Graph, check_graph, check_parity, export_graph, weights_in


class Small(torch.nn.Module):
    """Convolution, batch norm, ReLU, upsampling: what bodies are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(2, 3, 2, stride=2), torch.nn.BatchNorm2d(3), torch.nn.ReLU(inplace=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(self.layers(x), scale_factor=2.0, mode="nearest")


def exported(module: torch.nn.Module, shape: tuple[int, ...] = (1, 2, 4, 8)) -> Graph:
    return export_graph(module, name="part", input_name="features", input_shape=shape, output_name="logits")


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(1)
    return exported(Small())


def test_names_and_shapes_are_fixed(graph: Graph) -> None:
    model = onnx.load_from_string(graph.data)
    assert [item.name for item in model.graph.input] == ["features"]
    assert [item.name for item in model.graph.output] == ["logits"]
    assert (graph.input_shape, graph.output_shape) == ((1, 2, 4, 8), (1, 3, 4, 8))
    assert [item.version for item in model.opset_import] == [OPSET]


def test_batch_norm_is_folded_and_operators_are_counted(graph: Graph) -> None:
    assert graph.operators == {"Conv": 1, "Relu": 1, "Resize": 1}
    assert graph.parity < 1e-5


def test_weights_are_counted_as_they_fly(graph: Graph) -> None:
    """3 x 2 x 2 x 2 weights and 3 biases: the norm's four times three numbers are in them."""
    assert weights_in(graph) == 27
    assert weights_in(exported(torch.nn.Linear(3, 2), (4, 3))) == 8


def test_nothing_of_the_machine_is_left_in_the_file(graph: Graph) -> None:
    for word in (b"site-packages", b".py", b"torch", b"Small", b"tests"):
        assert word not in graph.data


def test_the_same_network_gives_the_same_bytes(graph: Graph) -> None:
    torch.manual_seed(1)
    assert exported(Small()).data == graph.data


def test_the_mode_of_the_network_is_left_as_it_was() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout()).train()
    assert exported(module, (4, 3)).operators == {"Gemm": 1}
    assert module.training


def test_operators_that_flight_avoids_are_named() -> None:
    with pytest.raises(ExportError, match="Softmax"):
        exported(torch.nn.Softmax(dim=1))


def test_a_graph_that_computes_something_else_is_refused(graph: Graph) -> None:
    with pytest.raises(ExportError, match="a difference of"):
        check_parity(Small().eval(), graph.data, name="part", input_shape=(1, 2, 4, 8))


def test_a_network_that_gives_nan_is_refused() -> None:
    class Nan(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * float("nan")

    with pytest.raises(ExportError, match="a difference of"):
        exported(Nan())


def changed(graph: Graph, change: str) -> bytes:
    model = onnx.load_from_string(graph.data)
    value = model.graph.input[0]
    if change == "dynamic":
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
        del model.graph.output[0].type.tensor_type.shape.dim[0]
        model.graph.output[0].type.tensor_type.shape.dim.insert(
            0, onnx.TensorShapeProto.Dimension(dim_param="batch")
        )
    elif change == "opset":
        model.opset_import[0].version = OPSET + 1
    elif change == "domain":
        model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "message"),
    [("dynamic", "dynamic shape"), ("opset", "operator sets"), ("domain", "operator sets")],
)
def test_a_graph_that_flight_cannot_run_is_refused(graph: Graph, change: str, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        check_graph(changed(graph, change), "part", "features", "logits")


def test_other_names_are_refused(graph: Graph) -> None:
    with pytest.raises(ExportError, match="wrong inputs"):
        check_graph(graph.data, "part", "x", "logits")
    with pytest.raises(ExportError, match="wrong outputs"):
        check_graph(graph.data, "part", "features", "y")
