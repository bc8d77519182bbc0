from __future__ import annotations

from dataclasses import replace

import numpy as np

from onboard.scenes.atmosphere import Atmosphere
from onboard.scenes.light import AIR_FIELDS, make_light, modulation_curves
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
AIR = Atmosphere(sun_zenith_deg=35.0, elevation_km=0.5)
CURVES = modulation_curves(np.random.default_rng(1), SENSOR.centres, 1.0)
LIGHT = make_light(AIR, SENSOR.centres, SENSOR.fwhm, CURVES)
REFLECTANCE = np.linspace(0.05, 0.6, 4)[:, None] * np.ones(SENSOR.bands)
CLEAR = (
    (SENSOR.centres < 1330) | ((SENSOR.centres > 1500) & (SENSOR.centres < 1750)) | (SENSOR.centres > 2050)
)


def radiance(shade: float = 1.0, fields: dict[int, float] | None = None, haze: float = 0.0) -> np.ndarray:
    values = np.zeros((4, AIR_FIELDS + len(CURVES)), np.float32)
    for index, value in (fields or {}).items():
        values[:, index] = value
    ground, path = LIGHT.radiance(
        REFLECTANCE.astype(np.float32), np.full(4, shade, np.float32), values, np.full(4, haze, np.float32)
    )
    return np.asarray(ground + path)


def test_without_fields_it_is_the_atmosphere_itself() -> None:
    expected = AIR.terms(SENSOR.centres, SENSOR.fwhm).radiance(REFLECTANCE)
    np.testing.assert_allclose(radiance(), expected, rtol=2e-5)


def test_shade_takes_direct_light_alone() -> None:
    expected = AIR.terms(SENSOR.centres, SENSOR.fwhm).radiance(REFLECTANCE, 0.6)
    np.testing.assert_allclose(radiance(shade=0.6), expected, rtol=2e-5)


def test_water_vapour_is_close_to_the_full_atmosphere() -> None:
    for change in (-0.2, 0.2):
        wet = replace(AIR, water_cm=AIR.water_cm + change).terms(SENSOR.centres, SENSOR.fwhm)
        seen = radiance(fields={0: change, 1: 0.5 * change**2})
        np.testing.assert_allclose(seen[:, CLEAR], wet.radiance(REFLECTANCE)[:, CLEAR], rtol=0.02)


def test_haze_changes_the_path_alone_and_little() -> None:
    more = radiance(haze=1.0) - radiance()
    np.testing.assert_allclose(more - more[0], 0, atol=1e-4)
    assert more[0][np.argmin(np.abs(SENSOR.centres - 865))] > 0
    assert 1e-3 < np.abs(more).max() < 0.2


def test_modulations_are_small_and_follow_their_scale() -> None:
    doubled = modulation_curves(np.random.default_rng(1), SENSOR.centres, 2.0)
    np.testing.assert_allclose(doubled, 2 * CURVES)
    assert CURVES.shape == (6, SENSOR.bands)
    assert np.abs(CURVES).max(axis=1).min() > 0.001
    assert np.abs(CURVES).max() < 0.12
    np.testing.assert_allclose(radiance(fields={AIR_FIELDS: 1.0})[3] > radiance()[3], True)
