from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.captures import check_block
from onboard.captures.validation import MAX_LINES, band_table, check_sizes, spacing
from onboard.errors import CaptureError


@pytest.mark.parametrize(
    ("sizes", "field"),
    [
        ((0, 5, 5), "lines"),
        ((MAX_LINES + 1, 5, 5), "lines"),
        ((5, -1, 5), "samples"),
        ((5, 5, 5000), "bands"),
        ((5, 60_000, 4_000), "samples x bands"),
    ],
)
def test_impossible_sizes_are_refused(sizes: tuple[int, int, int], field: str) -> None:
    with pytest.raises(CaptureError, match=f"field: {field};"):
        check_sizes("a.nc", *sizes)


def test_full_swaths_of_known_instruments_pass() -> None:
    for samples, bands in ((1242, 285), (598, 425), (1000, 239), (2000, 500)):
        check_sizes("a.nc", 10_000, samples, bands)


@given(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_the_first_non_finite_value_is_named(line: int, sample: int, band: int, bad: float) -> None:
    block = np.full((4, 5, 6), -9999.0, np.float32)
    assert check_block(block, "a.nc")
    block[line, sample, band] = bad
    where = f"line {100 + line}, sample {sample}, band {band} "
    with pytest.raises(CaptureError, match=where):
        check_block(block, "a.nc", first_line=100)
    assert not check_block(block, "a.nc", mask=True)


def test_opposite_infinities_do_not_cancel_and_huge_values_are_finite() -> None:
    block = np.ones((1, 1, 4), np.float32)
    block[0, 0, :2] = np.inf, -np.inf
    with pytest.raises(CaptureError, match="band 0"):
        check_block(block, "a.nc")
    assert check_block(np.full((4, 4, 4), 3e38, np.float32), "a.nc")


def test_absent_units_are_taken_as_nm_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        centres, widths = band_table("a.nc", 3, [400, 410, 420], [10, 10, 10], "Unknown")
    assert "taken as nm" in caplog.text
    assert centres.dtype == widths.dtype == np.dtype("f8")


@pytest.mark.parametrize("values", [["a", "b", "c"], [[400, 410, 420]], [400, 410], None])
def test_tables_of_another_kind_are_refused(values: object) -> None:
    with pytest.raises(CaptureError, match="wavelengths"):
        band_table("a.nc", 3, values, None, "nm")  # type: ignore[arg-type]


def test_widths_out_of_range_are_refused() -> None:
    with pytest.raises(CaptureError, match="band widths are out of range"):
        band_table("a.nc", 2, [400, 410], [0.01, 0.01], "nm")


def test_spacing_takes_the_nearer_neighbour_and_skips_twins() -> None:
    np.testing.assert_allclose(spacing(np.array([400.0, 500.0, 410.0, 420.0])), [10, 80, 10, 10])
    np.testing.assert_allclose(spacing(np.array([400.0, 400.0, 408.0])), [10, 8, 8])
    np.testing.assert_allclose(spacing(np.array([400.0])), [10])
