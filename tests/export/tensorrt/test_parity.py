"""Comparison with ONNX Runtime: what is close passes, what is not does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.tensorrt.findings import Precision
from export.tensorrt.parity import compare, graph_shape, reference_run, require_parity, seeded_input
from onboard.errors import BundleError, UsageError
from tests.export.tensorrt.broken import double_graph
from tests.export.tensorrt.graphs import SHAPE, Maker, good_float, good_quantized

VALUES = np.random.default_rng(3).normal(0, 2, 4000).astype(np.float32)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_equal_values_pass(precision: Precision) -> None:
    parity = compare(VALUES, VALUES.copy(), sample="s", precision=precision)
    assert parity.passed
    assert (parity.largest, parity.same_sign) == (0.0, 1.0)
    require_parity(parity, "body.onnx")


@given(st.floats(1e-5, 1.0), st.sampled_from([("int8", 30), ("float16", 40)]))
@settings(max_examples=50, deadline=None)
def test_noise_is_judged_by_its_share(share: float, rule: tuple[Precision, float]) -> None:
    noise = np.random.default_rng(4).normal(0, 2 * share, VALUES.shape).astype(np.float32)
    parity = compare(VALUES, VALUES + noise, sample="s", precision=rule[0])
    assert parity.sqnr_db == pytest.approx(-20 * np.log10(share), abs=0.5)
    assert parity.passed == (parity.sqnr_db >= rule[1] and parity.same_sign >= 0.999)


def test_one_wrong_float_value_is_enough() -> None:
    found = VALUES.copy()
    found[7] += 0.01 + 0.01 * abs(found[7])
    parity = compare(VALUES, found, sample="s", precision="float32")
    assert not parity.passed
    with pytest.raises(BundleError, match=r"body\.onnx"):
        require_parity(parity, "body.onnx")
    assert compare(VALUES, found, sample="s", precision="int8").passed


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_never_passes(bad: float, precision: Precision) -> None:
    found = VALUES.copy()
    found[0] = bad
    assert not compare(VALUES, found, sample="s", precision=precision).passed


def test_inputs_are_seeded_and_graphs_run() -> None:
    assert graph_shape(good_quantized()) == SHAPE
    assert np.array_equal(seeded_input(SHAPE), seeded_input(SHAPE))
    assert reference_run(good_float())(seeded_input(SHAPE)).shape == SHAPE


def test_graphs_of_other_forms_are_refused() -> None:
    with pytest.raises(UsageError, match="float32"):
        graph_shape(double_graph())
    maker = Maker()
    data = maker.model(maker.node("Relu", "relu1", ["x"]))
    import onnx

    model = onnx.load_from_string(data)
    model.graph.output.append(model.graph.input[0])
    with pytest.raises(UsageError, match="one input and one output"):
        graph_shape(model.SerializeToString())
