"""Plumes as puffs of gas in a turbulent wind, batched, and their drawing on a grid of pixels.

The fluctuating plume of Gifford (Advances in Geophysics 6, 1959) in time: puffs left a source at known
times and with intermittent mass; the wind's own history since then, which turns over tens of minutes, bends
the line they lie on; eddies displace neighbours together (Taylor 1922); each puff grows by relative
dispersion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.gas.sources import AREA, FADE, KG_PER_PPM_M_M2, LINE, Sources, plume_mass
from onboard.scenes.gas.turbulence import WindHistory, ornstein_uhlenbeck, taylor_spread
from onboard.scenes.random_fields import smooth_step

# Young puffs are small, so they follow each other more closely.
CROWDING = 1.8
# Deviation of the crosswind eddies: 0.6 w*, w* of 1 to 2 m/s in daytime, and a part of the mean wind.
CONVECTIVE_M_S = (0.3, 1.2)
MECHANICAL = 0.08
EDDY_TIME_S = (300.0, 1200.0)
# Deviation of the wind's slow turning: VEER + VEER_LIGHT / U, as light winds turn most.
VEER_RAD = 0.18
VEER_LIGHT_RAD_M_S = 0.55
GUST = 0.25
# Share of the eddies' spread that widens a puff; the rest moves it.
RELATIVE_SHARE = (0.4, 0.7)
FIRST_SPREAD_M = (20.0, 80.0)
INTERMITTENCY = (0.1, 0.6)
EDGE_PPM_M = 2.0


@dataclass(frozen=True)
class Puffs:
    """Round Gaussian puffs, youngest first; every array is float32 (..., puffs).

    Attributes:
        line: Place along the lines, in pixels from the source.
        sample: Place along the samples, likewise.
        sigma: Standard deviation in pixels.
        amount: Sum of the enhancement over pixels, in ppm m.
    """

    line: Array
    sample: Array
    sigma: Array
    amount: Array


def blow(
    random: Random,
    sources: Sources,
    veer: WindHistory,
    gust: WindHistory,
    *,
    puffs: int,
    pixel_m: float = 60.0,
) -> Puffs:
    """Let the wind carry the gas of sources.

    Args:
        random: Source of chance.
        sources: Sources of shape (...).
        veer: Turning of the wind in its history, of a shape that broadcasts to (...).
        gust: Rise and fall of its speed, likewise.
        puffs: Puffs of each source.
        pixel_m: Size of a pixel in metres.

    Returns:
        The puffs (..., puffs); their amounts add up to `plume_mass`.
    """
    age, span = ages(sources, random.asarray(np.linspace(0, 1, puffs + 1) ** CROWDING))
    life = sources.reach / sources.wind
    flicker = ornstein_uhlenbeck(random, age, life * random.uniform(life.shape, 0.04, 0.3), 2)
    mass = release(random, sources, age, span, flicker[..., 0])
    along, across = carry(sources, veer, gust, age, span)
    shift, spread = eddies(random, sources, age, flicker[..., 1])
    offset, width = extent(random, sources, puffs, pixel_m)
    first = random.uniform(life.shape, *FIRST_SPREAD_M)[..., None]
    xp = random.xp
    sigma = xp.sqrt(spread * spread + first * first + (width * width)[..., None])
    return Puffs(
        line=(across + shift[..., 0] + offset[..., 0]) * (1 / pixel_m),
        sample=(along + shift[..., 1] + offset[..., 1]) * (1 / pixel_m),
        sigma=sigma * (1 / pixel_m),
        amount=mass * (1 / (KG_PER_PPM_M_M2 * pixel_m**2)),
    )


def ages(sources: Sources, parts: Array) -> tuple[Array, Array]:
    """Return the mean age of each puff and the time over which it was released, both (..., puffs) in s.

    Args:
        sources: Sources (...).
        parts: Rising shares (puffs + 1,) of the time followed at which one puff ends and another begins.
    """
    life = (sources.reach / sources.wind)[..., None]
    edges = life * parts
    return 0.5 * (edges[..., 1:] + edges[..., :-1]), edges[..., 1:] - edges[..., :-1]


def release(random: Random, sources: Sources, age: Array, span: Array, flicker: Array) -> Array:
    """Return the mass of each puff in kg (..., puffs): intermittent, but adding up to `plume_mass`."""
    xp = random.xp
    unsteady = random.uniform(sources.wind.shape, *INTERMITTENCY)[..., None]
    life = (sources.reach / sources.wind)[..., None]
    mass = xp.exp(unsteady * flicker) * span * smooth_step(1 - age / life, 0.0, FADE)
    total = plume_mass(sources.emission, sources.wind)[..., None]
    return mass * (total / xp.sum(mass, axis=-1, keepdims=True))


def carry(
    sources: Sources, veer: WindHistory, gust: WindHistory, age: Array, span: Array
) -> tuple[Array, Array]:
    """Return where the wind has carried puffs, along samples and along lines, (..., puffs) in m.

    Gas released a time t ago has travelled with the wind of all the time since, the integral of its history
    from t ago till now, so the places are a running sum over age.
    """
    xp = namespace(age)
    turning = (VEER_RAD + VEER_LIGHT_RAD_M_S / sources.wind)[..., None]
    heading = sources.direction[..., None] + turning * veer.at(age)
    step = sources.wind[..., None] * xp.clip(1 + GUST * gust.at(age), min=0.2) * span
    east, south = step * xp.cos(heading), step * xp.sin(heading)
    # A puff lies at the middle of its own step.
    return (xp.cumulative_sum(d, axis=-1) - 0.5 * d for d in (east, south))  # type: ignore[return-value]


def eddies(random: Random, sources: Sources, age: Array, flicker: Array) -> tuple[Array, Array]:
    """Return displacements (..., puffs, 2) and relative spreads (..., puffs) by eddies, in m."""
    xp = random.xp
    shape = sources.wind.shape
    memory = random.uniform(shape, *EDDY_TIME_S)
    speed = random.uniform(shape, *CONVECTIVE_M_S) + MECHANICAL * sources.wind
    whole = taylor_spread(age, speed, memory)
    share = random.uniform(shape, *RELATIVE_SHARE)[..., None]
    moved = whole * xp.sqrt(1 - share * share)
    shift = moved[..., None] * ornstein_uhlenbeck(random, age, 0.6 * memory, 2)
    return shift, whole * share * xp.exp(0.2 * flicker)


def extent(random: Random, sources: Sources, puffs: int, pixel_m: float) -> tuple[Array, Array]:
    """Return where in a source each puff left it (..., puffs, 2), and a spread by its size (...), in m.

    A line (a pipeline's or a valve field's) leaks anywhere on 2 to 10 pixels of 60 m, an area (a landfill)
    over a few; a point is a point.
    """
    xp = random.xp
    shape = sources.wind.shape
    turn = random.uniform(shape, 0.0, math.pi)
    length = xp.where(sources.kind == LINE, random.uniform(shape, 120.0, 600.0), 0.0)
    size = xp.where(sources.kind == AREA, random.uniform(shape, 30.0, 150.0), 0.0)
    place = random.uniform((*shape, puffs), -0.5, 0.5) * length[..., None]
    ways = xp.stack([xp.sin(turn), xp.cos(turn)], axis=-1)[..., None, :]
    scattered = random.normal((*shape, puffs, 2)) * size[..., None, None]
    return place[..., None] * ways + scattered, size


def pixel_shares(centre: Array, sigma: Array, pixels: Array) -> Array:
    """Return the shares of Gaussians in pixels, float32 (..., puffs, pixels).

    Args:
        centre: Places (..., puffs) in pixels.
        sigma: Deviations (..., puffs) in pixels.
        pixels: Edges (pixels + 1,) of neighbouring pixels.
    """
    xp = namespace(centre)
    x = (pixels - centre[..., None]) * (1 / sigma)[..., None]
    # Normal distribution function by a tanh, right to 2e-4 (Page 1977, Applied Statistics 26, 75).
    cumulative = xp.tanh(x * (0.7988 + 0.03528 * (x * x)))
    return 0.5 * (cumulative[..., 1:] - cumulative[..., :-1])


def rasterise(puffs: Puffs, line: Array, sample: Array, edges: tuple[Array, Array]) -> Array:
    """Draw puffs on a grid, each integrated over the pixels so that its amount is kept.

    Args:
        puffs: Puffs (..., puffs).
        line: Line of each source (...) on the grid.
        sample: Sample of each source (...).
        edges: Edges of the grid's lines (lines + 1,) and samples (samples + 1,).

    Returns:
        Enhancement in ppm m, float32 (..., lines, samples).
    """
    xp = namespace(puffs.line)
    down = pixel_shares(puffs.line + line[..., None], puffs.sigma, edges[0]) * puffs.amount[..., None]
    across = pixel_shares(puffs.sample + sample[..., None], puffs.sigma, edges[1])
    return xp.matmul(xp.matrix_transpose(down), across)


def ruffle(field: Array, texture: Array) -> Array:
    """Multiply plumes by a positive texture (both broadcast to (..., lines, samples)), keeping their mass."""
    xp = namespace(field)
    rough = field * texture
    before = xp.sum(field, axis=(-2, -1), keepdims=True)
    after = xp.sum(rough, axis=(-2, -1), keepdims=True)
    return rough * (before / xp.clip(after, min=1e-9))


def fade_edges(field: Array) -> Array:
    """Let values below twice ``EDGE_PPM_M`` fall to zero smoothly, so that a plume has an end."""
    xp = namespace(field)
    step = xp.clip(field * (1 / EDGE_PPM_M) - 1, min=0.0, max=1.0)
    return field * (step * step)
