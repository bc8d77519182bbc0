from __future__ import annotations

import numpy as np
import onnx
import pytest

from quantize.affine import Form, affine_of
from quantize.graph import load_model
from quantize.observers import OBSERVERS, Histogram
from quantize.placement import find_sites
from quantize.qdq import rounded_activations
from quantize.runtime import channel_sqnr_db, outputs_of
from quantize.search import choose_ranges, watched_graph
from tests.quantize.graphs import batches, plain_graph


def flat(low: float, high: float) -> Histogram:
    return Histogram(np.ones(2048), low, high)


def test_the_chosen_range_is_the_one_whose_rounding_costs_the_outputs_least() -> None:
    model, given = load_model(plain_graph()), batches(2)
    sites = find_sites(model)
    seen = {
        name: flat(-6.0 if name in ("features", "g", "m", "logits") else 0.0, 6.0) for name in sites.names
    }
    chosen = choose_ranges(model, sites, seen, given)
    exact = outputs_of(plain_graph(), given)
    for name, observe in OBSERVERS.items():
        span = observe(seen["features"])
        data = rounded_activations(model, {"features": affine_of(span, Form.UNSIGNED)})
        found = float(np.mean(channel_sqnr_db(exact, outputs_of(data, given))))
        assert chosen["features"].sqnr_db[name] == pytest.approx(found, abs=0.01)
    assert set(chosen) == set(sites.names)


def test_channels_that_a_tensor_does_not_reach_do_not_count() -> None:
    model, given = load_model(plain_graph()), batches(2)
    sites = find_sites(model)
    seen = {name: flat(-6.0, 6.0) for name in sites.names}
    alone = choose_ranges(model, sites, seen, given)["g"].sqnr_db["min-max"]
    weighted = choose_ranges(model, sites, seen, given, weights=[1.0, 50.0, 50.0])["g"].sqnr_db["min-max"]
    # "g" is the first output channel alone, so that the others' weights change nothing.
    assert alone == pytest.approx(weighted)
    assert alone < 60.0


def test_one_tensor_of_each_group_is_watched() -> None:
    model = load_model(plain_graph())
    watched = onnx.load_from_string(watched_graph(model, find_sites(model)))
    assert [item.name for item in watched.graph.output] == ["e1", "d1", "w1", "b1", "sum", "g", "m", "logits"]
