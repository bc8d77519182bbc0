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
from dataclasses import dataclass, fields, replace

import numpy as np

from onboard.scenes.arrays import Array, Random, like, namespace
from onboard.scenes.atmosphere import Atmosphere, air_mass, rayleigh_optical_depth
from onboard.scenes.response import Float64

AIR_FIELDS = 6
MODULATIONS = 6
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
            against the scene's mean; then the spectral modulations.
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
        Ground and path radiance, float32 (..., bands), uW cm-2 sr-1 nm-1.
    """
    sun = shade if shadow is None else (shadow if shade is None else shade * shadow)
    # In-place steps on arrays made here: fresh memory costs more than the arithmetic.
    ground = combine(fields, light.curves)
    ground = exponential(ground)
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
    path = light.path
    if aerosol is not None:
        path = path + aerosol[..., None] * light.path_curve
    if cloud is not None:
        clear = (1.0 - cloud)[..., None]
        ground *= clear
        path = path * clear + cloud[..., None] * light.cloud
    return ground, path


def _lit(light: Light, sun: Array) -> Array:
    """Light on a slope over that on flat ground, times the unscattered share of its way up."""
    lit = (sun - 1.0)[..., None] * (light.direct * light.straight)
    lit += light.straight
    return lit


def exponential(values: Array) -> Array:
    """Return exp of an array, in its own memory where the library can; the array is given up."""
    if hasattr(values, "exp_"):
        return values.exp_()
    if isinstance(values, np.ndarray):
        return np.exp(values, out=values)
    return namespace(values).exp(values)


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
        modulation: Standard normal spectral modulations, (..., 6), the last one regional.
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
    air = xp.stack([water, 0.5 * water * water, height_km + zero, co2 + zero, ch4 + zero, way], axis=-1)
    return xp.concat([air, modulation], axis=-1)


def view_slant(view_zenith_deg: Array, mean_deg: float = 0.0) -> Array:
    """Return air masses of the view (samples,) against those at ``mean_deg``, plane-parallel."""
    xp = namespace(view_zenith_deg)
    return 1.0 / xp.cos(view_zenith_deg * (np.pi / 180.0)) - 1.0 / math.cos(math.radians(mean_deg))


def swath_view_zenith(samples: int, pointing_deg: float = 0.0) -> Float64:
    """Return the zenith angle of the view across the track, degrees, float64 (samples,)."""
    across = np.linspace(-SWATH_HALF_ANGLE_DEG, SWATH_HALF_ANGLE_DEG, samples)
    return np.asarray(np.abs(across + pointing_deg))


def cloud_reflectance(centres: Float64, ice: float = 0.5) -> Float64:
    """Reflectance (bands,) of an opaque cloud: grey in the visible, dark where droplets and ice absorb.

    Bands of liquid water and ice at 1.5 and 2.0 um and the fall beyond, which deepen as particles grow
    (Nakajima and King 1990, J. Atmos. Sci. 47, 1878-1893, fig. 2; ice: Kou et al. 1993, Appl. Opt. 32, 3531).

    Args:
        centres: Band centres in nm.
        ice: 0 for liquid water, 1 for large ice crystals.
    """

    def bell(centre: float, width: float) -> Float64:
        return np.asarray(np.exp(-0.5 * ((centres - centre) / width) ** 2))

    fall = np.clip((centres - 1300.0) / 1200.0, 0.0, 1.0)
    absorbed = (0.15 + 0.20 * ice) * fall + (0.10 + 0.25 * ice) * bell(1500, 65)
    return np.asarray(0.72 * (1 - np.clip(absorbed + (0.20 + 0.35 * ice) * bell(2020, 85), 0.0, 0.95)))


def state(air: Atmosphere, centres: Float64, fwhm: Float64, ice: float = 0.5) -> dict[str, Float64]:
    """Linearise an atmosphere about its mean state.

    Args:
        air: Mean state of the air over the scene.
        centres: Band centres (bands,) in nm.
        fwhm: Full widths at half maximum (bands,) in nm.
        ice: Phase of its clouds, see ``cloud_reflectance``.

    Returns:
        The attributes of ``Light`` by name, float64; ``curves`` (6, bands) without modulations.

    Raises:
        UsageError: A malformed band table, or a band outside 360-2520 nm.
    """
    mean = air.terms(centres, fwhm)
    log_t = np.log(np.maximum(mean.two_way, 1e-9))

    def against(**change: float) -> Float64:
        two_way = replace(air, **change).terms(centres, fwhm).two_way
        return np.asarray(np.log(np.maximum(two_way, 1e-9)) - log_t)

    step = min(0.15, 0.5 * air.water_cm)
    wet, dry = against(water_cm=air.water_cm + step), against(water_cm=air.water_cm - step)
    tilted = air.view_zenith_deg + 8.0
    slant = air_mass(tilted) - air_mass(air.view_zenith_deg)
    curves = [
        (wet - dry) / (2 * step),
        (wet + dry) / step**2,
        against(elevation_km=air.elevation_km + 0.2) / 0.2,
        against(co2_scale=1.05 * air.co2_scale) / 0.05,
        against(ch4_scale=1.05 * air.ch4_scale) / 0.05,
        against(view_zenith_deg=tilted) / slant,
    ]
    hazy = replace(air, aerosol_550=air.aerosol_550 + 0.03).terms(centres, fwhm).path_radiance
    # Little water stands above a cloud.
    above = np.maximum(mean.two_way, 1e-9) ** 0.35
    return {
        "scale": mean.irradiance * mean.two_way,
        "path": mean.path_radiance,
        "sphere": mean.spherical_albedo,
        "direct": 1 - mean.diffuse_fraction,
        "straight": air.straight_share(centres),
        "near": near_share(air, centres),
        "cloud": mean.irradiance * above * cloud_reflectance(centres, ice),
        "path_curve": (hazy - mean.path_radiance) * (0.08 * air.aerosol_550 / 0.03),
        "curves": np.stack(curves),
        "water_cm": np.asarray(air.water_cm),
        "sun_zenith_deg": np.asarray(air.sun_zenith_deg),
    }


def near_share(air: Atmosphere, centres: Float64) -> Float64:
    """Return the share (bands,) of the near kernel in the environment function.

    6S (Vermote et al. 1997; Tanre et al. 1981, Appl. Opt. 20, 3676) gives aerosol 0.625 within an e-folding
    distance of 1/1.83 km and molecules 0.070 within 1/1.10 km; the rest comes from 5 km and more.
    """
    molecules = rayleigh_optical_depth(centres, air.pressure_ratio)
    aerosol = air.aerosol_optical_depth(centres)
    return np.asarray((0.070 * molecules + 0.625 * aerosol) / (molecules + aerosol))


def make_light(
    air: Atmosphere, centres: Float64, fwhm: Float64, modulation: Array, ice: float = 0.5
) -> Light:
    """Make the light of one scene, on the library and device of ``modulation`` (6, bands).

    Raises:
        UsageError: A malformed band table, or a band outside 360-2520 nm.
    """
    arrays = {name: like(value, modulation) for name, value in state(air, centres, fwhm, ice).items()}
    arrays["curves"] = namespace(modulation).concat([arrays["curves"], modulation], axis=0)
    return Light(**arrays)


def modulation_curves(random: Random, centres: Float64, strength: Array | float, scenes: int) -> Array:
    """Draw how ln reflectance varies from pixel to pixel: six curves, float32 (scenes, 6, bands).

    Brightness by roughness and moisture, tilt, the iron slope below 900 nm, depth of the liquid-water
    bands, a broad and a narrower feature in 2.1-2.4 um (clays, carbonates, lignin vary at that scale).

    Args:
        random: Source of chance.
        centres: Band centres (bands,) in nm.
        strength: Relative to arid ground, number or (scenes,).
        scenes: Number of scenes.
    """
    xp = random.xp
    place = random.asarray(centres)
    draws = random.uniform((scenes, 5, 1))

    def bell(centre: Array | float, width: Array | float) -> Array:
        z = (place - centre) / width
        return xp.exp(-0.5 * z * z)

    def drawn(index: int, low: float, high: float) -> Array:
        return draws[:, index, :] * (high - low) + low

    flat = xp.ones((scenes, 1), dtype=place.dtype, device=draws.device) * xp.ones_like(place)
    tilt = xp.clip((place - 1400.0) / 1000.0, min=-1.0, max=1.0)
    wet = bell(1450.0, 60.0) + 1.4 * bell(1940.0, 70.0) + 0.25 * bell(2500.0, 160.0)
    broad = bell(drawn(0, 2150, 2350), drawn(1, 90, 160))
    narrow = bell(drawn(2, 2200, 2360), drawn(3, 25, 50)) - 0.5 * bell(drawn(4, 2150, 2250), 30.0)
    iron = bell(450.0, 260.0)
    curves = xp.stack([flat, tilt * flat, -iron * flat, -wet * flat, -broad, -narrow], axis=1)
    amounts = random.asarray([0.050, 0.030, 0.040, 0.030, 0.012, 0.006])[:, None]
    amounts = amounts * random.uniform((scenes, MODULATIONS, 1), 0.6, 1.4)
    scale: Array = strength
    if hasattr(scale, "shape"):
        scale = scale[:, None, None]
    return curves * amounts * scale


def spectral_names() -> tuple[str, ...]:
    """Return the attributes of ``Light`` that are spectra (bands,)."""
    return tuple(f.name for f in fields(Light) if f.name not in ("curves", "water_cm", "sun_zenith_deg"))
