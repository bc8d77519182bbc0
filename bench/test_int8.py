"""The body of a strip: float32 through ONNX Runtime against INT8 by the core's own kernels.

Both fly the same lines, turn by turn, so that a busy moment hits both; ratios are of medians. The body's time
is what the core itself counts: the graph's run, or the planes' rounding and the kernels. The bar is 1.8.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench.flight_bodies import Flown, fly_bodies, rebodied
from onboard.flight import default_bundle_path
from onboard.flight.bundle import read_container
from onboard.flight.contents import FLOAT32, FLOAT_PART, INT8, read_contents
from onboard.flight.int8_body import Int8Body
from quantize.affine import Range
from quantize.flight_body import PlaneRanges, flight_body
from quantize.flight_twin import float_graph
from quantize.graph import load_model
from quantize.placement import find_sites
from quantize.post_training import Calibrated

Radiance = npt.NDArray[np.float32]
STRIPS, ROUNDS = 3, 9


def any_ranges(data: bytes) -> Int8Body:
    """Return a quantized body of made-up ranges: they change its numbers, not its time."""
    model = load_model(data)
    sites = find_sites(model)
    planes = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    spans = dict.fromkeys(sites.names, Range(0.0, 8.0))
    ranges = PlaneRanges((Range(-8.0, 8.0),) * planes, "made up", {})
    return flight_body(Calibrated(model, sites, spans, {}), ranges)


@pytest.fixture(scope="module")
def bundles() -> dict[str, bytes]:
    """Return the shipped bundle with its body in either precision."""
    container = read_container(default_bundle_path())
    contents = read_contents(container)
    plan = contents.plan
    if contents.int8 is None:
        graph = bytes(container.parts[FLOAT_PART])
        body = any_ranges(graph)
    else:
        shape = (1, plan.channels, plan.body_lines, plan.body_samples)
        body, graph = contents.int8, float_graph(contents.int8, shape)
    return {FLOAT32: rebodied(container, graph), INT8: rebodied(container, body)}


@pytest.mark.parametrize("threads", [1, 2], ids=["1 thread", "2 threads"])
def test_body_of_a_strip(
    benchmark: Any,
    capsys: pytest.CaptureFixture[str],
    bundles: dict[str, bytes],
    radiance: Radiance,
    threads: int,
) -> None:
    """Body of one strip, and the whole chain of 64 lines, in float32 and in INT8."""
    lines = radiance[: STRIPS * 64]
    found: dict[str, Flown] = {}

    def fly() -> None:
        found.update(fly_bodies(bundles, lines, threads, ROUNDS))

    benchmark.pedantic(fly, rounds=1)
    figures = {}
    for what in ("body", "chain"):
        medians = {name: 1e3 * float(np.median(getattr(flown, what))) for name, flown in found.items()}
        figures[f"{what}_ms"] = {**medians, "ratio": medians[FLOAT32] / medians[INT8]}
    benchmark.extra_info.update(figures)
    with capsys.disabled():
        for what, row in figures.items():
            sys.stdout.write(
                f"\n{what}: float32 {row[FLOAT32]:.1f}, int8 {row[INT8]:.1f}, "
                f"{row['ratio']:.2f} times as fast"
            )
