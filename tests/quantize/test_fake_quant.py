from __future__ import annotations

import numpy as np
import pytest
import torch

from quantize.affine import Form, Range, affine_of
from quantize.fake_quant import FakeQuantGraph, fake_quantize
from quantize.post_training import Calibrated, calibrate
from quantize.runtime import outputs_of
from tests.quantize.graphs import Array, batches, clipped_graph, plain_graph


@pytest.fixture(scope="module", params=[plain_graph, clipped_graph])
def exact(request: pytest.FixtureRequest) -> bytes:
    return bytes(request.param())


@pytest.fixture(scope="module")
def calibrated(exact: bytes) -> Calibrated:
    return calibrate(exact, batches(4))


def run(graph: FakeQuantGraph, given: list[Array]) -> Array:
    with torch.no_grad():
        return np.concatenate([graph(torch.from_numpy(batch)).numpy() for batch in given])


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("kept", [(), ("down", "ground")])
def test_computes_what_the_exported_graph_computes(
    calibrated: Calibrated, form: Form, kept: tuple[str, ...]
) -> None:
    graph = FakeQuantGraph(calibrated, kept)
    graph.form = form
    given = batches(6, seed=31)
    difference = np.abs(run(graph, given) - outputs_of(calibrated.quantized(form, kept), given, exact=True))
    step = max(float(affine_of(calibrated.spans[name], form).scale) for name in ("g", "m"))
    # Sums in another order tip a rounding now and then, and one tipped number may tip others behind it.
    assert np.mean(difference > 1e-4) < 0.01
    assert difference.max() < 4.0 * step


def test_without_a_form_it_is_the_float_graph(calibrated: Calibrated, exact: bytes) -> None:
    graph = FakeQuantGraph(calibrated)
    graph.form = None
    given = batches(2, seed=32)
    assert np.allclose(run(graph, given), outputs_of(exact, given), atol=1e-5)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("whole", [True, False])
def test_rounds_as_the_stored_numbers_do(form: Form, whole: bool) -> None:
    values = np.random.default_rng(2).normal(0.0, 2.0, 5000).astype(np.float32)
    span = Range(-1.7, 4.1, whole)
    found = fake_quantize(
        torch.from_numpy(values), torch.tensor(span.low), torch.tensor(span.high), form, whole
    )
    assert np.mean(np.abs(found.numpy() - affine_of(span, form).rounded(values)) > 1e-5) < 0.002


def test_gradients_reach_weights_and_ranges(calibrated: Calibrated) -> None:
    graph = FakeQuantGraph(calibrated)
    graph(torch.from_numpy(batches(1)[0])).square().sum().backward()
    assert all(item.grad is not None and item.grad.abs().sum() > 0 for item in graph.weights.values())
    touched = [item.grad is not None and item.grad.abs().sum() > 0 for item in graph.highs.values()]
    assert all(touched)


def test_what_was_learned_is_exported(calibrated: Calibrated) -> None:
    graph = FakeQuantGraph(calibrated)
    with torch.no_grad():
        for item in graph.weights.values():
            item.mul_(1.1)
        for item in graph.highs.values():
            item.mul_(1.3)
    learned = graph.learned()
    assert learned.spans["e1"].high == pytest.approx(1.3 * calibrated.spans["e1"].high, rel=1e-5)
    given = batches(3, seed=33)
    again = FakeQuantGraph(learned)
    assert np.allclose(run(again, given), run(graph, given), atol=1e-4)
    assert (
        np.mean(
            np.abs(outputs_of(learned.quantized(Form.UNSIGNED), given, exact=True) - run(graph, given)) > 1e-4
        )
        < 0.01
    )
