"""The body of a strip: float32 through ONNX Runtime against INT8 by the core's own kernels.

Both fly the same lines, turn by turn, so that a busy moment hits both; ratios are of medians. The body's time
is what the core itself counts: the graph's run, or the planes' rounding and the kernels. The bar is 1.8.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from export.bundle import sign_container, write_container
from export.keys import public_key_of
from export.manifest import encode_manifest
from onboard.flight import FlightSession, default_bundle_path
from onboard.flight.bundle import read_container
from onboard.flight.contents import FLOAT32, INT8, PRECISION, read_contents
from onboard.flight.int8_body import INT8_PART, Int8Body
from quantize.affine import Range
from quantize.flight_body import PlaneRanges, flight_body
from quantize.flight_twin import float_graph
from quantize.graph import load_model
from quantize.placement import find_sites
from quantize.post_training import Calibrated

Radiance = npt.NDArray[np.float32]
KEY = bytes(range(32))
STRIPS = 3
ROUNDS = 9
GENEROUS_BYTES = 512 << 20


def any_ranges(data: bytes) -> Int8Body:
    """Return a quantized body of made-up ranges: they change its numbers, not its time."""
    model = load_model(data)
    sites = find_sites(model)
    planes = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    spans = dict.fromkeys(sites.names, Range(0.0, 8.0))
    ranges = PlaneRanges((Range(-8.0, 8.0),) * planes, "made up", {})
    return flight_body(Calibrated(model, sites, spans, {}), ranges)


def both_bundles() -> dict[str, bytes]:
    """Return the shipped bundle with its body in either precision, signed with a key of this file."""
    container = read_container(default_bundle_path())
    contents = read_contents(container)
    plan = dataclasses.replace(contents.plan, known_lines=0, known_samples=0, inference_bytes=GENEROUS_BYTES)
    shape = (1, plan.channels, plan.body_lines, plan.body_samples)
    if contents.int8 is None:
        graph = bytes(container.parts["body.onnx"])
        body = any_ranges(graph)
    else:
        body, graph = contents.int8, float_graph(contents.int8, shape)
    made = {}
    for precision, part in ((FLOAT32, ("body.onnx", graph)), (INT8, (INT8_PART, body.pack()))):
        manifest = json.loads(bytes(container.parts["manifest.json"]))
        manifest |= {"plan": plan.to_json(), PRECISION: precision}
        parts = {
            name: bytes(item)
            for name, item in container.parts.items()
            if name not in ("body.onnx", INT8_PART) and not name.startswith("known")
        }
        parts |= {"manifest.json": encode_manifest(manifest), "plan.bin": plan.pack(), part[0]: part[1]}
        made[precision] = sign_container(write_container(parts, container.sequence), KEY)
    return made


@pytest.fixture(scope="module", params=[1, 2], ids=["1 thread", "2 threads"])
def sessions(request: pytest.FixtureRequest, radiance: Radiance) -> Iterator[dict[str, FlightSession]]:
    """Return an open session of each precision."""
    opened: dict[str, FlightSession] = {}
    try:
        for precision, data in both_bundles().items():
            opened[precision] = FlightSession(
                data,
                samples=radiance.shape[1],
                threads=request.param,
                trusted_keys=[public_key_of(KEY)],
            )
        yield opened
    finally:
        for session in opened.values():
            session.close()


def test_body_of_a_strip(
    benchmark: Any,
    capsys: pytest.CaptureFixture[str],
    sessions: dict[str, FlightSession],
    radiance: Radiance,
) -> None:
    """Body of one strip, and the whole chain of 64 lines, in float32 and in INT8."""
    lines = radiance[: STRIPS * int(next(iter(sessions.values())).bundle.plan["strip_lines"])]
    body: dict[str, list[float]] = {name: [] for name in sessions}
    chain: dict[str, list[float]] = {name: [] for name in sessions}

    def one_round() -> None:
        for name, session in sessions.items():
            session.reset()
            started = time.perf_counter()
            for _ in (*session.push(lines), *session.flush()):
                pass
            chain[name].append(1e3 * (time.perf_counter() - started) / STRIPS)
            body[name].append(1e-6 * session.health().body_ns_total / STRIPS)

    benchmark.pedantic(one_round, rounds=ROUNDS, warmup_rounds=1)
    figures = {}
    for what, seconds in (("body_ms", body), ("chain_ms", chain)):
        medians = {name: float(np.median(values[1:])) for name, values in seconds.items()}
        figures[what] = {**medians, "ratio": medians[FLOAT32] / medians[INT8]}
    benchmark.extra_info.update(figures)
    with capsys.disabled():
        for what, row in figures.items():
            sys.stdout.write(
                f"\n{what}: float32 {row[FLOAT32]:.1f}, int8 {row[INT8]:.1f}, "
                f"{row['ratio']:.2f} times as fast"
            )
