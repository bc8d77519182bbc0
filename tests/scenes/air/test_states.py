from __future__ import annotations

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.air import states
from onboard.scenes.air.light import AIR_FIELDS
from onboard.scenes.atmosphere import Atmosphere
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
CENTRES, FWHM = SENSOR.centres, SENSOR.fwhm
AIR = Atmosphere(sun_zenith_deg=35.0, elevation_km=0.5, aerosol_550=0.2)


def test_gases_take_light_where_they_absorb() -> None:
    curves = states.state(AIR, CENTRES, FWHM)["curves"]
    assert curves.shape == (AIR_FIELDS, SENSOR.bands)
    for row, nm in ((0, 940), (3, 2010), (4, 2350), (5, 2350)):
        assert curves[row, np.argmin(np.abs(CENTRES - nm))] < -0.01
    # Less air stands above high ground.
    assert curves[2, np.argmin(np.abs(CENTRES - 2010))] > 0.01
    assert np.abs(curves[3, np.argmin(np.abs(CENTRES - 860))]) < 1e-3


def test_a_band_outside_the_tables_is_refused() -> None:
    with pytest.raises(UsageError):
        states.state(AIR, np.array([300.0]), np.array([8.0]))


def test_clouds_are_white_where_nothing_absorbs_and_darker_with_ice() -> None:
    water, ice = states.cloud_reflectance(CENTRES, 0.0), states.cloud_reflectance(CENTRES, 1.0)
    assert (water[CENTRES < 1200] > 0.7).all()
    assert (ice <= water + 1e-9).all()
    assert (ice > 0).all()
    assert ice[np.argmin(np.abs(CENTRES - 2020))] < 0.5 * ice[np.argmin(np.abs(CENTRES - 1000))]


def test_straight_light_is_most_of_it_in_the_infrared() -> None:
    straight = AIR.straight_share(CENTRES)
    assert straight[CENTRES > 2000].min() > 0.93
    assert straight[0] < 0.75
    assert ((straight > 0) & (straight <= 1)).all()
    near = states.near_share(AIR, CENTRES)
    assert near[0] < near[-1] <= 0.625
