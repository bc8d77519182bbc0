from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.derive.methane import QUIET_LOG, bin_table
from onboard.scenes.methane import (
    MAX_ENHANCEMENT,
    apply,
    attenuation,
    log_transmittance,
    methane_curve,
    methane_table,
)

CENTRES = np.arange(381.0, 2494.0, 7.4)
FWHM = np.full(CENTRES.size, 8.6)
CURVE = methane_curve(CENTRES, FWHM)


def test_curve_starts_at_nothing_and_falls() -> None:
    alphas, log_t = log_transmittance(CENTRES, FWHM)
    assert alphas.tolist() == [0, 500, 1000, 2000, 4000, 8000, 16000, 32000]
    assert not log_t[0].any()
    assert np.all(np.diff(log_t, axis=0) <= 0.0)
    strong = log_t[-1] < -0.02
    assert np.all(np.diff(log_t[:, strong], axis=0) < 0.0)


def test_only_the_methane_bands_absorb() -> None:
    _, log_t = log_transmittance(CENTRES, FWHM)
    absorbing = log_t[-1] < 0.0
    assert CENTRES[absorbing].min() > 1590.0
    assert not absorbing[(CENTRES > 1950) & (CENTRES < 2080)].any()
    assert absorbing[(CENTRES > 2200) & (CENTRES < 2440)].all()
    strongest = CENTRES[np.argmin(log_t[6])]
    assert 2340 < strongest < 2380
    # About 1 % a 700 ppm m at the strongest band of an instrument with 8.6 nm bands.
    assert -0.25 < log_t[6].min() < -0.20


def test_absorption_saturates() -> None:
    alphas, log_t = log_transmittance(CENTRES, FWHM)
    band = np.argmin(np.abs(CENTRES - 2350.0))
    slope = np.diff(log_t[:, band]) / np.diff(alphas)
    assert abs(slope[-1]) < abs(slope[0])
    assert log_t[-1, band] / log_t[-2, band] < 2.0


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, MAX_ENHANCEMENT), st.floats(0.0, MAX_ENHANCEMENT))
def test_more_methane_never_brings_more_light(a: float, b: float) -> None:
    low, high = sorted((a, b))
    log_t = apply([low, high], CURVE)
    assert log_t.dtype == np.float32
    assert np.all(log_t[1] <= log_t[0] + 1e-7)
    assert np.all(log_t <= 0.0)


def test_interpolation_meets_the_points_and_clips_outside() -> None:
    np.testing.assert_allclose(CURVE(CURVE.alphas), CURVE.log_t, atol=1e-6)
    outside = CURVE([-100.0, 1e6])
    assert not outside[0].any()
    np.testing.assert_allclose(outside[1], CURVE.log_t[-1], atol=1e-6)
    assert CURVE(np.zeros((3, 4))).shape == (3, 4, CENTRES.size)
    np.testing.assert_array_equal(apply([700.0], log_transmittance(CENTRES, FWHM)), CURVE([700.0]))


def test_bad_band_table_is_refused() -> None:
    with pytest.raises(UsageError, match="fwhm"):
        log_transmittance([2300.0], [8.0, 8.0])


def test_slope_agrees_with_mag1c() -> None:
    mag1c = pytest.importorskip("mag1c.mag1c", reason="mag1c is not installed")
    template = mag1c.generate_template_from_bands(CENTRES, FWHM)[:, 1]
    alphas, log_t = log_transmittance(CENTRES, FWHM)
    design = np.stack([np.ones(7), alphas[:7]], axis=1)
    slope = np.linalg.lstsq(design, log_t[:7], rcond=None)[0][1] * 1e5
    strong = (CENTRES > 2100) & (np.abs(template) > 0.1)
    assert strong.sum() > 30
    np.testing.assert_allclose(slope[strong], template[strong], rtol=0.03)


def test_binning_keeps_radiance_weighted_ratios_and_removes_rounding() -> None:
    wave = np.arange(1559.6, 2520.4, 0.05)
    radiance = np.ones((wave.size, 7)) * np.linspace(1.0, 0.4, 7)
    radiance[wave > 1561.5] = 1.0 + QUIET_LOG / 10.0
    centres, weight, ratio = bin_table(wave, radiance)
    np.testing.assert_allclose(ratio[0], np.linspace(1.0, 0.4, 7))
    np.testing.assert_array_equal(ratio[2], 1.0)
    assert weight[0] == pytest.approx(1.0)
    assert centres[0] == 1560.0


@pytest.mark.parametrize("kind", [NumpyRandom, TorchRandom])
def test_batched_attenuation_is_the_curve(kind: Any) -> None:
    table = methane_table(CENTRES, FWHM)
    rng = np.random.default_rng(1)
    maps = np.concatenate([rng.uniform(0, MAX_ENHANCEMENT, 1000), rng.uniform(0, 3000, 1990), [0.0, -5.0]])
    maps = maps.astype(np.float32).reshape(2, 11, -1)
    array = kind(0).asarray(maps)
    log_t = host(attenuation(array, table.on(array)))
    assert log_t.shape == (2, 11, maps.shape[-1], CENTRES.size)
    assert log_t.dtype == np.float32
    np.testing.assert_allclose(log_t, CURVE(maps), atol=1e-5)
    assert not log_t[maps <= 0].any()
    quiet = ~CURVE.log_t.any(axis=0)
    assert quiet.any()
    assert not log_t[..., quiet].any()


def test_strong_columns_go_on_dimming_by_the_power_law() -> None:
    table = methane_table(CENTRES, FWHM)
    points = np.asarray([16e3, 32e3, 64e3, 128e3, 200e3, 900e3], np.float32)
    log_t = attenuation(points, table)
    strong = CURVE.log_t[-1] < -0.02
    ratio = log_t[1:4, strong] / log_t[:3, strong]
    np.testing.assert_allclose(ratio[1:], np.broadcast_to(ratio[0], ratio[1:].shape), rtol=1e-3)
    assert np.all(log_t[4, strong] < log_t[3, strong])
    np.testing.assert_array_equal(log_t[5], log_t[4])


def test_each_tile_may_have_its_own_bands() -> None:
    centres = np.stack([CENTRES, CENTRES + 2.0])
    table = methane_table(centres, np.stack([FWHM, FWHM]))
    maps = np.random.default_rng(2).uniform(0, 9000, (2, 5, 6)).astype(np.float32)
    log_t = attenuation(maps, table)
    for tile in range(2):
        np.testing.assert_allclose(log_t[tile], methane_curve(centres[tile], FWHM)(maps[tile]), atol=1e-5)


def test_a_table_without_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="ends where"):
        methane_table(CENTRES, FWHM, strongest=1000.0)
    with pytest.raises(UsageError, match="differ in shape"):
        methane_table(CENTRES, FWHM[1:])
