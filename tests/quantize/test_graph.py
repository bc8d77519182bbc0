from __future__ import annotations

import numpy as np
import onnx
import pytest

from quantize.graph import (
    QuantizeError,
    compact,
    drop_dead,
    layers_of,
    load_model,
    model_bytes,
    replace_constants,
    with_input_shape,
    with_outputs,
)
from quantize.runtime import outputs_of
from tests.quantize.graphs import batches, plain_graph, small_graph


def test_layers_are_named_after_their_weights_and_end_behind_their_relu() -> None:
    layers = layers_of(load_model(plain_graph()))
    assert [layer.name for layer in layers] == ["enter", "deep", "down", "back", "gas", "ground"]
    assert [layer.output for layer in layers] == ["e1", "d1", "w1", "b1", "g", "m"]
    assert layers[1].bias == "deep.bias"


def test_dead_nodes_and_constants_go_and_the_result_stays() -> None:
    before = small_graph()
    model = load_model(before)
    assert drop_dead(model) == 2
    assert "unused" not in {item.name for item in model.graph.initializer}
    given = batches(1)
    assert np.array_equal(outputs_of(before, given), outputs_of(model_bytes(model), given))
    assert drop_dead(model) == 0


def test_shorter_names_and_unsaid_defaults_compute_the_same_from_fewer_bytes() -> None:
    before = plain_graph()
    model = load_model(before)
    compact(model)
    after = model_bytes(model)
    onnx.checker.check_model(model, full_check=True)
    assert len(after) < len(before)
    assert [node.name for node in model.graph.node] == [node.name for node in load_model(before).graph.node]
    given = batches(1)
    assert np.array_equal(outputs_of(before, given), outputs_of(after, given))


def test_another_window_computes_the_same_inside_of_it() -> None:
    small, large = load_model(plain_graph(16)), with_input_shape(load_model(plain_graph(16)), (1, 6, 24, 32))
    given = np.random.default_rng(0).normal(size=(1, 6, 24, 32)).astype(np.float32)
    whole = outputs_of(model_bytes(large), [given])
    part = outputs_of(model_bytes(small), [np.ascontiguousarray(given[:, :, :16, :16])])
    assert whole.shape == (1, 3, 24, 32)
    assert np.allclose(whole[:, :, :12, :12], part[:, :, :12, :12], atol=1e-5)


def test_other_tensors_can_be_watched() -> None:
    model = with_outputs(load_model(plain_graph()), ["e1", "sum", "e1"])
    assert [item.name for item in model.graph.output] == ["e1", "sum"]
    assert outputs_of(model_bytes(model), batches(1)).min() >= 0.0


def test_constants_can_be_replaced_without_touching_the_first_graph() -> None:
    model = load_model(plain_graph())
    changed = replace_constants(model, {"gas.bias": np.array([7.0], np.float32)})
    given = batches(1)
    first, second = outputs_of(model_bytes(model), given), outputs_of(model_bytes(changed), given)
    assert np.allclose(second[:, 1:], first[:, 1:])
    assert (second[:, 0] - first[:, 0]).std() < 1e-5


def test_bytes_that_are_no_graph_are_refused() -> None:
    with pytest.raises(QuantizeError, match="cannot be read"):
        load_model(b"no graph at all")
