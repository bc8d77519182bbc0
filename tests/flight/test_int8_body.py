"""A quantized body: its part, and how it flies."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import BundleError
from onboard.flight.bundle import read_container
from onboard.flight.contents import read_contents
from onboard.flight.core import verify_bundle
from onboard.flight.int8_body import INT8_PART, Int8Body, unpack_body
from quantize.flight_twin import twin_graph
from tests.flight.flying import fly, open_session, push_all, same_bytes
from tests.support.bundles import TestBundle, build_test_bundle, make_radiance, plan_for
from tests.support.int8 import build_int8_bundle, random_body

Array = npt.NDArray[np.float32]
MOST_SHARE = 0.002


@pytest.fixture(scope="module")
def body() -> Int8Body:
    return random_body(plan_for())


@pytest.fixture(scope="module")
def bundle(body: Int8Body) -> TestBundle:
    return build_int8_bundle(body)


@pytest.fixture(scope="module")
def radiance(bundle: TestBundle) -> Array:
    return make_radiance(bundle, 70, 64)[0]


def logits(products: dict[str, npt.NDArray[Any]]) -> Array:
    both = np.concatenate([products["plume_probability"][None], products["mineral_probability"]])
    held = np.clip(both.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(held / (1 - held)), np.float32)


def twin_of(bundle: TestBundle, body: Int8Body) -> TestBundle:
    plan = bundle.plan
    graph = twin_graph(body, (1, plan.channels, plan.body_lines, plan.body_samples))
    return build_test_bundle(parts={"body.onnx": graph})


@pytest.mark.parametrize("samples", [64, 41, 150])
def test_own_kernels_compute_what_the_engine_makes_of_the_same_numbers(
    bundle: TestBundle, body: Int8Body, samples: int
) -> None:
    radiance, _ = make_radiance(bundle, 70, samples, seed=samples)
    own, _ = fly(bundle, radiance)
    engine, _ = fly(twin_of(bundle, body), radiance)
    found, expected = logits(own), logits(engine)
    assert np.ptp(expected[0]) > 1.0
    assert np.ptp(expected[1:]) > 5.0
    # One step of eight bits over what an output shows here.
    steps = np.abs(found - expected) / (np.ptp(expected, axis=(1, 2), keepdims=True) / 255.0)
    # Where a sum lies on the border between two bytes, another order of adding tips it over.
    assert (steps > 0.01).mean() < MOST_SHARE
    assert steps.max() <= 1.0
    assert np.array_equal(own["quality"], engine["quality"])


@pytest.mark.parametrize("lines_per_push", [1, 7, 64])
def test_lines_in_any_grouping_give_the_same_bits(
    bundle: TestBundle, radiance: Array, lines_per_push: int
) -> None:
    whole, events = fly(bundle, radiance)
    pieces, other = fly(bundle, radiance, lines_per_push)
    assert same_bytes(whole, pieces)
    assert events == other


@pytest.mark.parametrize("threads", [2, 3, 8])
@pytest.mark.parametrize("samples", [64, 150])
def test_threads_change_no_bit(bundle: TestBundle, threads: int, samples: int) -> None:
    radiance, _ = make_radiance(bundle, 40, samples)
    assert same_bytes(fly(bundle, radiance, threads=1)[0], fly(bundle, radiance, threads=threads)[0])


def test_a_second_capture_finds_nothing_of_the_first(bundle: TestBundle, radiance: Array) -> None:
    with open_session(bundle, radiance.shape[1]) as session:
        first, _ = push_all(session, radiance, 16)
        session.reset()
        push_all(session, radiance[::-1].copy(), 70)
        session.reset()
        again, _ = push_all(session, radiance, 70)
        health = session.health()
        assert health.allocations_after_open == 0
        assert 0 < health.body_ns_total <= health.strip_ns_total
    assert same_bytes(first, again)


def test_a_narrow_capture_sees_the_planes_edge_as_the_wide_one_does(
    bundle: TestBundle, body: Int8Body
) -> None:
    radiance, _ = make_radiance(bundle, 20, 3)
    own, engine = fly(bundle, radiance)[0], fly(twin_of(bundle, body), radiance)[0]
    assert np.abs(logits(own) - logits(engine)).max() < 0.02


def test_contents_say_what_it_is(bundle: TestBundle, body: Int8Body) -> None:
    contents = read_contents(read_container(bundle.data))
    assert contents.precision == "int8"
    assert contents.int8 is not None
    assert contents.int8.pack() == body.pack() == bundle.parts[INT8_PART]
    assert read_contents(read_container(build_test_bundle().data)).precision == "float32"


def refused(bundle: TestBundle) -> None:
    """Both readers refuse it, each with its own words."""
    with pytest.raises(BundleError):
        read_contents(read_container(bundle.data))
    with pytest.raises(BundleError):
        verify_bundle(bundle.data, [bundle.public_key])


def test_a_bundle_has_one_body(body: Int8Body) -> None:
    refused(build_test_bundle(parts={INT8_PART: body.pack()}))
    refused(build_test_bundle(without=("body.onnx",)))


def test_the_manifest_must_say_so(bundle: TestBundle) -> None:
    plain = build_test_bundle()
    manifest = {"manifest.json": plain.parts["manifest.json"], INT8_PART: bundle.parts[INT8_PART]}
    with pytest.raises(BundleError, match="contradicts"):
        read_contents(read_container(build_test_bundle(parts=manifest, without=("body.onnx",)).data))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"plane_scales": np.ones(3, np.float32), "plane_zeros": np.zeros(3, np.uint8)}, "inputs"),
        ({"plane_scales": np.zeros(9, np.float32)}, "plane scales"),
    ],
)
def test_a_body_that_cannot_be_is_not_packed(body: Int8Body, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(BundleError, match=problem):
        dataclasses.replace(body, **change).pack()


@pytest.mark.parametrize(
    ("index", "change", "problem"),
    [
        (0, {"logits": True}, "scale"),
        (1, {"input": 0}, "input"),
        (2, {"inputs": 15}, "inputs"),
        (2, {"outputs": 300}, "outputs"),
        (6, {"half": 4}, "half"),
        (6, {"half": 3}, "half"),
        (6, {"weight_unit": 1.0}, "units"),
        (6, {"scale": 1e-9}, "scale"),
        (3, {"half": 1}, "half"),
        (3, {"scale": float("nan")}, "scale"),
        (3, {"weight_unit": 0.0}, "units"),
        (3, {"bias_unit": 1e9}, "30 bits"),
        (3, {"weight_unit": 1e5, "scale": 1e-9}, "30 bits"),
        (9, {"scale": 0.5}, "scale"),
    ],
)
def test_a_layer_that_cannot_be_is_not_packed(
    body: Int8Body, index: int, change: dict[str, Any], problem: str
) -> None:
    layers = list(body.layers)
    layers[index] = dataclasses.replace(layers[index], **change)
    with pytest.raises(BundleError, match=problem):
        dataclasses.replace(body, layers=tuple(layers)).pack()


def test_a_body_for_another_plan_is_refused(body: Int8Body) -> None:
    refused(build_int8_bundle(body, static_features=4))
    refused(build_int8_bundle(body, samples_hint=63))


def resized(part: bytes, size: int) -> bytes:
    """Return the part cut or filled to a size, which it says of itself."""
    cut = bytearray(part[:size].ljust(size, b"\0"))
    cut[12:16] = size.to_bytes(4, "little")
    return bytes(cut)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_part_is_refused_by_both_or_taken_by_both(data: st.DataObject) -> None:
    part = bytearray(random_body(plan_for()).pack())
    table = 32 + 9 * 4 + 12
    limit = data.draw(st.sampled_from([32, table, table + 240, len(part)]))
    at = data.draw(st.integers(0, limit - 1))
    part[at] = data.draw(st.integers(0, 255))
    bundle = build_int8_bundle(part=bytes(part))
    answers = []
    for read in (
        lambda: read_contents(read_container(bundle.data)),
        lambda: verify_bundle(bundle.data, [bundle.public_key]),
    ):
        try:
            read()
            answers.append(True)
        except BundleError:
            answers.append(False)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("size", [1, 16, 31, 32, 60, 79, 80, 81, 300, 319, 320, 400, 3000, -1])
def test_a_cut_part_is_refused(body: Int8Body, size: int) -> None:
    part = body.pack()
    wanted = size if size > 1 else len(part) + size
    refused(build_int8_bundle(part=resized(part, wanted)))
    refused(build_int8_bundle(part=part[: min(wanted, len(part) - 1)]))


def test_huge_sizes_are_refused(body: Int8Body) -> None:
    part = body.pack()
    for at in (16, 18, 20, 80 + 4, 80 + 6, 80 + 2 * 20 + 4):
        huge = bytearray(part)
        huge[at : at + 2] = b"\xff\xff"
        refused(build_int8_bundle(part=bytes(huge)))
    with pytest.raises(BundleError, match="length"):
        unpack_body(resized(part, len(part) - 1))
