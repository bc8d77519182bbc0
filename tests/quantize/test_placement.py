from __future__ import annotations

import onnx
import pytest

from quantize.graph import QuantizeError, load_model
from quantize.placement import find_sites, place
from tests.quantize.graphs import clipped_graph, plain_graph


def test_what_upsampling_leaves_shares_its_inputs_range_and_nothing_splits_conv_from_relu() -> None:
    sites = find_sites(load_model(plain_graph()))
    assert sites.group["b2"] == "b1"
    assert not {"e0", "d0", "w0", "b0"}.intersection(sites.group)
    assert sites.names == ["features", "e1", "d1", "w1", "b1", "sum", "g", "m", "logits"]
    assert sites.finals == ("g", "m")


def test_nothing_splits_conv_from_clip() -> None:
    plain, clipped = (load_model(graph) for graph in (plain_graph(), clipped_graph()))
    assert find_sites(clipped).group == find_sites(plain).group
    assert place(clipped, find_sites(clipped)).tensors == place(plain, find_sites(plain)).tensors


def test_all_layers_quantized_round_every_tensor_between_them_and_both_branches_of_the_skip() -> None:
    model = load_model(plain_graph())
    sites = find_sites(model)
    placed = place(model, sites, quantize_outputs=False)
    assert placed.tensors == ("features", "e1", "d1", "w1", "b1", "b2", "sum")
    assert [layer.name for layer in placed.layers] == [layer.name for layer in sites.layers]
    assert place(model, sites).tensors == (*placed.tensors, "g", "m")


def test_tensors_that_only_float_layers_read_stay_float() -> None:
    model = load_model(plain_graph())
    sites = find_sites(model)
    assert place(model, sites, ["gas", "ground"]).tensors == ("features", "e1", "d1", "w1")
    assert place(model, sites, ["enter"], quantize_outputs=False).tensors == (
        "e1",
        "d1",
        "w1",
        "b1",
        "b2",
        "sum",
    )
    assert place(model, sites, [layer.name for layer in sites.layers]).tensors == ()


def test_a_layer_that_is_not_there_is_named() -> None:
    model = load_model(plain_graph())
    with pytest.raises(QuantizeError, match="nowhere"):
        place(model, find_sites(model), ["nowhere"])


def test_an_upsampling_that_interpolates_is_refused() -> None:
    model = load_model(plain_graph())
    for node in model.graph.node:
        for item in node.attribute:
            if node.op_type == "Resize" and item.name == "mode":
                item.CopyFrom(onnx.helper.make_attribute("mode", "linear"))
    with pytest.raises(QuantizeError, match="node_up"):
        find_sites(model)
