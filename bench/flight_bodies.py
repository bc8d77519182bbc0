"""The same lines flown with one body in several precisions, turn by turn: what the core counts for each."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from export.assemble import array_parts, export_run
from export.bundle import sign_container, write_container
from export.keys import public_key_of
from export.manifest import Label, build_manifest, encode_manifest
from export.plan import plan_of_run
from export.run_folder import TrainedRun
from onboard.flight import FlightSession
from onboard.flight.bundle import Container
from onboard.flight.contents import FLOAT32, FLOAT_PART, INT8, PRECISION, STEM_PART, read_contents
from onboard.flight.int8_body import INT8_PART, Int8Body
from onboard.flight.plan import PLAN_PART
from onboard.minerals import MINERALS

Radiance = npt.NDArray[np.float32]
Body = bytes | Int8Body
KEY = bytes(range(32))
GENEROUS_BYTES = 512 << 20


@dataclass
class Flown:
    """Seconds a strip, round by round.

    Attributes:
        body: What the core counts as the body's: the graph's run, or the planes' rounding and the kernels.
        chain: Everything from radiance to products.
    """

    body: list[float] = field(default_factory=list)
    chain: list[float] = field(default_factory=list)


def rebodied(container: Container, body: Body) -> bytes:
    """Return a bundle with another body, no known answer and memory for any, signed with this file's key.

    Args:
        container: The bundle.
        body: A float graph for its plan's window, or a quantized body.
    """
    plan = read_contents(container).plan
    plan = dataclasses.replace(plan, known_lines=0, known_samples=0, inference_bytes=GENEROUS_BYTES)
    parts = {
        name: bytes(part)
        for name, part in container.parts.items()
        if name not in (FLOAT_PART, INT8_PART) and not name.startswith("known")
    }
    manifest = json.loads(parts["manifest.json"]) | {"plan": plan.to_json(), PRECISION: _precision(body)}
    parts |= {"manifest.json": encode_manifest(manifest), PLAN_PART: plan.pack(), **_part(body)}
    return sign_container(write_container(parts, container.sequence), KEY)


def bundle_of_run(run: TrainedRun, body: Body) -> bytes:
    """Return a training's bundle with such a body, neither measured nor given a known answer."""
    plan = plan_of_run(run, inference_bytes=GENEROUS_BYTES)
    manifest = build_manifest(
        Label("bench", "0", run.created, 1), plan, MINERALS, extra={PRECISION: _precision(body)}
    )
    parts = {
        "manifest.json": encode_manifest(manifest),
        PLAN_PART: plan.pack(),
        STEM_PART: export_run(run)[0].data,
        **_part(body),
        **array_parts(run.tables),
    }
    return sign_container(write_container(parts, 1), KEY)


def fly_bodies(
    bundles: Mapping[str, bytes], radiance: Radiance, threads: int, rounds: int
) -> dict[str, Flown]:
    """Fly the same lines with each bundle in turn, so that a busy moment hits all alike.

    Args:
        bundles: By name, each of :func:`rebodied` or :func:`bundle_of_run`.
        radiance: (lines, samples, bands) float32, uW cm-2 sr-1 nm-1; whole strips.
        threads: Of the core.
        rounds: Flights of each that count; one before them does not.
    """
    found = {name: Flown() for name in bundles}
    with ExitStack() as stack:
        sessions = {
            name: stack.enter_context(
                FlightSession(
                    data, samples=radiance.shape[1], threads=threads, trusted_keys=[public_key_of(KEY)]
                )
            )
            for name, data in bundles.items()
        }
        for round_ in range(rounds + 1):
            for name, session in sessions.items():
                strips = -(-len(radiance) // int(session.bundle.plan["strip_lines"]))
                session.reset()
                before, started = session.health().body_ns_total, time.perf_counter()
                for _ in (*session.push(radiance), *session.flush()):
                    pass
                seconds = time.perf_counter() - started
                if round_:
                    found[name].chain.append(seconds / strips)
                    found[name].body.append(1e-9 * (session.health().body_ns_total - before) / strips)
    return found


def _precision(body: Body) -> str:
    return FLOAT32 if isinstance(body, bytes) else INT8


def _part(body: Body) -> dict[str, bytes]:
    return {FLOAT_PART: body} if isinstance(body, bytes) else {INT8_PART: body.pack()}
