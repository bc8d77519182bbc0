from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.air.bank import LightBank
from onboard.scenes.air.light import Light, air_fields, radiance
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
CENTRES, FWHM = SENSOR.centres[::6], SENSOR.fwhm[::6]
BANDS = CENTRES.size
BANK = LightBank.build(NumpyRandom(1), CENTRES, FWHM, count=24)


@pytest.mark.parametrize("kind", [NumpyRandom, TorchRandom])
def test_light_is_that_of_an_atmosphere_with_the_sun_where_it_was_put(kind: Any) -> None:
    bank = LightBank.build(kind(1), CENTRES, FWHM, count=24)
    zenith = np.array([20.0, 40.0, 60.0], np.float32)
    light = bank.draw(kind(2), 3, sun_zenith_deg=kind(0).asarray(zenith))
    for field in fields(Light):
        value = host(getattr(light, field.name))
        assert value.dtype == np.float32
        assert np.isfinite(value).all()
    assert light.scale.shape == (3, 1, 1, BANDS)
    assert light.curves.shape == (3, 20, BANDS)
    assert np.abs(host(light.sun_zenith_deg).ravel() - zenith).max() < 10
    for share in (light.direct, light.straight, light.near, light.sphere):
        assert ((host(share) >= 0) & (host(share) <= 1)).all()
    scale = host(light.scale)[:, 0, 0]
    assert (scale > 0).all()
    # A lower sun gives less light.
    assert scale[0].sum() > scale[2].sum()


def test_numpy_and_torch_build_the_same_bank() -> None:
    other = LightBank.build(TorchRandom(1), CENTRES, FWHM, count=24)
    for name, values in BANK.spectra.items():
        np.testing.assert_allclose(values, host(other.spectra[name]), atol=1e-4)
    np.testing.assert_allclose(BANK.curves, host(other.curves), atol=1e-4)


def test_a_blend_lies_between_states() -> None:
    light = BANK.draw(NumpyRandom(3), 200)
    path = np.log(light.path[:, 0, 0, :])
    low, high = BANK.spectra["path"].min(axis=0), BANK.spectra["path"].max(axis=0)
    assert (path >= low - 1e-4).all()
    assert (path <= high + 1e-4).all()
    assert len(np.unique(light.water_cm.round(6))) > 150


def test_draws_follow_their_key() -> None:
    one, same, other = (BANK.draw(NumpyRandom(s), 4) for s in (5, 5, 6))
    np.testing.assert_array_equal(one.scale, same.scale)
    np.testing.assert_array_equal(one.curves, same.curves)
    assert not np.array_equal(one.scale, other.scale)


def test_drawn_light_makes_radiance() -> None:
    random = NumpyRandom(7)
    light = BANK.draw(random, 2, strength=random.asarray([1.0, 1.2]))
    reflectance = random.uniform((2, 5, 6, BANDS), 0.05, 0.5)
    values = air_fields(light, random.normal((2, 5, 6, 8)), 0.1 * random.normal((2, 5, 6)))
    ground, path = radiance(light, reflectance, values, environment=reflectance)
    assert ground.shape == reflectance.shape
    assert ((ground + path) > 0).all()
    one = BANK.spectra["path"]
    assert one.shape == (24, BANDS)


@pytest.mark.parametrize("change", [{"count": 1}, {"sun_zenith_deg": (50.0, 20.0)}])
def test_what_is_no_bank_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        LightBank.build(NumpyRandom(1), CENTRES, FWHM, **change)


def test_ground_may_be_kept_low() -> None:
    low = LightBank.build(NumpyRandom(1), CENTRES, FWHM, count=4, elevation_km=(0.0, 0.1))
    high = LightBank.build(NumpyRandom(1), CENTRES, FWHM, count=4, elevation_km=(2.9, 3.0))
    blue = int(np.argmin(CENTRES))
    assert low.spectra["path"][:, blue].mean() > high.spectra["path"][:, blue].mean()
