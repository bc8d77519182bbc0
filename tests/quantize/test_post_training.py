from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from export.tensorrt.checker import check_model
from quantize.affine import Form
from quantize.graph import QuantizeError, model_bytes
from quantize.observers import OBSERVERS
from quantize.post_training import Calibrated, calibrate
from quantize.runtime import channel_sqnr_db, open_session, outputs_of
from quantize.search import WHOLE
from tests.quantize.graphs import batches, operators, plain_graph, small_graph


def constants_of(model: Any) -> list[Any]:
    return [numpy_helper.to_array(item) for item in model.graph.initializer]


def fused_operators(data: bytes, folder: Path) -> list[str]:
    """Return the operators that ONNX Runtime runs."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "fused.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(folder / "fused.onnx").graph.node]


@pytest.fixture(scope="module")
def calibrated() -> Calibrated:
    return calibrate(plain_graph(), batches(6))


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("quantize_outputs", [True, False])
def test_outputs_stay_close_in_both_forms(calibrated: Calibrated, form: Form, quantize_outputs: bool) -> None:
    fresh = batches(4, seed=77)
    exact = outputs_of(plain_graph(), fresh)
    data = calibrated.quantized(form, quantize_outputs=quantize_outputs)
    assert min(channel_sqnr_db(exact, outputs_of(data, fresh, exact=True))) > 25.0


def test_the_two_forms_of_one_calibration_agree(calibrated: Calibrated) -> None:
    fresh = batches(4, seed=78)
    unsigned, signed = (outputs_of(calibrated.quantized(form), fresh, exact=True) for form in Form)
    assert min(channel_sqnr_db(unsigned, signed)) > 25.0


@pytest.mark.parametrize("form", Form)
def test_weights_are_stored_as_int8_and_signed_zero_points_are_zero(
    calibrated: Calibrated, form: Form
) -> None:
    model = onnx.load_from_string(calibrated.quantized(form))
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    weights = [value for value in constants.values() if value.ndim == 4]
    assert len(weights) == 6
    assert all(value.dtype == np.int8 and np.abs(value).max() == 127 for value in weights)
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            zero = constants[node.input[2]]
            assert form is Form.UNSIGNED or (zero.dtype == np.int8 and not zero.any())
    assert set(operators(model_bytes(model))) == {
        "QuantizeLinear", "DequantizeLinear", "Conv", "Relu", "Resize", "Add", "Concat"
    }  # fmt: skip


def test_upsampling_keeps_scale_and_zero_point(calibrated: Calibrated) -> None:
    model = onnx.load_from_string(calibrated.quantized(Form.UNSIGNED))
    made = {name: node for node in model.graph.node for name in node.output}
    resize = next(node for node in model.graph.node if node.op_type == "Resize")
    before = made[resize.input[0]]
    after = next(node for node in model.graph.node if resize.output[0] in node.input)
    assert (before.op_type, after.op_type) == ("DequantizeLinear", "QuantizeLinear")
    assert list(before.input[1:]) == list(after.input[1:])


def test_onnx_runtime_runs_the_unsigned_form_in_integers_alone(
    calibrated: Calibrated, tmp_path: Path
) -> None:
    found = fused_operators(calibrated.quantized(Form.UNSIGNED), tmp_path)
    assert found.count("QLinearConv") == 6
    assert found.count("QLinearAdd") == 1
    assert not {"Conv", "FusedConv", "Relu"}.intersection(found)


def test_layers_kept_in_float_keep_their_weights(calibrated: Calibrated, tmp_path: Path) -> None:
    # "down" lies between rounded tensors: just where ONNX Runtime would quantize it unasked.
    data = calibrated.quantized(Form.UNSIGNED, ["gas", "down"])
    kinds = [value.dtype.name for value in constants_of(onnx.load_from_string(data)) if value.ndim == 4]
    assert sorted(kinds) == ["float32"] * 2 + ["int8"] * 4
    assert "QLinearConv" in fused_operators(data, tmp_path)
    assert fused_operators(data, tmp_path).count("QLinearConv") <= 4
    given = batches(3, seed=5)
    assert np.abs(outputs_of(data, given) - outputs_of(data, given, exact=True)).mean() < 0.01


def test_keeping_all_layers_in_float_is_the_float_graph(calibrated: Calibrated) -> None:
    given = batches(2, seed=6)
    data = calibrated.quantized(Form.SIGNED, calibrated.layer_names)
    assert "QuantizeLinear" not in operators(data)
    assert np.allclose(outputs_of(data, given), outputs_of(plain_graph(), given), atol=1e-6)


def test_the_signed_form_passes_the_rules_of_tensorrt(calibrated: Calibrated) -> None:
    found = check_model(calibrated.quantized(Form.SIGNED), "body").findings
    assert not [item for item in found if item.severity == "error"]
    assert check_model(calibrated.quantized(Form.UNSIGNED), "body").findings


def test_the_same_calibration_gives_the_same_bytes_and_dead_nodes_go() -> None:
    first, second = (calibrate(small_graph(), batches(2)).quantized(Form.UNSIGNED) for _ in range(2))
    assert first == second
    assert operators(first).count("Relu") == 4
    assert open_session(first).get_inputs()[0].shape == [1, 6, 16, 16]


def test_each_observers_cost_is_reported(calibrated: Calibrated) -> None:
    assert set(calibrated.choices["e1"].sqnr_db) == set(OBSERVERS)
    choice = calibrated.choices["features"]
    assert set(choice.sqnr_db) == {name + kind for name in OBSERVERS for kind in ("", WHOLE)}
    assert choice.sqnr_db[choice.observer] == max(choice.sqnr_db.values())
    assert choice.as_dict()["range"] == [choice.span.low, choice.span.high]


def test_a_plane_of_ones_is_not_rounded_away() -> None:
    given = batches(4)
    for batch in given:
        batch[:, 0], batch[0, 1, 0, 0] = 1.0, 9.7
    chosen = calibrate(plain_graph(), given).choices["features"]
    assert chosen.span.whole
    assert chosen.observer.endswith(WHOLE)


def test_an_empty_calibration_set_is_refused() -> None:
    with pytest.raises(QuantizeError, match="calibration set"):
        calibrate(plain_graph(), [])


def test_another_window_is_quantized_alike(calibrated: Calibrated) -> None:
    wide = calibrated.for_shape((1, 6, 32, 32)).quantized(Form.UNSIGNED)
    assert open_session(wide).get_outputs()[0].shape == [1, 3, 32, 32]
    assert operators(wide) == operators(calibrated.quantized(Form.UNSIGNED))
