"""Bodies flown side by side: each round counts once for each, and nothing but the body differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.flight_bodies import bundle_of_run, fly_bodies, rebodied
from export.assemble import contents_of, export_run
from export.measure import probe_radiance
from export.run_folder import load_run
from onboard.flight.bundle import read_container
from onboard.flight.contents import FLOAT_PART
from onboard.flight.int8_body import INT8_PART
from quantize.flight_twin import float_graph
from tests.export.samples import write_run_folder
from tests.support.bundles import build_test_bundle
from tests.support.int8 import random_body


def test_each_body_is_flown_as_often_as_asked() -> None:
    container = read_container(build_test_bundle().data)
    plan = contents_of(container.data).plan
    body = random_body(plan)
    graph = float_graph(body, (1, plan.channels, plan.body_lines, plan.body_samples))
    bundles = {"float": rebodied(container, graph), "int8": rebodied(container, body)}
    for name, part in (("float", FLOAT_PART), ("int8", INT8_PART)):
        made = read_container(bundles[name])
        assert part in made.parts
        assert made.parts.keys() & {FLOAT_PART, INT8_PART} == {part}
        assert bytes(made.parts["stem.onnx"]) == bytes(container.parts["stem.onnx"])
    radiance = probe_radiance(contents_of(bundles["float"]), 2 * plan.strip_lines, 40)
    found = fly_bodies(bundles, radiance, threads=1, rounds=3)
    for flown in found.values():
        assert len(flown.body) == len(flown.chain) == 3
        # A round's own time, not the sum of those before it.
        assert all(0 < body < chain for body, chain in zip(flown.body, flown.chain, strict=True))


def test_a_run_s_bundle_flies_without_a_known_answer(tmp_path: Path) -> None:
    run = load_run(write_run_folder(tmp_path / "run"))
    data = bundle_of_run(run, export_run(run)[1].data)
    contents = contents_of(data)
    assert contents.known_input is None
    radiance = probe_radiance(contents, contents.plan.strip_lines, 32)
    (flown,) = fly_bodies({"float": data}, radiance, threads=1, rounds=1).values()
    assert np.isfinite(flown.body).all()
