from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from onboard.flight.int8_body import Int8Body, Kind, unpack_body
from quantize.flight_body import PlaneRanges, choose_plane_ranges, flight_body, numbers_of
from quantize.flight_twin import float_graph, twin_graph
from quantize.graph import QuantizeError, load_model, model_bytes
from quantize.placement import find_sites
from quantize.post_training import Calibrated, calibrate
from quantize.runtime import outputs_of
from tests.quantize.graphs import CHANNELS, batches, conv, relu

Array = npt.NDArray[np.float32]


def flight_graph(seed: int = 0, size: int = 16) -> bytes:
    """Return a float graph of every layer that the flight core has kernels for."""
    random = np.random.default_rng(seed)
    shapes = {
        "enter": (8, CHANNELS, 1),
        "deep": (8, 1, 3),
        "point": (8, 8, 1),
        "down": (12, 8, 2),
        "wide": (12, 1, 3),
        "back": (8, 12, 1),
        "gas": (1, 8, 1),
        "ground": (2, 8, 1),
    }
    constants = {"scales": np.array([1, 1, 2, 2], np.float32)}
    for name, (outputs, inputs, kernel) in shapes.items():
        weight = random.normal(0.0, (inputs * kernel * kernel) ** -0.5, (outputs, inputs, kernel, kernel))
        constants[f"{name}.weight"] = weight.astype(np.float32)
        constants[f"{name}.bias"] = random.normal(0.0, 0.3, outputs).astype(np.float32)
    up = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    nodes = [
        conv("enter", "features", "e0"), relu("e0", "e1"),
        conv("deep", "e1", "d0", kernel=3, group=8), relu("d0", "d1"),
        conv("point", "d1", "p0"), relu("p0", "p1"),
        conv("down", "p1", "w0", kernel=2, stride=2), relu("w0", "w1"),
        conv("wide", "w1", "v0", kernel=3, group=12), relu("v0", "v1"),
        conv("back", "v1", "b0"), relu("b0", "b1"),
        helper.make_node("Resize", ["b1", "", "scales"], ["b2"], "node_up", **up),
        helper.make_node("Add", ["b2", "p1"], ["sum"], "node_sum"),
        conv("gas", "sum", "g"), conv("ground", "p1", "m"),
        helper.make_node("Concat", ["g", "m"], ["logits"], "node_cat", axis=1),
    ]  # fmt: skip
    return finished(nodes, constants, size)


def finished(nodes: list[Any], constants: dict[str, Array], size: int = 16, outputs: int = 3) -> bytes:
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "flight",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, CHANNELS, size, size])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, outputs, size, size])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def calibrated() -> Calibrated:
    return calibrate(flight_graph(), batches(4))


@pytest.fixture(scope="module")
def body(calibrated: Calibrated) -> Int8Body:
    return flight_body(calibrated, choose_plane_ranges(calibrated, batches(4)))


def test_layers_are_those_of_the_graph(body: Int8Body) -> None:
    kinds = [layer.kind for layer in body.layers]
    down = [Kind.POINTWISE, Kind.DEPTHWISE, Kind.POINTWISE, Kind.HALVE, Kind.DEPTHWISE, Kind.POINTWISE]
    assert kinds == [*down, Kind.SUM, Kind.POINTWISE, Kind.POINTWISE]
    assert [layer.logits for layer in body.layers] == [False] * 7 + [True] * 2
    assert (body.layers[6].input, body.layers[6].half) == (3, 6)
    assert body.layers[8].input == 3
    assert body.strides() == [1, 1, 1, 2, 2, 2, 1, 1, 1]
    assert body.outputs == 3


def test_it_computes_nearly_what_the_float_graph_does(calibrated: Calibrated, body: Int8Body) -> None:
    given_planes = batches(2, seed=77)
    exact = outputs_of(model_bytes(calibrated.model), given_planes)
    found = outputs_of(twin_graph(body, given_planes[0].shape), given_planes, exact=True)
    spread = exact.std(axis=(0, 2, 3))
    assert (np.abs(found - exact).mean(axis=(0, 2, 3)) < 0.05 * spread).all()


def test_the_float_graph_of_a_body_differs_by_rounding_alone(calibrated: Calibrated, body: Int8Body) -> None:
    given_planes = batches(2, seed=78)
    exact = outputs_of(model_bytes(calibrated.model), given_planes)
    found = outputs_of(float_graph(body, given_planes[0].shape), given_planes)
    assert (np.abs(found - exact).mean(axis=(0, 2, 3)) < 0.02 * exact.std(axis=(0, 2, 3))).all()


def test_a_window_of_another_size_is_the_same_body(body: Int8Body) -> None:
    small = batches(1, size=16)[0]
    wide = np.tile(small, (1, 1, 1, 2))
    one = outputs_of(twin_graph(body, small.shape), [small], exact=True)
    two = outputs_of(twin_graph(body, wide.shape), [wide], exact=True)
    assert np.array_equal(one[..., :8], two[..., :8])


def test_planes_keep_their_own_scales() -> None:
    given_planes = [
        batch * np.array([1, 10, 0.1, 1, 1, 100], np.float32)[:, None, None] for batch in batches(4)
    ]
    calibrated = calibrate(flight_graph(), given_planes)
    chosen = choose_plane_ranges(calibrated, given_planes)
    body = flight_body(calibrated, chosen)
    ratio = body.plane_scales / body.plane_scales[0]
    assert 5 < ratio[1] < 20
    assert 0.05 < ratio[2] < 0.2
    assert 50 < ratio[5] < 200
    assert chosen.sqnr_db[chosen.observer] == max(chosen.sqnr_db.values())


def test_a_plane_of_ones_is_stored_exactly() -> None:
    given_planes = batches(2)
    for batch in given_planes:
        batch[0, 2] = 1.0
    calibrated = calibrate(flight_graph(), given_planes)
    affine = choose_plane_ranges(calibrated, given_planes).affines()[2]
    assert affine.rounded(np.ones(1, np.float32)).tolist() == [1.0]


finite = st.floats(-4.0, 4.0, width=32)


@given(
    st.lists(st.lists(finite, min_size=3, max_size=3), min_size=1, max_size=4),
    st.floats(0.001, 2.0),
    st.floats(-5.0, 5.0),
)
def test_numbers_come_back_within_half_a_step(
    rows: list[list[float]], given_scale: float, bias: float
) -> None:
    flat, biases = np.array(rows, np.float64), np.full(len(rows), bias)
    weight_unit, bias_unit, scales, stored_biases, weights = numbers_of(flat, biases, given_scale)
    steps = scales.astype(np.float64) * weight_unit
    assert (np.abs(weights * steps[:, None] - flat) <= steps[:, None] * 0.5001).all()
    assert (np.abs(stored_biases * bias_unit - biases) <= bias_unit * 0.5001).all()
    # Whole units of scale cost next to nothing where a channel matters.
    largest = np.abs(flat).max(axis=1)
    for_weights = largest.max() / 127 > abs(bias) / (given_scale * 2**28)
    matter = largest > 0.1 * largest.max()
    assert not for_weights or (steps[matter] <= largest[matter] / 126.9 + 1e-9).all()


def test_the_part_comes_back(body: Int8Body) -> None:
    again = unpack_body(body.pack())
    assert again.pack() == body.pack()
    assert np.array_equal(again.layers[3].weights, body.layers[3].weights)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("sigmoid", "Sigmoid"),
        ("dense", "kernel"),
        ("bare", "logits"),
        ("order", "Concat"),
    ],
)
def test_a_graph_that_the_core_cannot_compute_is_refused(change: str, problem: str) -> None:
    model = load_model(flight_graph())
    nodes = {node.name: node for node in model.graph.node}
    if change == "sigmoid":
        nodes["node_e1"].op_type = "Sigmoid"
    elif change == "dense":
        dense = numpy_helper.from_array(np.ones((8, 8, 3, 3), np.float32), "deep.weight")
        for item in model.graph.initializer:
            if item.name == "deep.weight":
                item.CopyFrom(dense)
        for attribute in nodes["node_deep"].attribute:
            if attribute.name == "group":
                attribute.i = 1
    elif change == "bare":
        nodes["node_sum"].input[1] = "p0"
    else:
        nodes["node_cat"].input[:] = ["m", "g"]
    sites = find_sites(model)
    spans = dict.fromkeys(sites.names, calibrate(flight_graph(), batches(1)).spans["e1"])
    planes = PlaneRanges(tuple([spans[sites.names[0]]] * CHANNELS), "min-max", {})
    with pytest.raises(QuantizeError, match=problem):
        flight_body(Calibrated(model, sites, spans, {}), planes)


def test_a_body_that_contradicts_itself_is_not_packed(body: Int8Body) -> None:
    broken = dataclasses.replace(body, layers=body.layers[:-1])
    assert broken.pack()  # one output fewer is still a body
    with pytest.raises(Exception, match="nothing reads it"):
        dataclasses.replace(body, layers=body.layers[:-2]).pack()
