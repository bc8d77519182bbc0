from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.captures import BandMatch, band_match
from onboard.errors import UsageError
from onboard.sensors import load_sensor

EMIT = load_sensor("emit")
Table = npt.NDArray[np.float64]


def match(centres: Table, fwhm: float | Table | None = None) -> BandMatch:
    widths = np.full(centres.shape, 10.0) if fwhm is None else np.broadcast_to(fwhm, centres.shape)
    return band_match(centres, widths, EMIT.centres, EMIT.fwhm)


grids = st.builds(
    lambda start, step, jitter, turn, seed: _grid(start, step, jitter, turn, seed),
    st.floats(300.0, 420.0),
    st.floats(2.0, 20.0),
    st.floats(0.0, 0.8),
    st.booleans(),
    st.integers(0, 1000),
)


def _grid(start: float, step: float, jitter: float, turn: bool, seed: int) -> Table:
    rng = np.random.default_rng(seed)
    grid = np.arange(start, 2560.0, step)
    grid = grid + jitter * step * rng.uniform(-1, 1, grid.size)
    return rng.permutation(grid) if turn else grid


@settings(max_examples=25, deadline=None)
@given(grids, st.floats(0.5, 1.5))
def test_constant_stays_and_linear_is_kept_exactly(grid: Table, width: float) -> None:
    found = match(grid, 10.0 * width)
    inside = (EMIT.centres >= grid.min()) & (EMIT.centres <= grid.max())
    flat = found.apply(np.full((2, 3, grid.size), 5.0, np.float32))
    assert flat.shape == (2, 3, 285)
    np.testing.assert_allclose(flat, 5.0, rtol=1e-5)
    slope = found.apply((grid / 100.0)[None, None].astype(np.float32))[0, 0]
    np.testing.assert_allclose(slope[inside], EMIT.centres[inside] / 100.0, rtol=2e-5)


@settings(max_examples=25, deadline=None)
@given(grids, st.floats(0.5, 1.5))
def test_a_band_between_its_neighbours_overshoots_little(grid: Table, width: float) -> None:
    block = np.random.default_rng(0).uniform(1, 9, (1, 4, grid.size)).astype(np.float32)
    found = match(grid, 10.0 * width).apply(block)
    spare = 0.2 * (block.max() - block.min())
    assert (found >= block.min() - spare).all()
    assert (found <= block.max() + spare).all()


@pytest.mark.parametrize("moved", [-0.6, 0.3, 0.7])
def test_a_table_moved_a_little_keeps_what_is_narrow(moved: float) -> None:
    def line(centres: Table) -> Table:
        return 5.0 - np.exp(-0.5 * ((centres - 2300.0) / 9.0) ** 2)

    table = EMIT.centres + moved
    found = band_match(table, EMIT.fwhm, EMIT.centres, EMIT.fwhm)
    wanted, near = line(EMIT.centres), np.abs(EMIT.centres - 2300.0) < 60
    error = np.abs(found.apply(line(table)[None].astype(np.float32))[0] - wanted)
    linear = np.abs(np.interp(EMIT.centres, table, line(table)) - wanted)
    assert error[near].max() < 0.4 * linear[near].max()


def test_next_to_a_gap_bands_are_mixed_linearly() -> None:
    grid = np.array([400.0, 407.0, 414.0, 470.0, 477.0, 484.0])
    found = band_match(grid, np.full(6, 8.0), [409.0, 472.0], [8.0, 8.0])
    values = np.array([1.0, 2.0, 9.0, 4.0, 3.0, 7.0], np.float32)
    np.testing.assert_allclose(found.apply(values[None])[0], [4.0, 4.0 - 2.0 / 7.0], rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(grids, st.sampled_from([-9999.0, -9998.0, -9997.0, -9996.0, -9990.0]), st.integers(0, 19))
def test_flagged_pixels_keep_their_flag_and_harm_no_other(grid: Table, flag: float, pixel: int) -> None:
    block = np.full((4, 5, grid.size), 3.0, np.float32)
    block[pixel // 5, pixel % 5] = flag
    found = match(grid).apply(block).reshape(20, 285)
    assert (found[pixel] == np.float32(flag)).all()
    np.testing.assert_allclose(np.delete(found, pixel, axis=0), 3.0, rtol=1e-5)


@pytest.mark.parametrize("bad", [-9999.0, np.nan, np.inf, -np.inf])
def test_one_bad_band_reaches_its_neighbours_only(bad: float) -> None:
    grid = np.arange(380.0, 2500.0, 5.0)
    block = np.full((2, 2, grid.size), 3.0, np.float32)
    block[1, 0, 100] = bad
    found = match(grid, 5.5).apply(block)
    near = np.abs(EMIT.centres - grid[100]) < 25
    hit = found[1, 0] == bad if np.isfinite(bad) or np.isinf(bad) else np.isnan(found[1, 0])
    assert 1 <= hit.sum() <= 6
    assert not hit[~near].any()
    np.testing.assert_allclose(found[1, 0][~hit], 3.0, rtol=1e-5)
    np.testing.assert_allclose(found[0], 3.0, rtol=1e-5)


def test_identical_grids_pass_through_without_a_copy() -> None:
    found = match(EMIT.centres + 0.005, EMIT.fwhm)
    block = np.ones((1, 2, 285), np.float32)
    assert found.identical
    assert found.apply(block) is block
    assert found.worst_mismatch_nm == pytest.approx(0.005)
    assert "agree" in found.summary()


def test_a_moved_wavelength_table_is_interpolated() -> None:
    found = match(EMIT.centres + 0.3, EMIT.fwhm)
    assert not found.identical
    assert found.worst_mismatch_nm == pytest.approx(0.3)
    assert not found.missing.any()
    assert "worst mismatch 0.30 nm" in found.summary()


def test_a_reversed_table_is_put_in_order() -> None:
    block = np.random.default_rng(0).uniform(1, 9, (1, 3, 285)).astype(np.float32)
    found = match(EMIT.centres[::-1].copy(), EMIT.fwhm[::-1].copy())
    np.testing.assert_allclose(found.apply(block), block[..., ::-1], rtol=1e-5)


def test_finer_bands_are_averaged_to_the_target_width() -> None:
    grid = np.arange(360.0, 2520.0, 1.0)
    line = np.exp(-4 * np.log(2) * ((grid - EMIT.centres[100]) / 2.0) ** 2).astype(np.float32)
    found = match(grid, 2.0).apply(line[None, None])[0, 0]
    wide = np.exp(-4 * np.log(2) * ((EMIT.centres - EMIT.centres[100]) / np.hypot(2.0, 8.2)) ** 2)
    expected = EMIT.fwhm[100]
    # A line of width 2 seen through bands of the target's width: the peak falls by the ratio of the widths.
    assert found[100] == pytest.approx(2.0 / expected, rel=0.1)
    assert np.corrcoef(found[90:110], wide[90:110])[0, 1] > 0.99


def test_gaps_are_filled_and_reported() -> None:
    grid = np.arange(400.0, 2500.0, 10.0)
    grid = grid[~((grid > 1350) & (grid < 1420)) & ~((grid > 2150) & (grid < 2300))]
    found = match(grid)
    missing = EMIT.centres[found.missing]
    assert missing.min() < 390
    assert ((missing > 2160) & (missing < 2290)).sum() > 10
    assert not ((missing > 1500) & (missing < 2100)).any()
    slope = found.apply(grid[None, None].astype(np.float32))[0, 0]
    inside = (EMIT.centres >= 400) & (EMIT.centres <= grid.max())
    np.testing.assert_allclose(slope[inside], EMIT.centres[inside], rtol=2e-5)
    assert "lie in gaps" in found.summary()


@pytest.mark.parametrize(
    ("cut", "ranges", "covered"),
    [
        ((0, 0), [[2130, 2440]], True),
        ((2200, 2225), [[2130, 2440]], True),
        ((2200, 2260), [[2130, 2440]], False),
        ((1340, 1470), [[450, 1800]], True),
        ((1300, 1500), [[450, 1800]], False),
        ((1790, 1970), [[450, 2440]], True),
        ((2100, 2135), [[2130, 2440]], True),
        ((2100, 2155), [[2130, 2440]], False),
        ((2200, 2600), [(450.0, 1300.0), (2000.0, 2440.0)], False),
        ((2435, 2600), [(2130.0, 2440.0)], True),
        ((300, 1000), [(1100.0, 1300.0)], True),
        ((0, 2600), [], True),
    ],
)
def test_covers(cut: tuple[float, float], ranges: list[tuple[float, float]], covered: bool) -> None:
    grid = np.arange(380.0, 2500.0, 5.0)
    grid = grid[(grid <= cut[0]) | (grid >= cut[1])]
    if not grid.size:
        grid = np.array([5000.0])
    found = match(grid, 5.5)
    assert found.covers(ranges) is covered
    assert bool(found.uncovered(ranges)) is not covered


def test_out_is_used_and_one_band_is_enough() -> None:
    found = match(np.array([1000.0]))
    out = np.empty((1, 2, 285), np.float32)
    assert found.apply(np.full((1, 2, 1), 4.0, np.float32), out) is out
    assert (out == 4.0).all()
    assert found.missing.sum() > 270


def test_overlapping_bands_at_one_wavelength() -> None:
    grid = np.sort(np.concatenate([np.arange(380.0, 2500.0, 10.0), [1000.0, 1000.0]]))
    np.testing.assert_allclose(match(grid).apply(np.ones((1, 1, grid.size), np.float32)), 1.0, rtol=1e-5)


def test_bad_calls_are_refused() -> None:
    for centres in ([], [np.nan], [-5.0], [[1.0]]):
        with pytest.raises(UsageError):
            band_match(centres, np.ones_like(centres), EMIT.centres, EMIT.fwhm)
    found = match(np.arange(400.0, 2400.0, 10.0))
    with pytest.raises(UsageError, match="200"):
        found.apply(np.ones((1, 1, 285), np.float32))
    with pytest.raises(UsageError):
        found.covers([(2000.0, 1000.0)])
