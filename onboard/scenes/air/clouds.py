"""Clouds and their shadows: fractal cumulus below, thin cirrus above, displaced along the sun.

Opacity is what a cloud hides and shines by; it follows from optical depth as the albedo of a layer that does
not absorb, c = (1 - g) tau / (2 + (1 - g) tau) (Coakley and Chylek 1975, J. Atmos. Sci. 32, 409), g = 0.85.
Cloud fields follow power laws and their borders are fractal (Lovejoy 1982, Science 216, 185).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random, Shape, namespace
from onboard.scenes.random_fields import fast_length, level_above, spectral_field

ASYMMETRY = 0.85
CUMULUS_CHANCE = 0.7
CUMULUS_TOP_KM = (1.0, 3.0)
CUMULUS_DEPTH_KM = 0.6
CIRRUS_TOP_KM = (7.0, 11.0)
CUMULUS_TAU, CIRRUS_TAU = (8.0, 40.0), (0.3, 2.5)
SUN_DISC_RAD = 0.0093
LAYERS = 3


@dataclass(frozen=True)
class Clouds:
    """Clouds over scenes.

    Attributes:
        opacity: 0-1, float32 (n, lines, samples).
        light: Share of direct sunlight that reaches the ground, 0-1, float32 (n, lines, samples).
    """

    opacity: Array
    light: Array


def build_clouds(
    random: Random,
    shape: Shape,
    fraction: Sequence[float],
    *,
    sun_zenith_deg: Array,
    sun_azimuth_rad: Array | None = None,
    pixel_m: float = 60.0,
) -> Clouds | None:
    """Draw clouds for the scenes that have any.

    Args:
        random: Source of chance.
        shape: (n, lines, samples).
        fraction: Share of each scene that is under clouds, n numbers; scenes of 0 cost next to nothing.
        sun_zenith_deg: (n, 1, 1), (n,) or ().
        sun_azimuth_rad: Direction of the sun from the sample axis towards later lines, (n,); drawn if None.
        pixel_m: Size of a pixel in metres.

    Returns:
        The clouds, or None where no scene has any.

    Raises:
        UsageError: Other than n fractions, or one that is not within 0-0.95.
    """
    shares = np.asarray(fraction, np.float64)
    if shares.shape != shape[:1] or not ((shares >= 0) & (shares <= 0.95)).all():
        raise UsageError(
            "cloud fractions that are none",
            field="fraction",
            found=list(fraction),
            expected=f"{shape[0]} numbers, 0 to 0.95",
        )
    cloudy = np.flatnonzero(shares > 0)
    if cloudy.size == 0:
        return None
    xp = random.xp
    which = random.asarray(cloudy, "int64")
    n = cloudy.size
    azimuth = random.uniform((shape[0],), 0.0, 2 * np.pi) if sun_azimuth_rad is None else sun_azimuth_rad
    zenith = xp.broadcast_to(xp.reshape(sun_zenith_deg, (-1,)), (shape[0],))
    tau, top_km, depth_km = _optical_depth(random, (n, *shape[1:]), random.asarray(shares[cloudy]))
    reach = xp.tan(xp.take(zenith, which) * (np.pi / 180.0)) * (1000.0 / pixel_m)
    light = _shadow(tau, top_km, depth_km, reach, xp.take(azimuth, which))
    parts = (opacity_of(tau), light)
    if n == shape[0]:
        opacity, light = (part[:, : shape[1], : shape[2]] for part in parts)
        return Clouds(opacity, light)
    # Clear scenes all take the one clear plane in front.
    place = np.zeros(shape[0], np.int64)
    place[cloudy] = 1 + np.arange(n)
    order = random.asarray(place, "int64")
    maps = []
    for part, clear in zip(parts, (0.0, 1.0), strict=True):
        cut = part[:, : shape[1], : shape[2]]
        maps.append(xp.take(xp.concat([xp.zeros_like(cut[:1, ...]) + clear, cut], axis=0), order, axis=0))
    return Clouds(*maps)


def opacity_of(tau: Array) -> Array:
    """Return the opacity 0-1 of clouds of an optical depth (...)."""
    scaled = (1.0 - ASYMMETRY) * tau
    return scaled / (2.0 + scaled)


def _optical_depth(random: Random, shape: Shape, fraction: Array) -> tuple[Array, Array, Array]:
    """Draw periodic fields of optical depth (n, lines', samples'), cloud tops and depths (n,) in km."""
    xp = random.xp
    n = shape[0]
    full = (n, fast_length(shape[1]), fast_length(shape[2]))
    cumulus = xp.astype(random.uniform((n,)) < CUMULUS_CHANCE, xp.float32)

    def either(low: tuple[float, float], high: tuple[float, float]) -> Array:
        share = random.uniform((n,))
        return cumulus * (low[0] + share * (low[1] - low[0])) + (1 - cumulus) * (
            high[0] + share * (high[1] - high[0])
        )

    field = spectral_field(
        random,
        full,
        outer=either((12.0, 60.0), (60.0, 200.0)),
        slope=either((2.7, 3.2), (3.2, 3.8)),
        stretch=either((1.0, 1.6), (2.0, 5.0)),
        angle=random.uniform((n,), 0.0, np.pi),
        inner=either((0.5, 1.0), (2.0, 4.0)),
        margin=0,
    )
    rise = field - level_above(field, fraction)[..., None, None]
    # Cumulus domes rise steeply from their edge, cirrus fades in.
    depth = xp.clip(rise, min=0.0) * either((1.0, 1.6), (0.5, 1.0))[:, None, None]
    depth = xp.clip(depth, max=1.0) * either(CUMULUS_TAU, CIRRUS_TAU)[:, None, None]
    depth_km = cumulus * CUMULUS_DEPTH_KM + (1 - cumulus) * 1.0
    return depth, either(CUMULUS_TOP_KM, CIRRUS_TOP_KM), depth_km


def _shadow(tau: Array, top_km: Array, depth_km: Array, reach: Array, azimuth: Array) -> Array:
    """Return the direct sunlight under clouds, (n, lines, samples).

    The shadow of what stands at height h falls h tan(sza) away from the sun. Layers from top to base share
    the optical depth, which smears a shadow as a cloud's depth does; they also step across the sun's disc,
    0.53 degrees wide, for the penumbra. Light in the forward peak goes on as direct light: tau is scaled by
    1 - g^2 (delta scaling, Joseph et al. 1976, J. Atmos. Sci. 33, 2452).

    Args:
        tau: Optical depth, periodic, (n, lines, samples).
        top_km: Cloud tops, (n,).
        depth_km: Depth of clouds, (n,).
        reach: Pixels of displacement per km of height, (n,).
        azimuth: Of the sun, (n,).
    """
    xp = namespace(tau)
    total = xp.zeros_like(tau)
    for layer in range(LAYERS):
        height = top_km - depth_km * (layer / (LAYERS - 1))
        away = height * reach * (1.0 + SUN_DISC_RAD * (layer / (LAYERS - 1) - 0.5))
        total = total + rolled(tau, -away * xp.sin(azimuth), -away * xp.cos(azimuth))
    return xp.exp(total * (-(1.0 - ASYMMETRY**2) / LAYERS))


def rolled(values: Array, down: Array, across: Array) -> Array:
    """Move periodic maps (n, lines, samples) by (n,) lines and samples, fractions interpolated."""
    return _rolled(_rolled(values, down, 1), across, 2)


def _rolled(values: Array, amount: Array, axis: int) -> Array:
    xp = namespace(values)
    size = values.shape[axis]
    whole = xp.floor(amount)
    share = (amount - whole)[:, None, None]
    index = (
        xp.arange(size, dtype=xp.int64, device=values.device)[None, :] - xp.astype(whole, xp.int64)[:, None]
    )
    index = index % size
    before = (index - 1) % size
    if axis == 1:
        index, before = index[:, :, None], before[:, :, None]
    else:
        index, before = index[:, None, :], before[:, None, :]
    near = xp.take_along_axis(values, xp.broadcast_to(index, values.shape), axis=axis)
    far = xp.take_along_axis(values, xp.broadcast_to(before, values.shape), axis=axis)
    return near + share * (far - near)
