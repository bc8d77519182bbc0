"""Methane plumes: puffs of gas in a turbulent wind, seen as columns in ppm m.

Gifford's fluctuating plume (Advances in Geophysics 6, 1959): puffs are carried by the mean wind, their
centres meander with the large eddies (Taylor 1922, displacement of a correlated velocity) and each grows by
relative dispersion. Emission is intermittent, the sum of the puffs' mass is emission rate x time of release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.scenes.components import drop_small
from onboard.scenes.fields import Field, spectral_field

# Mass of a column of 1 ppm m over one square metre: 16.04 g/mol / 22.4 l/mol x 1e-6 (Thompson et al. 2016).
KG_PER_PPM_M_M2 = 7.16e-7
SECONDS_PER_HOUR = 3600.0
# About three deviations of a matched filter over bright arid ground: what a careful eye would outline.
LABEL_THRESHOLD_PPM_M = 1000.0
LABEL_MIN_PIXELS = 5
EMISSION_RANGE_KG_H = (20.0, 20_000.0)
WIND_RANGE_M_S = (1.0, 10.0)
# Nominal relative dispersion; sets how far a plume is followed, not how wide a drawn plume is.
NOMINAL_SPREAD = 0.18
FOLLOW_TO_PPM_M = 200.0
REACH_RANGE_M = (420.0, 12_000.0)
EDGE_PPM_M = 5.0
PUFFS = 96
FADE = 0.35

Kind = Literal["point", "line", "area"]
KINDS: tuple[Kind, ...] = ("point", "line", "area")
KIND_ODDS = (0.75, 0.1, 0.15)

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


def visible_reach_m(emission_kg_h: float, wind_m_s: float) -> float:
    """Return how far downwind a plume is followed, in metres.

    That is where the centreline of a Gaussian plume, Q / (U sqrt(2 pi) spread x), falls below
    ``FOLLOW_TO_PPM_M``.
    """
    line_density = emission_kg_h / SECONDS_PER_HOUR / wind_m_s
    reach = line_density / (np.sqrt(2 * np.pi) * NOMINAL_SPREAD * FOLLOW_TO_PPM_M * KG_PER_PPM_M_M2)
    return float(np.clip(reach, *REACH_RANGE_M))


def plume_mass_kg(emission_kg_h: float, wind_m_s: float) -> float:
    """Return the integrated mass enhancement Q L / U of a drawn plume in kg, over the reach L it is followed.

    The oldest puffs fade, as gas that has left for good, so L counts half of the fading part.
    """
    reach = visible_reach_m(emission_kg_h, wind_m_s) * (1 - FADE / 2)
    return emission_kg_h / SECONDS_PER_HOUR * reach / wind_m_s


def draw_plume(
    rng: np.random.Generator,
    *,
    emission_kg_h: float,
    wind_m_s: float,
    direction_rad: float,
    pixel_m: float = 60.0,
    kind: Kind = "point",
) -> tuple[Field, tuple[int, int]]:
    """Draw one plume on a window of its own.

    Args:
        rng: Source of randomness.
        emission_kg_h: Emission rate Q in kg/h.
        wind_m_s: Mean wind U in m/s.
        direction_rad: Direction the wind blows to, from the sample axis towards rising lines.
        pixel_m: Size of a pixel in metres.
        kind: A point, a line (pipeline) or an area (landfill) source.

    Returns:
        The enhancement in ppm m, float32 (lines, samples), zero at the edges, and the source's place in it
        (line, sample). Its mass is ``plume_mass_kg`` but for what fades below ``EDGE_PPM_M``.

    Raises:
        UsageError: If emission, wind or pixel size is not positive.
    """
    if min(emission_kg_h, wind_m_s, pixel_m) <= 0:
        raise UsageError(
            "a plume needs a positive emission, wind and pixel size",
            found=(emission_kg_h, wind_m_s, pixel_m),
            expected="kg/h, m/s and m above 0",
        )
    age, mass = release(rng, emission_kg_h, wind_m_s)
    along, across = travel(rng, age, wind_m_s)
    spread = grow(rng, age, wind_m_s)
    along, across, spread = spread_source(rng, kind, pixel_m, along, across, spread)
    cos, sin = np.cos(direction_rad), np.sin(direction_rad)
    sample = (along * cos - across * sin) / pixel_m
    line = (along * sin + across * cos) / pixel_m
    field, origin = rasterise(line, sample, spread / pixel_m, mass / (KG_PER_PPM_M_M2 * pixel_m**2))
    field = ruffle(rng, field)
    return fade_edges(field), origin


def release(
    rng: np.random.Generator, emission_kg_h: float, wind_m_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the age in s and the mass in kg of each puff, youngest first; mass is intermittent."""
    total_s = visible_reach_m(emission_kg_h, wind_m_s) / wind_m_s
    # Young puffs are small, so they follow each other more closely.
    edges = total_s * (np.linspace(0, 1, PUFFS + 1) ** 1.7)
    age, span = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    gust = np.exp(rng.uniform(0.2, 0.7) * correlated(rng, age, rng.uniform(0.05, 0.3) * total_s))
    fading = np.clip((1 - age / total_s) / FADE, 0, 1)
    mass = gust * span * fading
    return age, mass * (plume_mass_kg(emission_kg_h, wind_m_s) / mass.sum())


def correlated(rng: np.random.Generator, at: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Draw an Ornstein-Uhlenbeck series (mean 0, variance 1) at rising times, ``scale`` its memory."""
    keep = np.exp(-np.diff(at, prepend=at[0]) / max(scale, 1e-9))
    noise = rng.standard_normal(at.size)
    series = np.empty(at.size)
    value = noise[0]
    for i in range(at.size):
        value = keep[i] * value + np.sqrt(max(1 - keep[i] ** 2, 0.0)) * noise[i] if i else noise[0]
        series[i] = value
    return series


def travel(
    rng: np.random.Generator, age: NDArray[np.float64], wind_m_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the places of the puffs along and across the mean wind in metres."""
    # Light winds veer most: the eddies' speed hardly depends on the mean wind.
    eddy = rng.uniform(0.5, 1.3)
    eddy_time = rng.uniform(120, 500)
    displaced = eddy * eddy_time * (1 - np.exp(-age / eddy_time)) + 0.15 * eddy * age
    along = wind_m_s * age + 0.5 * displaced * correlated(rng, age, eddy_time)
    across = displaced * correlated(rng, age, 0.6 * eddy_time)
    turn = rng.normal(0, 0.35) * age / age[-1]
    return along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)


def grow(rng: np.random.Generator, age: NDArray[np.float64], wind_m_s: float) -> NDArray[np.float64]:
    """Return each puff's standard deviation in metres: fast near the source, slower far away."""
    distance = wind_m_s * age
    rate = rng.uniform(0.09, 0.24) * (1 + 0.5 / wind_m_s)
    own = np.exp(0.25 * correlated(rng, age, 0.05 * age[-1]))
    return np.hypot(rng.uniform(40, 140), rate * distance * own / np.sqrt(1 + distance / 6000.0))


def spread_source(
    rng: np.random.Generator,
    kind: Kind,
    pixel_m: float,
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Shift the puffs' places of release along a line, or widen them to an area."""
    if kind == "line":
        turn, length = rng.uniform(0, np.pi), rng.uniform(2, 10) * pixel_m
        place = rng.uniform(-0.5, 0.5, along.size) * length
        return along + place * np.cos(turn), across + place * np.sin(turn), spread
    if kind == "area":
        size = rng.uniform(0.7, 3.5) * pixel_m
        shift = rng.normal(0, 0.7 * size, (2, along.size))
        return along + shift[0], across + shift[1], np.hypot(spread, 0.7 * size)
    return along, across, spread


def rasterise(
    line: NDArray[np.float64],
    sample: NDArray[np.float64],
    sigma: NDArray[np.float64],
    amount: NDArray[np.float64],
) -> tuple[Field, tuple[int, int]]:
    """Add round Gaussian puffs, each integrated over the pixels so that its amount is kept.

    Args:
        line: (n,) places in pixels from the source.
        sample: (n,) likewise.
        sigma: (n,) standard deviations in pixels.
        amount: (n,) sums over pixels.

    Returns:
        The field float32 and the source's place in it.
    """
    low_line = int(np.floor(min(0.0, float((line - 3 * sigma).min())))) - 2
    low_sample = int(np.floor(min(0.0, float((sample - 3 * sigma).min())))) - 2
    lines = int(np.ceil(max(0.0, float((line + 3 * sigma).max())))) + 3 - low_line
    samples = int(np.ceil(max(0.0, float((sample + 3 * sigma).max())))) + 3 - low_sample
    down = pixel_shares(line - low_line, sigma, lines)
    across = pixel_shares(sample - low_sample, sigma, samples)
    field = (down * amount.astype(np.float32)[:, None]).T @ across
    return np.maximum(field, 0).astype(np.float32), (-low_line, -low_sample)


def pixel_shares(centre: NDArray[np.float64], sigma: NDArray[np.float64], size: int) -> Field:
    """Return the shares of Gaussians in pixels 0 .. size - 1, float32 (n, size)."""
    edges = np.arange(size + 1, dtype=np.float32) - np.float32(0.5)
    x = (edges[None, :] - centre.astype(np.float32)[:, None]) / sigma.astype(np.float32)[:, None]
    # Normal distribution function by a tanh, right to 2e-4 (Page 1977, Applied Statistics 26, 75).
    cumulative = 0.5 * (1 + np.tanh(np.float32(0.7988) * x * (1 + np.float32(0.04417) * x * x)))
    return np.asarray(np.diff(cumulative, axis=1), np.float32)


def ruffle(rng: np.random.Generator, field: Field) -> Field:
    """Multiply a plume by lognormal turbulence of a few pixels' scale, keeping its mass."""
    texture = spectral_field(rng, (field.shape[0], field.shape[1]), outer=rng.uniform(3, 12), slope=2.9)
    rough = field * np.exp(np.float32(rng.uniform(0.2, 0.55)) * texture)
    return np.asarray(rough * np.float32(field.sum() / max(float(rough.sum()), 1e-9)), np.float32)


def fade_edges(field: Field) -> Field:
    """Let values below twice ``EDGE_PPM_M`` fall to zero smoothly."""
    t = np.clip((field - np.float32(EDGE_PPM_M)) / np.float32(EDGE_PPM_M), 0, 1)
    return np.asarray(field * t, np.float32)


def draw_emissions(
    rng: np.random.Generator, count: int, emission_range: tuple[float, float] = EMISSION_RANGE_KG_H
) -> NDArray[np.float64]:
    """Draw rates in kg/h, stratified over the range's logarithm.

    They lean to the large, as what a survey from orbit sees does.
    """
    low, high = np.log(emission_range[0]), np.log(emission_range[1])
    parts = (rng.permutation(count) + rng.random(count)) / max(count, 1)
    return np.asarray(np.exp(low + (high - low) * parts**0.8))


def place_plumes(
    rng: np.random.Generator,
    lines: int,
    samples: int,
    count: int,
    *,
    pixel_m: float = 60.0,
    emission_range: tuple[float, float] = EMISSION_RANGE_KG_H,
    label_threshold: float = LABEL_THRESHOLD_PPM_M,
    label_min_pixels: int = LABEL_MIN_PIXELS,
) -> PlumeField:
    """Draw plumes and place them anywhere in a scene; they may overlap, and a scene's edge may cut them.

    The label rule: a pixel belongs to a plume where that plume's own enhancement is at least
    ``label_threshold`` ppm m, in a connected (8-neighbour) patch of at least ``label_min_pixels``; where
    several do, the strongest has it.

    Args:
        rng: Source of randomness.
        lines: Lines of the scene.
        samples: Samples of the scene.
        count: Number of plumes.
        pixel_m: Size of a pixel in metres.
        emission_range: Emission rates in kg/h.
        label_threshold: Least enhancement of a labelled pixel in ppm m.
        label_min_pixels: Least size of a labelled patch.

    Returns:
        Enhancement, plume numbers (from 1, in the order of ``sources``), and the table of sources.
    """
    enhancement = np.zeros((lines, samples), np.float32)
    strongest = np.zeros((lines, samples), np.float32)
    plume_id = np.zeros((lines, samples), np.int32)
    sources = np.zeros(count, SOURCE_DTYPE)
    prevailing, scatter = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.6)
    mean_wind = np.exp(rng.normal(np.log(2.7), 0.4))
    for index, emission in enumerate(draw_emissions(rng, count, emission_range)):
        wind = float(np.clip(mean_wind * np.exp(rng.normal(0, 0.2)), *WIND_RANGE_M_S))
        direction = float((prevailing + rng.normal(0, scatter)) % (2 * np.pi))
        kind = KINDS[int(rng.choice(len(KINDS), p=KIND_ODDS))]
        field, origin = draw_plume(
            rng, emission_kg_h=emission, wind_m_s=wind, direction_rad=direction, pixel_m=pixel_m, kind=kind
        )
        at = (int(rng.integers(0, lines)), int(rng.integers(0, samples)))
        scene_part, own = overlap((lines, samples), field, (at[0] - origin[0], at[1] - origin[1]))
        enhancement[scene_part] += own
        labelled = drop_small(own >= label_threshold, label_min_pixels) & (own > strongest[scene_part])
        plume_id[scene_part][labelled] = index + 1
        np.maximum(strongest[scene_part], own * labelled, out=strongest[scene_part])
        mass = float(own.sum(dtype=np.float64)) * KG_PER_PPM_M_M2 * pixel_m**2
        sources[index] = (index + 1, *at, emission, wind, direction, own.max(initial=0.0), mass, 0)
    if count:
        sources["pixels"] = np.bincount(plume_id.reshape(-1), minlength=count + 1)[1:]
    return PlumeField(enhancement, plume_id, sources)


def overlap(
    shape: tuple[int, int], field: Field, corner: tuple[int, int]
) -> tuple[tuple[slice, slice], Field]:
    """Return where a window whose first pixel lies at ``corner`` meets the scene, and its part there."""
    first = [max(0, c) for c in corner]
    last = [min(s, c + f) for s, c, f in zip(shape, corner, field.shape, strict=True)]
    last = [max(a, b) for a, b in zip(first, last, strict=True)]
    own = field[first[0] - corner[0] : last[0] - corner[0], first[1] - corner[1] : last[1] - corner[1]]
    return (slice(first[0], last[0]), slice(first[1], last[1])), own
