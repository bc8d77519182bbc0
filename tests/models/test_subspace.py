from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.models.subspace import BandTable, SpectralMoments, fit_subspace, resampling

SOURCE = np.linspace(400.0, 2500.0, 120)


def moments(rank: int = 6) -> SpectralMoments:
    """Moments of spectra that are sums of few smooth shapes."""
    waves = np.stack([np.cos(SOURCE / 2100.0 * np.pi * k) / (1 + k) for k in range(rank)], axis=1)
    moment = np.stack([waves @ waves.T, waves[:, 1:] @ waves[:, 1:].T])
    return SpectralMoments(SOURCE, moment, moment)


def table(bands: int = 20, **more: np.ndarray) -> BandTable:
    centres = np.linspace(1000.0, 2400.0, bands)
    return BandTable(centres, np.full(bands, 20.0), "log", **more)


@given(st.floats(-3, 3), st.floats(-0.002, 0.002), st.integers(3, 40))
@settings(max_examples=30, deadline=None)
def test_resampling_keeps_straight_spectra(level: float, slope: float, bands: int) -> None:
    centres = np.linspace(700.0, 2200.0, bands)
    found = resampling(SOURCE, centres, np.full(bands, 15.0)) @ (level + slope * SOURCE)
    assert np.allclose(found, level + slope * centres, atol=1e-9)


def test_responses_wider_than_the_source_blur_spectra() -> None:
    spike = np.zeros(SOURCE.size)
    spike[60] = 1.0
    centre = SOURCE[60:61]
    narrow = resampling(SOURCE, centre, np.array([5.0])) @ spike
    wide = resampling(SOURCE, centre, np.array([100.0])) @ spike
    assert narrow[0] == pytest.approx(1.0)
    assert 0.1 < wide[0] < 0.6


def test_shapes_repeat_the_moment_and_none_of_noise() -> None:
    shapes = fit_subspace(moments(), table(), 8)
    rows = resampling(SOURCE, table().centres, table().fwhm)
    assert shapes.shape == (20, 8)
    assert np.allclose(shapes @ shapes.T, rows @ moments().log[0] @ rows.T, atol=1e-6)
    assert np.linalg.norm(shapes[:, 0]) > np.linalg.norm(shapes[:, 3])
    assert np.linalg.norm(shapes[:, 6:]) < 1e-3


def test_shapes_within_a_scene_are_those_of_the_second_moment() -> None:
    shapes = fit_subspace(moments(), table(), 8, within=True)
    rows = resampling(SOURCE, table().centres, table().fwhm)
    assert np.allclose(shapes @ shapes.T, rows @ moments().log[1] @ rows.T, atol=1e-6)


def test_gas_is_among_the_shapes() -> None:
    gas = np.zeros(20)
    gas[12:15] = -0.3
    shapes = fit_subspace(moments(), table(gas=gas), 8)
    left = gas - shapes @ np.linalg.lstsq(shapes, gas, rcond=None)[0]
    without = fit_subspace(moments(), table(), 6)
    missed = gas - without @ np.linalg.lstsq(without, gas, rcond=None)[0]
    assert np.linalg.norm(left) < 0.02 * np.linalg.norm(gas) < np.linalg.norm(missed)


def test_shapes_of_noisy_bands_come_last() -> None:
    noise = np.ones(20) * 0.01
    noise[:10] = 10.0
    first = fit_subspace(moments(), table(noise=noise), 6)
    weight = np.abs(first / noise[:, None])
    assert weight[10:, 0].mean() > 100 * weight[:10, 0].mean()


def test_few_bands_leave_shapes_empty() -> None:
    shapes = fit_subspace(moments(), table(5), 8)
    assert shapes.shape == (5, 8)
    assert not shapes[:, 5:].any()


def test_cubes_scaled_to_one_have_a_usual_level_and_an_offset() -> None:
    unit = BandTable(table().centres, table().fwhm, "unit")
    shapes = fit_subspace(moments(), unit, 20)
    assert float((shapes**2).sum(axis=1).max()) == pytest.approx(0.45**2 + 0.03**2, rel=1e-3)
