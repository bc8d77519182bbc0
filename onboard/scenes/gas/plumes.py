"""Plumes of a capture, each drawn on a window of its own and laid into the scene."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.scenes.arrays import Random
from onboard.scenes.gas.labels import LabelRule, label_gas
from onboard.scenes.gas.puffs import Puffs, blow, fade_edges, rasterise, ruffle
from onboard.scenes.gas.sources import (
    EMISSION_RANGE_KG_H,
    KG_PER_PPM_M_M2,
    KIND_ODDS,
    Emissions,
    Sources,
    draw_winds,
)
from onboard.scenes.gas.turbulence import WindHistory, draw_wind_history
from onboard.scenes.random_fields import Field, spectral_field

PUFFS = 160
# A plume's window goes no further from its source than this.
LARGEST_PX = 640
# Odds that a plume comes from the field of an earlier one, and the field's size.
CLUSTER_ODDS = 0.3
CLUSTER_M = 1500.0
TEXTURE_OUTER_PX = (5.0, 16.0)
TEXTURE_SLOPE = 3.2
TEXTURE_STRENGTH = (0.2, 0.5)


SOURCE_DTYPE = np.dtype(
    [
        ("plume_id", np.int32),
        ("source_line", np.int32),
        ("source_sample", np.int32),
        ("emission_kg_h", np.float32),
        ("wind_m_s", np.float32),
        ("wind_direction_rad", np.float32),
        ("peak_ppm_m", np.float32),
        ("ime_kg", np.float32),
        ("pixels", np.int32),
    ]
)


@dataclass(frozen=True)
class PlumeField:
    """Plumes of a scene: enhancement float32 ppm m, plume_id int32 (0 none), sources (``SOURCE_DTYPE``)."""

    enhancement: Field
    plume_id: NDArray[np.int32]
    sources: NDArray[np.void]


@dataclass(frozen=True)
class Window:
    """One plume by itself.

    Attributes:
        field: Enhancement in ppm m, float32 (lines, samples), zero at the edges unless cut at ``LARGEST_PX``.
        origin: Line and sample of the source in it.
    """

    field: Field
    origin: tuple[int, int]


def draw_windows(
    random: Random,
    sources: Sources,
    histories: tuple[WindHistory, WindHistory],
    *,
    pixel_m: float = 60.0,
) -> Iterator[Window]:
    """Draw the plumes of sources, one after the other.

    Args:
        random: Source of chance, on NumPy.
        sources: Sources (count,).
        histories: Veer and gust of the scene's wind, each of shape (1,).
        pixel_m: Size of a pixel in metres.

    Yields:
        Each plume's window. Its mass is `plume_mass` but for what fades below the edge or is cut.
    """
    puffs = blow(random, sources, *histories, puffs=PUFFS, pixel_m=pixel_m)
    for index in range(sources.wind.shape[0]):
        own = Puffs(puffs.line[index], puffs.sample[index], puffs.sigma[index], puffs.amount[index])
        yield draw_window(random.child("plume", index), own)


def draw_window(random: Random, puffs: Puffs) -> Window:
    """Draw the puffs (puffs,) of one plume on a grid that holds them, with the texture of turbulence."""
    lines, samples = (_bounds(places, puffs.sigma) for places in (puffs.line, puffs.sample))
    edges = [random.asarray(np.arange(low, high + 2) - 0.5) for low, high in (lines, samples)]
    nowhere = random.asarray(0.0)
    field = rasterise(puffs, nowhere, nowhere, (edges[0], edges[1]))
    outer = float(random.uniform((), *TEXTURE_OUTER_PX))
    strength = float(random.uniform((), *TEXTURE_STRENGTH))
    texture = np.exp(
        np.float32(strength) * spectral_field(random, field.shape, outer=outer, slope=TEXTURE_SLOPE)
    )
    return Window(fade_edges(ruffle(field, texture)), (-lines[0], -samples[0]))


def _bounds(places: Field, sigma: Field) -> tuple[int, int]:
    """Return the first and last pixel that puffs and their source touch."""
    low = min(0, math.floor(float((places - 3.5 * sigma).min())) - 1)
    high = max(0, math.ceil(float((places + 3.5 * sigma).max())) + 1)
    return max(low, -LARGEST_PX), min(high, LARGEST_PX)


def place_plumes(
    random: Random,
    lines: int,
    samples: int,
    count: int,
    *,
    pixel_m: float = 60.0,
    emission_range: tuple[float, float] = EMISSION_RANGE_KG_H,
    emissions: Emissions | None = None,
    rule: LabelRule | None = None,
) -> PlumeField:
    """Draw plumes and lay them anywhere in a scene; some share a field, and a scene's edge may cut them.

    Args:
        random: Source of chance, on NumPy.
        lines: Lines of the scene.
        samples: Samples of the scene.
        count: Number of plumes.
        pixel_m: Size of a pixel in metres.
        emission_range: Emission rates in kg/h, drawn evenly over the logarithm, a little more of the large.
        emissions: A distribution of rates in place of the range, such as ``DETECTED_EMISSIONS``.
        rule: The label rule; `LabelRule()` by default.

    Returns:
        Enhancement in ppm m, plume numbers (from 1, in the order of ``sources``), and the table of sources,
        where ``ime_kg`` is the mass inside of the scene.

    Raises:
        UsageError: If sizes are not positive or the count is negative.
    """
    if min(lines, samples) < 1 or count < 0 or pixel_m <= 0:
        raise UsageError(
            "plumes need a scene to lie in",
            found=(lines, samples, count, pixel_m),
            expected="at least 1 line and sample, 0 plumes, and a positive pixel size",
        )
    rule = rule or LabelRule()
    enhancement = np.zeros((lines, samples), np.float32)
    strongest = np.zeros((lines, samples), np.float32)
    plume_id = np.zeros((lines, samples), np.int32)
    table = np.zeros(count, SOURCE_DTYPE)
    if not count:
        return PlumeField(enhancement, plume_id, table)
    sources = draw_sources(random, count, emission_range, emissions)
    places = scatter_sources(random, (lines, samples), count, CLUSTER_M / pixel_m)
    histories = (draw_wind_history(random, (1,)), draw_wind_history(random, (1,)))
    for index, window in enumerate(draw_windows(random, sources, histories, pixel_m=pixel_m)):
        at = (int(places[index, 0]), int(places[index, 1]))
        part, own = overlap((lines, samples), window, at)
        enhancement[part] += own
        plume_id[part][own > strongest[part]] = index + 1
        np.maximum(strongest[part], own, out=strongest[part])
        mass = float(own.sum(dtype=np.float64)) * KG_PER_PPM_M_M2 * pixel_m**2
        table[index] = (index + 1, *at, *_row(sources, index), own.max(initial=0.0), mass, 0)
    plume_id *= label_gas(enhancement, rule)
    table["pixels"] = np.bincount(plume_id.reshape(-1), minlength=count + 1)[1:]
    return PlumeField(enhancement, plume_id, table)


def draw_sources(
    random: Random, count: int, emission_range: tuple[float, float], emissions: Emissions | None = None
) -> Sources:
    """Draw the sources of one scene, (count,)."""
    wind, direction = draw_winds(random, (), count)
    if emissions is None:
        # Stratified, so that even a few span the range; leaning to the large, as what a survey sees.
        span = Emissions(*emission_range)
        low, high = math.log(span.low), math.log(span.high)
        order = np.argsort(random.uniform((count,)))
        parts = (order + random.uniform((count,))) / count
        rate = np.exp(low + (high - low) * parts**0.8).clip(span.low, span.high).astype(np.float32)
    else:
        rate = emissions.draw(random, (count,))
    return Sources(rate, wind, direction, random.choice(KIND_ODDS, (count,)))


def scatter_sources(random: Random, shape: tuple[int, int], count: int, field_px: float) -> NDArray[np.int64]:
    """Draw places (count, 2) of sources in a scene: anywhere, or near an earlier one, in the same field."""
    places = random.uniform((count, 2)) * np.asarray(shape)
    beside = random.uniform((count,)) < CLUSTER_ODDS
    shift = random.normal((count, 2)) * field_px * 0.5
    partner = random.uniform((count,))
    for index in range(1, count):
        if beside[index]:
            places[index] = places[int(partner[index] * index)] + shift[index]
    return np.asarray(np.clip(np.floor(places), 0, np.asarray(shape) - 1), np.int64)


def overlap(shape: tuple[int, int], window: Window, at: tuple[int, int]) -> tuple[tuple[slice, slice], Field]:
    """Return where a window whose source lies at ``at`` meets the scene, and its part there."""
    corner = [a - o for a, o in zip(at, window.origin, strict=True)]
    first = [max(0, c) for c in corner]
    last = [min(s, c + f) for s, c, f in zip(shape, corner, window.field.shape, strict=True)]
    last = [max(a, b) for a, b in zip(first, last, strict=True)]
    own = window.field[first[0] - corner[0] : last[0] - corner[0], first[1] - corner[1] : last[1] - corner[1]]
    return (slice(first[0], last[0]), slice(first[1], last[1])), own


def _row(sources: Sources, index: int) -> tuple[float, float, float]:
    return tuple(float(c[index]) for c in (sources.emission, sources.wind, sources.direction))  # type: ignore[return-value]
