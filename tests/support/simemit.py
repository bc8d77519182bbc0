"""Small results of SimEMIT-1, written by the benchmark itself over scenes that cost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.methods import METHODS, Observation
from bench.simemit import run
from onboard.minerals import MINERALS
from onboard.replay.prediction import Prediction
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.simemit import benchmark_set, shrunk
from onboard.sensors import Sensor

LINES, SAMPLES = 40, 36
SOURCES = np.dtype([("plume_id", "i4"), ("emission_kg_h", "f8"), ("peak_ppm_m", "f8")])
FLIGHT = "flight"
NOISE = "tests.support.simemit:noisy"
CAPTURES = {"validation": 4, "test": 8}


def small_scene(recipe: SceneRecipe, sensor: Sensor) -> Any:
    """Return a scene whose radiance shows gas in band 0 and each mineral in one band more."""
    rng = np.random.default_rng(recipe.seed)
    shape = (recipe.lines, recipe.samples)
    gas, plume = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    for number in range(1, 3 if recipe.plumes else 0):
        line, sample = rng.integers(4, min(shape) - 8, 2)
        where = (slice(line, line + 4), slice(sample, sample + 5))
        gas[where], plume[where] = 1500.0 * (number + 1), number
    sources = np.zeros(int(plume.max()), SOURCES)
    sources["plume_id"] = np.arange(1, len(sources) + 1)
    sources["peak_ppm_m"] = 1500.0 * (sources["plume_id"] + 1)
    sources["emission_kg_h"] = sources["peak_ppm_m"]
    abundance = np.where(rng.random((len(MINERALS), *shape)) < 0.2, 0.4, 0.0).astype(np.float32)
    radiance = np.concatenate([gas[None] / 5000.0, abundance]).transpose(1, 2, 0)
    truth = SimpleNamespace(
        ch4_enhancement=gas,
        plume_id=plume,
        mineral_abundance=abundance,
        mineral_names=MINERALS,
        valid=np.ones(shape, np.uint8),
        sources=sources,
    )
    nothing = np.zeros(1, np.float32)
    return SimpleNamespace(
        light=SimpleNamespace(scale=nothing, path=nothing, sphere=nothing),
        radiance_block=lambda first, count, workers=1: radiance.astype(np.float32),
        lines=shape[0],
        centres=sensor.centres[: radiance.shape[-1]],
        fwhm=sensor.fwhm[: radiance.shape[-1]],
        valid=truth.valid,
        truth=truth,
    )


def noisy(seen: Observation) -> Prediction:
    """What is there, under noise that follows from the bundle's bytes and the capture."""
    data = seen.bundle.read_bytes() if seen.bundle else b""
    rng = np.random.default_rng(list(sha256(data + seen.name.encode()).digest()))
    logits = 8.0 * seen.radiance - 2.0 + 1.5 * rng.standard_normal(seen.radiance.shape)
    probability = (1.0 / (1.0 + np.exp(-logits))).astype(np.float32).transpose(2, 0, 1)
    return Prediction(
        probability[0], "probability", 5000.0 * seen.radiance[..., 0], probability[1:], MINERALS
    )


def filtered(seen: Observation) -> Prediction:
    """Something that knows no bundle, minerals or probabilities."""
    return Prediction(4000.0 * seen.radiance[..., 0] + 10.0, "ppm m")


def score(
    out: Path,
    bundle: Path | None,
    methods: Sequence[str] = (FLIGHT,),
    parts: Sequence[str] = ("validation", "test"),
    counts: dict[str, int] | None = None,
) -> Path:
    """Score small captures by the benchmark's own code; ``flight`` is :func:`noisy`, and no core flies.

    Args:
        out: Folder, as ``bench.simemit --out``.
        bundle: A file that stands for what is flown.
        methods: Names, as the benchmark takes them.
        parts: Sets, in order.
        counts: Captures by set.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, FLIGHT, noisy)
        patch.setitem(METHODS, "column-filter", filtered)
        for part in parts:
            count = (counts or CAPTURES)[part]
            captures = [shrunk(capture, LINES, SAMPLES) for capture in benchmark_set(part)[:count]]
            run(part, captures, methods, out, bundle, build=small_scene)
    return out
