from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.models.column_filter import bands_within, column_filter, unit_absorption, usable_pixels
from onboard.scenes.methane import methane_curve

CENTRES = np.arange(2000.0, 2490.0, 7.4)
FWHM = np.full(CENTRES.size, 8.6)
SPECTRUM = np.linspace(1.5, 0.4, CENTRES.size)


def ground(seed: int, lines: int = 400, samples: int = 5, noise: float = 0.002) -> np.ndarray:
    """Radiance of a ground that varies in brightness and tilt, with a response of each column's own."""
    rng = np.random.default_rng(seed)
    bright = rng.lognormal(0.0, 0.2, (lines, samples, 1))
    tilt = rng.normal(0.0, 0.05, (lines, samples, 1)) * np.linspace(-1, 1, CENTRES.size)
    stripes = rng.normal(1.0, 0.01, (1, samples, CENTRES.size))
    clean = SPECTRUM * bright * np.exp(tilt) * stripes
    return np.asarray(clean + rng.normal(0.0, noise, clean.shape), np.float32)


def test_a_plume_comes_out_at_its_enhancement() -> None:
    image = ground(1)
    true = np.zeros(image.shape[:2])
    true[100:110, 1:4] = 1000.0
    image *= np.exp(methane_curve(CENTRES, FWHM)(true))
    found = column_filter(image, CENTRES, FWHM, albedo_correction=True)
    assert found.enhancement.shape == true.shape
    assert found.enhancement.dtype == np.float32
    inside = found.enhancement[true > 0].mean()
    assert inside == pytest.approx(1000.0, rel=0.15)
    assert abs(float(found.enhancement[true == 0].mean())) < 30.0


def test_sigma_is_the_deviation_of_the_background() -> None:
    found = column_filter(ground(2, lines=3000), CENTRES, FWHM)
    assert found.sigma.shape == (5,)
    np.testing.assert_allclose(found.enhancement.std(axis=0), found.sigma, rtol=0.05)
    louder = column_filter(ground(2, lines=3000, noise=0.004), CENTRES, FWHM)
    assert np.all(louder.sigma > 1.5 * found.sigma)


def test_slope_range_of_faint_plumes_is_steeper() -> None:
    faint = unit_absorption(CENTRES, FWHM)
    wide = unit_absorption(CENTRES, FWHM, (0.0, 16000.0))
    assert np.all(faint <= 0.0)
    ratio = float(faint @ wide / (wide @ wide))
    assert 1.08 < ratio < 1.25
    enhancement = column_filter(ground(3), CENTRES, FWHM, slope_range=(0.0, 16000.0)).sigma
    assert np.all(enhancement > column_filter(ground(3), CENTRES, FWHM).sigma)


def test_other_columns_do_not_matter() -> None:
    image = ground(4)
    alone = column_filter(image[:, 2:3], CENTRES, FWHM, shrinkage=1e-4).enhancement
    together = column_filter(image, CENTRES, FWHM, shrinkage=1e-4).enhancement
    np.testing.assert_allclose(alone[:, 0], together[:, 2], rtol=1e-4, atol=0.05)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100.0))
def test_units_of_radiance_cancel(factor: float) -> None:
    image = ground(5, lines=200, samples=2)
    plain = column_filter(image, CENTRES, FWHM, shrinkage=1e-3).enhancement
    scaled = column_filter((image * factor).astype(np.float32), CENTRES, FWHM, shrinkage=1e-3).enhancement
    np.testing.assert_allclose(scaled, plain, rtol=1e-2, atol=2.0)


def test_invalid_pixels_leave_the_others_alone() -> None:
    image = ground(6)
    holes = image.copy()
    holes[10:20, 3] = -9999.0
    holes[30, 1, 40] = np.nan
    given_invalid = np.ones(image.shape[:2], np.bool_)
    given_invalid[50:60, 2] = False
    found = column_filter(holes, CENTRES, FWHM, valid=given_invalid, shrinkage=1e-4).enhancement
    missing = np.isnan(found)
    assert missing.sum() == 21
    assert missing[10:20, 3].all()
    assert missing[30, 1]
    assert missing[50:60, 2].all()
    whole = column_filter(np.delete(image[:, 3:4], slice(10, 20), axis=0), CENTRES, FWHM, shrinkage=1e-4)
    np.testing.assert_allclose(
        np.delete(found[:, 3], slice(10, 20)), whole.enhancement[:, 0], rtol=1e-3, atol=0.5
    )


def test_columns_with_too_few_pixels_stay_empty() -> None:
    image = ground(7)
    valid = np.ones(image.shape[:2], np.bool_)
    valid[20:, 0] = False
    found = column_filter(image, CENTRES, FWHM, valid=valid)
    assert np.isnan(found.enhancement[:, 0]).all()
    assert np.isnan(found.sigma[0])
    assert np.isfinite(found.enhancement[:, 1:]).all()


def test_few_lines_ask_for_more_shrinkage() -> None:
    rng = np.random.default_rng(8)
    few = column_filter(ground(int(rng.integers(99)), lines=100), CENTRES, FWHM).shrinkage
    many = column_filter(ground(int(rng.integers(99)), lines=3000), CENTRES, FWHM).shrinkage
    assert few > many


def test_windows_choose_bands() -> None:
    bands = bands_within(CENTRES, ((2110.0, 2200.0), (2300.0, 2400.0)))
    nm = CENTRES[bands]
    assert ((nm >= 2110) & (nm <= 2200) | (nm >= 2300) & (nm <= 2400)).all()
    assert bands.size == 27
    with pytest.raises(UsageError, match="bands"):
        bands_within(CENTRES, ((100.0, 200.0),))


def test_wrong_use_is_refused() -> None:
    image = ground(9, lines=20, samples=2)
    with pytest.raises(UsageError, match="radiance"):
        column_filter(image, CENTRES[:-1], FWHM[:-1])
    with pytest.raises(UsageError, match="shrinkage"):
        column_filter(image, CENTRES, FWHM, shrinkage=2.0)
    with pytest.raises(UsageError, match="valid"):
        usable_pixels(image, np.arange(3), np.ones((3, 3)))
    with pytest.raises(UsageError, match="slope_range"):
        unit_absorption(CENTRES, FWHM, (10.0, 20.0))
