from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from onboard.scenes.air import light as air
from onboard.scenes.air import states
from onboard.scenes.air.modulation import modulation_curves
from onboard.scenes.arrays import NumpyRandom, host, like
from onboard.scenes.atmosphere import Atmosphere
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
CENTRES, FWHM = SENSOR.centres, SENSOR.fwhm
AIR = Atmosphere(sun_zenith_deg=35.0, elevation_km=0.5, aerosol_550=0.2)
CURVES = modulation_curves(NumpyRandom(1), CENTRES, 1.0, 1)[0]
LIGHT = states.make_light(AIR, CENTRES, FWHM, CURVES)
FIELDS = air.AIR_FIELDS + air.MODULATIONS + air.FEATURES
REFLECTANCE = (np.linspace(0.05, 0.6, 4)[:, None] * np.ones(SENSOR.bands)).astype(np.float32)
CLEAR = (CENTRES < 1330) | ((CENTRES > 1500) & (CENTRES < 1750)) | (CENTRES > 2050)
Field = NDArray[np.float32]


def total(fields: dict[int, float] | None = None, **terms: Any) -> Field:
    values = np.zeros((4, FIELDS), np.float32)
    for index, value in (fields or {}).items():
        values[:, index] = value
    terms = {name: np.full(4, value, np.float32) for name, value in terms.items()}
    ground, path = air.radiance(LIGHT, REFLECTANCE, values, **terms)
    return np.asarray(ground + path)


def expected(shade: float = 1.0, **change: float) -> NDArray[np.float64]:
    return replace(AIR, **change).terms(CENTRES, FWHM).radiance(REFLECTANCE, shade)


def test_on_uniform_ground_it_is_the_atmosphere_itself() -> None:
    np.testing.assert_allclose(total(), expected(), rtol=3e-5)


def test_slopes_and_cloud_shadows_take_direct_light_alone() -> None:
    np.testing.assert_allclose(total(shade=0.6), expected(0.6), rtol=3e-5)
    np.testing.assert_allclose(total(shadow=0.0), expected(0.0), rtol=3e-5)
    np.testing.assert_allclose(total(shade=0.8, shadow=0.5), expected(0.4), rtol=3e-5)


@pytest.mark.parametrize(
    ("field", "value", "change"),
    [
        (2, 0.4, {"elevation_km": 0.9}),
        (3, 0.01, {"co2_scale": 1.13 * 1.01}),
        (4, 0.01, {"ch4_scale": 1.01}),
    ],
)
def test_a_field_changes_what_the_atmosphere_changes(
    field: int, value: float, change: dict[str, float]
) -> None:
    ground = np.asarray(air.radiance(LIGHT, REFLECTANCE, _one(field, value))[0])
    terms = replace(AIR, **change).terms(CENTRES, FWHM)
    wanted = terms.radiance(REFLECTANCE) - terms.path_radiance
    still = np.asarray(air.radiance(LIGHT, REFLECTANCE, _one(field, 0.0))[0])
    # S of the mean air is kept: it matters in the blue alone.
    seen = CLEAR & (CENTRES > 700)
    error = np.abs(ground / wanted - 1)[:, seen].max()
    assert error < 0.1 * max(np.abs(still / wanted - 1)[:, seen].max(), 1e-3)


def _one(field: int, value: float) -> Field:
    values = np.zeros((4, FIELDS), np.float32)
    values[:, field] = value
    return values


def test_water_vapour_is_followed_to_the_second_order() -> None:
    ground = np.asarray(air.radiance(LIGHT, REFLECTANCE, _one(0, 0.3) + _one(1, 0.5 * 0.3**2))[0])
    terms = replace(AIR, water_cm=AIR.water_cm + 0.3).terms(CENTRES, FWHM)
    wanted = terms.radiance(REFLECTANCE) - terms.path_radiance
    np.testing.assert_allclose(ground[:, CLEAR], wanted[:, CLEAR], rtol=4e-3)


def test_a_bright_neighbourhood_lights_up_a_dark_pixel_most_in_the_blue() -> None:
    dark = np.full((1, SENSOR.bands), 0.05, np.float32)
    flat = np.zeros((1, FIELDS), np.float32)
    same, _ = air.radiance(LIGHT, dark, flat, environment=dark)
    alone, _ = air.radiance(LIGHT, dark, flat)
    np.testing.assert_allclose(same, alone, rtol=1e-5)
    bright, _ = air.radiance(LIGHT, dark, flat, environment=8 * dark)
    gain = (bright / same)[0] - 1
    blue, red, far = (gain[np.argmin(np.abs(CENTRES - nm))] for nm in (450, 860, 2200))
    assert blue > 2 * red > 4 * far > 0


def test_shade_leaves_the_light_of_the_neighbourhood() -> None:
    flat = np.zeros((4, FIELDS), np.float32)
    shade = np.zeros(4, np.float32)
    sunlit, _ = air.radiance(LIGHT, REFLECTANCE, flat, environment=REFLECTANCE)
    ground, _ = air.radiance(LIGHT, REFLECTANCE, flat, environment=REFLECTANCE, shade=shade)
    added = LIGHT.scale * (1 - LIGHT.straight) * REFLECTANCE / (1 - LIGHT.sphere * REFLECTANCE)
    assert (ground > added).all()
    assert (ground < sunlit).all()


def test_opaque_clouds_hide_the_ground_and_haze_brightens_the_air() -> None:
    np.testing.assert_allclose(total(cloud=1.0), np.broadcast_to(LIGHT.cloud, (4, SENSOR.bands)), rtol=1e-5)
    red = (CENTRES > 600) & (CENTRES < 900)
    assert (total(aerosol=2.0)[:, red] > total()[:, red]).all()
    np.testing.assert_allclose(total(aerosol=0.0), total(), rtol=1e-6)


def test_fields_are_those_of_the_maps() -> None:
    random = NumpyRandom(5)
    modulation, height = random.normal((2, 7, 9, 8)), 0.2 * random.normal((2, 7, 9))
    slant = air.view_slant(random.asarray(air.swath_view_zenith(9)))
    fields = air.air_fields(LIGHT, modulation, height, gas=height, slant=slant)
    assert fields.shape == (2, 7, 9, FIELDS)
    assert fields.dtype == np.float32
    np.testing.assert_array_equal(fields[..., 6:12], modulation[..., 2:])
    np.testing.assert_array_equal(fields[..., 12:], air.own_features(modulation))
    np.testing.assert_array_equal(fields[..., 2], height)
    np.testing.assert_allclose(fields[..., 1], 0.5 * fields[..., 0] ** 2)
    assert np.abs(fields[..., 0]).max() <= air.WATER_LIMIT_CM
    # High ground is dry, and the swath's edges are seen at a slant.
    assert np.corrcoef(height.ravel(), fields[..., 0].ravel())[0, 1] < -0.8
    assert fields[0, 0, 0, 5] > fields[0, 0, 4, 5] == 0


def test_a_pixel_has_one_or_two_absorptions_of_its_own() -> None:
    modulation = NumpyRandom(6).normal((500, 8))
    own = air.own_features(modulation)
    assert own.shape == (500, air.FEATURES)
    assert (own >= 0).all()
    assert set(np.count_nonzero(own > 0, axis=1)) <= {1, 2}
    np.testing.assert_allclose(own.sum(axis=1), np.exp(air.DEPTH_SPREAD * modulation[:, 0]), rtol=1e-4)
    assert (np.bincount(own.argmax(axis=1), minlength=air.FEATURES) > 20).all()


def test_lines_are_as_they_are_in_any_block_and_in_batches() -> None:
    random = NumpyRandom(3)
    shape = (5, 6)
    reflectance = random.uniform((*shape, SENSOR.bands), 0.05, 0.5)
    fields, shade = 0.1 * random.normal((*shape, FIELDS)), random.uniform(shape, 0.5, 1.2)
    ground, path = air.radiance(
        LIGHT, reflectance, fields, shade=shade, aerosol=shade, environment=reflectance
    )
    for line in range(shape[0]):
        one = air.radiance(
            LIGHT,
            reflectance[line],
            fields[line],
            shade=shade[line],
            aerosol=shade[line],
            environment=reflectance[line],
        )
        np.testing.assert_allclose(one[0], ground[line], rtol=1e-6)
        np.testing.assert_allclose(one[1], path[line], rtol=1e-6)


def test_numpy_and_torch_agree() -> None:
    torch = pytest.importorskip("torch")
    random = NumpyRandom(4)
    reflectance = random.uniform((2, 3, 4, SENSOR.bands), 0.05, 0.5)
    maps = [random.uniform((2, 3, 4), 0.2, 0.9) for _ in range(4)]
    modulation = random.normal((2, 3, 4, 8))
    device = torch.zeros(())
    light = states.make_light(AIR, CENTRES, FWHM, like(CURVES, device))
    results = []
    for lamp, place in ((LIGHT, np.zeros(())), (light, device)):
        r, m = like(reflectance, place), like(modulation, place)
        shade, shadow, haze, cloud = (like(a, place) for a in maps)
        fields = air.air_fields(lamp, m, haze, gas=shade)
        ground, path = air.radiance(
            lamp, r, fields, environment=r, shade=shade, shadow=shadow, aerosol=haze, cloud=cloud
        )
        results.append(host(ground + path))
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)
