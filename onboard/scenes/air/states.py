"""States of the air, linearised: what a model of the atmosphere says once, for all pixels of a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from onboard.scenes.air.light import Light
from onboard.scenes.arrays import Array, like, namespace
from onboard.scenes.atmosphere import Atmosphere, air_mass, rayleigh_optical_depth
from onboard.scenes.response import Float64

WATER_STEP_CM, HEIGHT_STEP_KM, AEROSOL_STEP, VIEW_STEP_DEG = 0.15, 0.2, 0.03, 8.0
GAS_STEP = 0.05
AEROSOL_SPREAD = 0.08
ABOVE_CLOUD = 0.35
"""Exponent of the two-way transmittance that is left above a cloud, where little water stands."""


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

    step = min(WATER_STEP_CM, 0.5 * air.water_cm)
    wet, dry = against(water_cm=air.water_cm + step), against(water_cm=air.water_cm - step)
    tilted = air.view_zenith_deg + VIEW_STEP_DEG
    slant = air_mass(tilted) - air_mass(air.view_zenith_deg)
    curves = [
        (wet - dry) / (2 * step),
        (wet + dry) / step**2,
        against(elevation_km=air.elevation_km + HEIGHT_STEP_KM) / HEIGHT_STEP_KM,
        against(co2_scale=(1 + GAS_STEP) * air.co2_scale) / GAS_STEP,
        against(ch4_scale=(1 + GAS_STEP) * air.ch4_scale) / GAS_STEP,
        against(view_zenith_deg=tilted) / slant,
    ]
    hazy = replace(air, aerosol_550=air.aerosol_550 + AEROSOL_STEP).terms(centres, fwhm).path_radiance
    above = np.maximum(mean.two_way, 1e-9) ** ABOVE_CLOUD
    return {
        "scale": mean.irradiance * mean.two_way,
        "path": mean.path_radiance,
        "sphere": mean.spherical_albedo,
        "direct": 1 - mean.diffuse_fraction,
        "straight": air.straight_share(centres),
        "near": near_share(air, centres),
        "cloud": mean.irradiance * above * cloud_reflectance(centres, ice),
        "path_curve": (hazy - mean.path_radiance) * (AEROSOL_SPREAD * air.aerosol_550 / AEROSOL_STEP),
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
