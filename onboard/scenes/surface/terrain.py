"""Terrain: heights with valleys cut by their drainage, slopes, and the light that falls on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.random_fields import coordinates, slopes, spectral_field, standardised
from onboard.scenes.surface.climates import Figures
from onboard.scenes.surface.drainage import CELL, Drainage, draw_drainage
from onboard.scenes.surface.tools import log_uniform, on_pixels, smooth_field

PIXEL_M = 60.0
LEAST_SHADE, MOST_SHADE = 0.05, 2.5
STEEPEST = 1.2
DIVIDES = 0.35
# Rows of the network per cell's width along the flow: the more, the further channels stray sideways.
HASTE = 1.5


@dataclass(frozen=True)
class Terrain:
    """The lie of the land; maps are float32 (n, lines, samples).

    Attributes:
        elevation_m: Height above the sea in m.
        height: The same, standardised: mean 0 and standard deviation 1.
        steepness: Rise over run.
        shade: Cosine of the incidence angle over the cosine of the sun's zenith angle; 1 on flat ground.
        drained: Natural logarithm of the area drained, in cells of four pixels.
        valley: Closeness to a valley's floor, about standard normal.
        downstream: Distance along the drainage in pixels, growing downstream.
        aside: Distance across it in pixels.
        sun_zenith_deg: (n,).
        sun_azimuth_deg: (n,), clockwise from the direction of falling line numbers.
    """

    elevation_m: Array
    height: Array
    steepness: Array
    shade: Array
    drained: Array
    valley: Array
    downstream: Array
    aside: Array
    sun_zenith_deg: Array
    sun_azimuth_deg: Array


def draw_terrain(
    random: Random,
    shape: tuple[int, int, int],
    figures: Figures,
    *,
    sun_zenith_deg: Array | None = None,
    sun_azimuth_deg: Array | None = None,
) -> Terrain:
    """Draw the terrain of scenes.

    Args:
        random: Source of chance.
        shape: (n, lines, samples).
        figures: Figures of the scenes' climates.
        sun_zenith_deg: (n,) below 90; by default drawn from the climates' ranges.
        sun_azimuth_deg: (n,); by default drawn.

    Returns:
        The terrain.
    """
    xp = random.xp
    n = shape[0]
    rough = random.child("incision").uniform((n,), 0.5, 1.5)
    flow = _drained_ground(random, shape, rough)
    wide = smooth_field(random.child("regional"), shape, outer=350.0, step=16, slope=4.2, margin=500)
    fine = spectral_field(random.child("fine"), shape, outer=14.0, slope=3.3, margin=0)
    # Heights and plains lie side by side: where the regional height is low, so is the relief.
    vigour = xp.exp(0.5 * wide)
    raw = vigour * (flow.height + 0.05 * fine) + 2.5 * wide
    down, across = slopes(raw)
    steep = xp.sqrt(xp.mean(down * down + across * across, axis=(1, 2)) + 1e-12)
    # A small map may be of a plain or of a mountain side, so its own mean slope says little.
    around = xp.exp(-0.25 * xp.mean(wide, axis=(1, 2))) if shape[1] * shape[2] < 100_000 else 1.0
    scale = on_pixels(figures.draw("relief") / (steep * around))
    base = random.child("base").uniform((n,), 5.0, 900.0) + 2500 * figures.value("relief")[:, 0]
    metres = PIXEL_M * scale * raw
    elevation = xp.clip(metres - xp.min(metres, axis=(1, 2), keepdims=True), max=3500.0) + on_pixels(base)
    if sun_zenith_deg is None:
        sun_zenith_deg = figures.draw("sun_zenith_deg")
    if sun_azimuth_deg is None:
        sun_azimuth_deg = random.child("azimuth").uniform((n,), 0.0, 360.0)
    down, across = (xp.clip(s * scale, min=-STEEPEST, max=STEEPEST) for s in (down, across))
    return Terrain(
        elevation_m=elevation,
        height=standardised(raw),
        steepness=xp.sqrt(down * down + across * across),
        shade=shade_of(down, across, sun_zenith_deg, sun_azimuth_deg),
        drained=flow.drained,
        valley=flow.valley,
        downstream=flow.downstream,
        aside=flow.aside,
        sun_zenith_deg=sun_zenith_deg,
        sun_azimuth_deg=sun_azimuth_deg,
    )


def shade_of(down: Array, across: Array, sun_zenith_deg: Array, sun_azimuth_deg: Array) -> Array:
    """Return the light on slopes relative to flat ground: cos(incidence) / cos(sun zenith).

    Lambert's cosine law with the surface normal (-across, -down, 1): Horn, 1981, Proc. IEEE 69, 14-47.

    Args:
        down: Rise over run towards higher lines, (n, lines, samples).
        across: Rise over run towards higher samples.
        sun_zenith_deg: (n,).
        sun_azimuth_deg: (n,), clockwise from the direction of falling line numbers.

    Returns:
        float32 (n, lines, samples), 0.05-2.5: the darkest slopes still see some of the sky.
    """
    xp = namespace(down)
    zenith, azimuth = (on_pixels(a * (np.pi / 180)) for a in (sun_zenith_deg, sun_azimuth_deg))
    towards = across * xp.sin(azimuth) - down * xp.cos(azimuth)
    light = (1 - xp.tan(zenith) * towards) / xp.sqrt(1 + down * down + across * across)
    return xp.clip(light, min=LEAST_SHADE, max=MOST_SHADE)


@dataclass(frozen=True)
class _Flow:
    """What a drainage network makes of a scene's ground, each (n, lines, samples)."""

    height: Array
    drained: Array
    valley: Array
    downstream: Array
    aside: Array


def _drained_ground(random: Random, shape: tuple[int, int, int], rough: Array) -> _Flow:
    """Lay a drainage network over scenes, turned and bent."""
    xp = random.xp
    n, lines, samples = shape
    reach = int(np.ceil(np.hypot(lines, samples)))
    before = min(300, reach // 2)
    rows, columns = int(HASTE * (reach + before)) // CELL + 30, reach // CELL + 8
    network: Drainage = draw_drainage(random.child("network"), n, rows, columns, rough)
    angle = on_pixels(random.child("flow").uniform((n,), 0.0, 2 * np.pi))
    amount = on_pixels(log_uniform(random.child("bend"), (n,), 6.0, 28.0))
    bend = smooth_field(
        random.child("warp"), (n, 2, lines, samples), outer=160.0, step=8, slope=4.0, margin=160
    )
    wiggle = smooth_field(random.child("wiggle"), shape, outer=40.0, step=4, slope=3.0)
    line, sample = coordinates(random, (lines, samples))
    line = line - 0.5 * lines + amount * bend[:, 0] + 2.5 * wiggle
    sample = sample - 0.5 * samples + amount * bend[:, 1] - 2.5 * wiggle
    along = line * xp.cos(angle) + sample * xp.sin(angle)
    side = sample * xp.cos(angle) - line * xp.sin(angle)
    # A divide crosses some scenes: water flows away from it on both sides, through networks of their own.
    divide = xp.astype(random.child("divide").uniform((n, 1, 1)) < DIVIDES, xp.float32)
    off = along + 9 * wiggle + reach * random.child("place").uniform((n, 1, 1), -0.35, 0.35)
    started = before * random.child("start").uniform((n, 1, 1)) + 0.5 * reach + 20.0
    row = divide * (xp.abs(off) + 10) + (1 - divide) * (along + started)
    side = side + divide * xp.astype(off < 0, xp.float32) * 0.37 * reach
    height, drained, valley = network.at(row * (HASTE / CELL), side / CELL)
    # The two networks know nothing of each other: where they meet, the ground is a ridge of its own.
    joined = 1 - divide * (1 - xp.clip(xp.abs(off) / 30.0, max=1.0))
    height = height * joined + (1 - joined) * (0.6 + 0.5 * wiggle) - row * (1.2 / reach)
    return _Flow(height, drained, valley, row, side)
