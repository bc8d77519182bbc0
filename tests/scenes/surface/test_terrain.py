from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scenes.arrays import NumpyRandom, host
from onboard.scenes.surface.climates import Figures, get_climate
from onboard.scenes.surface.terrain import draw_terrain, shade_of
from tests.scenes.surface.support import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_terrain_has_the_relief_of_its_climate(kind: Any) -> None:
    climates = [get_climate("snowy-mountains"), get_climate("farmland")] * 10
    random = kind(1)
    terrain = draw_terrain(random, (20, 96, 80), Figures(random, climates))
    steep = np.sqrt((host(terrain.steepness) ** 2).mean(axis=(1, 2)))
    for i in range(2):
        low, high = climates[i].relief
        assert 0.6 * low < np.median(steep[i::2]) < 1.6 * high
    shade = host(terrain.shade)
    assert shade.dtype == np.float32
    assert shade[0::2].std() > 3 * shade[1::2].std()
    assert shade[1::2].mean() == pytest.approx(1, abs=0.02)
    assert host(terrain.elevation_m).min() >= 0
    assert 35 <= host(terrain.sun_zenith_deg)[0] <= 60


def test_channels_run_through_low_ground() -> None:
    terrain = draw_terrain(
        NumpyRandom(2), (4, 128, 128), Figures(NumpyRandom(2), [get_climate("arid-dark")] * 4)
    )
    for i in range(4):
        assert np.corrcoef(terrain.height[i].ravel(), terrain.valley[i].ravel())[0, 1] < 0


@given(st.floats(0, 75), st.floats(0, 360), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_shade_is_the_ratio_of_cosines(zenith: float, azimuth: float, down: float, across: float) -> None:
    sza, saa = np.radians(zenith), np.radians(azimuth)
    sun = np.array([np.sin(sza) * np.sin(saa), -np.sin(sza) * np.cos(saa), np.cos(sza)])
    normal = np.array([-across, -down, 1.0])
    expected = (sun @ normal) / np.linalg.norm(normal) / np.cos(sza)
    rise, run = (np.full((1, 2, 2), v, np.float32) for v in (down, across))
    shade = shade_of(rise, run, np.asarray([zenith], np.float32), np.asarray([azimuth], np.float32))
    np.testing.assert_allclose(shade, np.clip(expected, 0.05, 2.5), atol=2e-4)


def test_the_sun_may_be_given() -> None:
    figures = Figures(NumpyRandom(1), [get_climate("arid-dark")])
    zenith, azimuth = np.asarray([60.0], np.float32), np.asarray([90.0], np.float32)
    given_ = draw_terrain(
        NumpyRandom(1), (1, 64, 64), figures, sun_zenith_deg=zenith, sun_azimuth_deg=azimuth
    )
    other = draw_terrain(
        NumpyRandom(1), (1, 64, 64), figures, sun_zenith_deg=zenith, sun_azimuth_deg=azimuth + 180
    )
    np.testing.assert_array_equal(given_.elevation_m, other.elevation_m)
    assert np.corrcoef(given_.shade.ravel(), other.shade.ravel())[0, 1] < -0.8
