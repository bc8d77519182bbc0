from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from quantize.graph import QuantizeError, load_model, model_bytes, replace_constants
from quantize.half import half_graph
from quantize.runtime import channel_sqnr_db, outputs_of
from tests.quantize.graphs import batches, plain_graph, small_graph


def test_computes_nearly_the_same_from_half_the_weights() -> None:
    given = batches(3)
    data = half_graph(small_graph())
    assert min(channel_sqnr_db(outputs_of(plain_graph(), given), outputs_of(data, given))) > 50.0
    model = onnx.load_from_string(data)
    kinds = {item.name: numpy_helper.to_array(item).dtype for item in model.graph.initializer}
    # Only the factors of the upsampling stay in float32, as its definition wants.
    assert sorted(str(kind) for kind in kinds.values()).count("float32") == 1
    assert [node.op_type for node in model.graph.node][:: len(model.graph.node) - 1] == ["Cast", "Cast"]


def test_ends_stay_float32() -> None:
    model = onnx.load_from_string(half_graph(plain_graph()))
    for item in (*model.graph.input, *model.graph.output):
        assert item.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_a_constant_beyond_half_precision_is_named() -> None:
    model = replace_constants(load_model(plain_graph()), {"gas.bias": np.array([1e6], np.float32)})
    with pytest.raises(QuantizeError, match=r"gas\.bias"):
        half_graph(model_bytes(model))
