"""From reflectance to radiance by a linearised atmosphere: one matrix product and one exponential a pixel.

For ground that is not uniform (Vermote et al. 1997, IEEE TGRS 35, 675-686, section II: surface effects),

    L = L_path + E0 cos(sza)/pi T_gas T_down (rho exp(-tau/mu_v) + rho_e t_d(mu_v)) / (1 - S rho_e)

rho is the pixel's reflectance, rho_e that of its environment, S the spherical albedo. Light on the ground is
direct and diffuse; slopes and clouds take from the direct share alone. What varies over a scene enters as
ln T = ln T_mean + fields @ curves.

Spectral arrays have shape (bands,) for one scene and (n, 1, 1, bands) for n, and so broadcast against
(..., bands) and (n, lines, samples, bands).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from onboard.scenes.arrays import Array, namespace
from onboard.scenes.memory import exponential
from onboard.scenes.response import Float64

AIR_FIELDS = 6
MODULATIONS = 6
FEATURES = 8
"""Absorptions between 2.1 and 2.45 um that patches of ground have of their own."""
DEPTH_SPREAD = 0.8
WATER_LIMIT_CM = 0.6
"""Water vapour within a scene strays no further from its mean, so that the quadratic holds."""
CO2_SPREAD, CH4_SPREAD = 0.002, 0.004
"""Deviation of the background columns within 75 km, relative: about 1 ppm and 8 ppb, the size of gradients
that OCO-2 and TROPOMI show over regions without strong sources."""
SWATH_HALF_ANGLE_DEG = 5.4
"""Half the angle of EMIT's 75 km swath, seen from 400 km."""


@dataclass(frozen=True)
class Light:
    """What turns reflectance into radiance; float32, spectral arrays (bands,) or (n, 1, 1, bands).

    Attributes:
        scale: E0 cos(sza)/pi times two-way transmittance, uW cm-2 sr-1 nm-1.
        path: Path radiance, uW cm-2 sr-1 nm-1.
        sphere: Spherical albedo.
        direct: Share of direct sunlight in the light on flat ground.
        straight: Share of unscattered light in what goes up from the ground to the sensor.
        near: Share of the near kernel in the environment (see ``adjacency``).
        cloud: Radiance of an opaque cloud, uW cm-2 sr-1 nm-1.
        path_curve: Change of path radiance with the aerosol field.
        curves: Change of ln ground light with each field, (fields, bands) or (n, fields, bands): water
            vapour in cm, half its square, height in km, CO2 and CH4 relative, slant in air masses, each
            against the scene's mean; then the spectral modulations and the ground's own absorptions.
        water_cm: Mean water vapour, () or (n, 1, 1).
        sun_zenith_deg: () or (n, 1, 1).
    """

    scale: Array
    path: Array
    sphere: Array
    direct: Array
    straight: Array
    near: Array
    cloud: Array
    path_curve: Array
    curves: Array
    water_cm: Array
    sun_zenith_deg: Array


def radiance(
    light: Light,
    reflectance: Array,
    fields: Array,
    *,
    environment: Array | None = None,
    shade: Array | None = None,
    shadow: Array | None = None,
    aerosol: Array | None = None,
    cloud: Array | None = None,
) -> tuple[Array, Array]:
    """Return at-sensor radiance as light from the ground and light from the air; their sum is L.

    Methane of a plume belongs between the two: ground light times its transmittance, then the sum.

    Args:
        light: The light.
        reflectance: (..., bands).
        fields: (..., fields), see ``air_fields``.
        environment: Reflectance of the surroundings, (..., bands); None for ground that is alike all round.
        shade: cos incidence / cos sza, (...); None for flat ground.
        shadow: Share of direct sunlight that clouds let through, (...); None for all of it.
        aerosol: Standard normal field of haze, (...); None for none.
        cloud: Opacity of clouds over the pixel, 0-1, (...); None for a clear sky.

    Returns:
        Ground radiance, float32 (..., bands), and path radiance, of that shape or one that broadcasts
        against it; uW cm-2 sr-1 nm-1.
    """
    sun = shade if shadow is None else (shadow if shade is None else shade * shadow)
    # In-place steps on arrays made here: fresh memory costs more than the arithmetic.
    ground = exponential(combine(fields, light.curves))
    ground *= light.scale
    if environment is None:
        bounce = reflectance * (-light.sphere)
        ground *= reflectance
        if sun is not None:
            ground *= 1.0 + light.direct * (sun - 1.0)[..., None]
    else:
        bounce = environment * (-light.sphere)
        seen = reflectance * light.straight if sun is None else _lit(light, sun)
        if sun is not None:
            seen *= reflectance
        seen += environment * (1.0 - light.straight)
        ground *= seen
    bounce += 1.0
    ground /= bounce
    clear = None if cloud is None else 1.0 - cloud
    if clear is not None:
        ground *= clear[..., None]
    return ground, _path(light, aerosol, cloud, clear)


def _path(light: Light, aerosol: Array | None, cloud: Array | None, clear: Array | None) -> Array:
    """Return light from the air: of the clear sky, of its haze, and of clouds."""
    fields, curves = [clear], [light.path]
    if aerosol is not None:
        fields.append(aerosol if clear is None else aerosol * clear)
        curves.append(light.path_curve)
    if cloud is not None:
        fields.append(cloud)
        curves.append(light.cloud)
    return light.path if len(curves) == 1 else _outer(fields, curves)


def _lit(light: Light, sun: Array) -> Array:
    """Light on a slope over that on flat ground, times the unscattered share of its way up."""
    return _outer([None, sun - 1.0], [light.straight, light.direct * light.straight])


def _outer(fields: list[Array | None], curves: list[Array]) -> Array:
    """Return the sum of fields (...), None for 1, times spectra: as a product of matrices, in one go."""
    xp = namespace(fields[-1])
    one = xp.ones_like(fields[-1])
    values = xp.moveaxis(xp.stack([one if f is None else f for f in fields]), 0, -1)
    if curves[0].ndim == 1:
        return combine(values, xp.stack(curves))
    shape = (curves[0].shape[0], 1, -1)
    return combine(values, xp.concat([xp.reshape(curve, shape) for curve in curves], axis=1))


def combine(values: Array, curves: Array) -> Array:
    """Return values (..., fields) @ curves (fields, bands) or, scene by scene, (n, fields, bands)."""
    if curves.ndim == 2:
        return values @ curves
    xp = namespace(values)
    flat = xp.reshape(values, (values.shape[0], -1, values.shape[-1]))
    return xp.reshape(flat @ curves, (*values.shape[:-1], curves.shape[-1]))


def air_fields(
    light: Light,
    modulation: Array,
    height_km: Array,
    *,
    humidity: Array | None = None,
    gas: Array | None = None,
    slant: Array | None = None,
) -> Array:
    """Return the fields that change ln radiance, float32 (..., fields).

    Water vapour falls with height by 40 % of its mean a kilometre (scale height 2.2 km) and strays by 3 %
    with the humidity field.

    Args:
        light: The light.
        modulation: Standard normal fields, (..., 8): depth and place of the ground's own absorptions, then
            six spectral modulations, the last one regional.
        height_km: Height against the scene's mean, (...).
        humidity: Standard normal field, (...); by default the regional modulation.
        gas: Standard normal, smooth field of the background columns, (...); None for none.
        slant: Air masses of the view against the mean, shaped to broadcast; None for none.
    """
    xp = namespace(modulation)
    humid = modulation[..., -1] if humidity is None else humidity
    limit = xp.clip(0.5 * light.water_cm, max=WATER_LIMIT_CM)
    water = light.water_cm * (0.03 * humid - 0.4 * height_km)
    water = xp.minimum(xp.maximum(water, -limit), limit)
    zero = xp.zeros_like(water)
    co2 = zero if gas is None else CO2_SPREAD * gas
    ch4 = zero if gas is None else CH4_SPREAD * gas
    way = zero if slant is None else slant + zero
    air = [water, 0.5 * water * water, height_km + zero, co2 + zero, ch4 + zero, way]
    ground = [modulation[..., i] for i in range(2, modulation.shape[-1])]
    # Field after field in memory: neither they nor their product with curves jump from pixel to pixel.
    return xp.moveaxis(xp.stack([*air, *ground, *_own_planes(modulation)]), 0, -1)


def own_features(modulation: Array) -> Array:
    """Return how deep each of the ground's own absorptions is, float32 (..., FEATURES), 1 in the median.

    Al-OH, Mg-OH, CO3 and dry plants absorb at 2.16-2.44 um, and where they do moves with composition (Clark
    et al. 1990, JGR 95, 12653-12680). A pixel has the one or two that its place in composition lies between;
    depth is log-normal from patch to patch. So no covariance of a whole swath takes them away, as it would
    take fields that every pixel shares.

    Args:
        modulation: Standard normal fields, (..., 8): the first is the depth, the second the place.
    """
    return namespace(modulation).stack(_own_planes(modulation), axis=-1)


def _own_planes(modulation: Array) -> list[Array]:
    xp = namespace(modulation)
    depth = xp.exp(DEPTH_SPREAD * modulation[..., 0])
    place = (FEATURES - 1.0) / (1.0 + xp.exp(-1.7 * modulation[..., 1]))
    return [depth * xp.clip(1.0 - xp.abs(place - float(k)), min=0.0) for k in range(FEATURES)]


def view_slant(view_zenith_deg: Array, mean_deg: float = 0.0) -> Array:
    """Return air masses of the view (samples,) against those at ``mean_deg``, plane-parallel."""
    xp = namespace(view_zenith_deg)
    return 1.0 / xp.cos(view_zenith_deg * (np.pi / 180.0)) - 1.0 / math.cos(math.radians(mean_deg))


def swath_view_zenith(samples: int, pointing_deg: float = 0.0) -> Float64:
    """Return the zenith angle of the view across the track, degrees, float64 (samples,)."""
    across = np.linspace(-SWATH_HALF_ANGLE_DEG, SWATH_HALF_ANGLE_DEG, samples)
    return np.asarray(np.abs(across + pointing_deg))


def spectral_names() -> tuple[str, ...]:
    """Return the attributes of ``Light`` that are spectra (bands,)."""
    return tuple(f.name for f in fields(Light) if f.name not in ("curves", "water_cm", "sun_zenith_deg"))
