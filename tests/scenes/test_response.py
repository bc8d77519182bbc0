from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.scenes.response import band_weights, check_bands, read_numbers

GRID = np.arange(360.0, 2520.0)


@settings(max_examples=30, deadline=None)
@given(st.floats(460.0, 2420.0), st.floats(0.1, 40.0))
def test_weights_sum_to_one_and_centre_where_asked(centre: float, fwhm: float) -> None:
    weights = band_weights(GRID, [centre], [fwhm])
    assert weights.min() >= 0.0
    assert weights.sum() == pytest.approx(1.0)
    assert (weights @ GRID)[0] == pytest.approx(centre, abs=0.3)


def test_width_is_full_width_at_half_maximum() -> None:
    row = band_weights(GRID, [1000.0], [20.0])[0]
    at = np.interp([990.0, 1010.0], GRID, row)
    np.testing.assert_allclose(at / row.max(), 0.5, rtol=1e-6)


def test_uneven_grid_counts_points_by_their_spacing() -> None:
    uneven = np.concatenate([np.arange(900.0, 1000.0, 0.5), np.arange(1000.0, 1100.0, 2.0)])
    assert (band_weights(uneven, [1000.0], [20.0]) @ uneven)[0] == pytest.approx(1000.0, abs=0.2)


@pytest.mark.parametrize(
    ("centres", "fwhm"),
    [([500.0], [8.0, 8.0]), ([np.nan], [8.0]), ([500.0], [0.0]), ([], []), ([100.0], [8.0])],
)
def test_what_is_no_band_table_is_refused(centres: list[float], fwhm: list[float]) -> None:
    with pytest.raises(UsageError, match="field"):
        band_weights(GRID, centres, fwhm)


def test_scalars_make_one_band() -> None:
    centres, fwhm = check_bands(500.0, 8.0)
    assert centres.shape == fwhm.shape == (1,)


@pytest.mark.parametrize("name", ["methane.csv", "atmosphere.csv"])
def test_packaged_tables_ascend_in_wavelength(name: str) -> None:
    header, numbers = read_numbers(name)
    assert header[0] == "wavelength_nm"
    assert numbers.shape[1] == len(header)
    assert np.all(np.diff(numbers[:, 0]) > 0.0)
