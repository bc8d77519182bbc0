from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.models.window_statistics import Columns, column_mean, filled, mean_of, roughness, stripes

LINES, SAMPLES = 64, 40


def planes(seed: int = 1, bands: int = 3, sigma: float = 0.1) -> torch.Tensor:
    return sigma * torch.randn(1, bands, LINES, SAMPLES, generator=torch.Generator().manual_seed(seed))


def everything() -> torch.Tensor:
    return torch.ones(1, 1, LINES, SAMPLES)


def test_means_are_means() -> None:
    values = planes()
    assert torch.allclose(mean_of(values)[0, :, 0, 0], values.mean(dim=(2, 3))[0], atol=1e-7)
    assert torch.allclose(column_mean(values)[0, :, 0], values.mean(dim=2)[0], atol=1e-7)


@given(st.integers(0, 1000), st.floats(0.01, 1.0), st.floats(-2.0, 2.0))
@settings(max_examples=20, deadline=None)
def test_roughness_is_white_noise_and_knows_no_level_nor_slope_across(
    seed: int, sigma: float, slope: float
) -> None:
    found = roughness(planes(seed, 1, sigma) + slope * torch.arange(SAMPLES), everything())
    assert float(found) == pytest.approx(sigma, rel=0.1, abs=1e-5)


def test_invalid_lines_are_not_rough() -> None:
    values, valid = planes(), everything()
    values[:, :, 20:30], valid[:, :, 20:30] = 1e3, 0.0
    assert (roughness(values, valid) < 0.11).all()


@given(st.integers(0, 1000), st.integers(5, SAMPLES - 6), st.floats(0.4, 3.0))
@settings(max_examples=20, deadline=None)
def test_a_stripe_is_found_and_nothing_else(seed: int, column: int, height: float) -> None:
    values = planes(seed) + 0.1 * torch.sin(torch.arange(SAMPLES) / 12.0)
    values[:, 1, :, column] += height
    offset = stripes(values, Columns.of(everything()))[0, :, 0]
    assert float(offset[1, column]) == pytest.approx(height, abs=0.15, rel=0.05)
    offset[1, column] = 0.0
    assert float(offset.abs().max()) < 0.15


def test_columns_without_lines_have_no_stripe_and_make_none() -> None:
    values, valid = planes() + 1.0, everything()
    valid[..., 30:] = 0.0
    offset = stripes(values * valid, Columns.of(valid))
    assert not offset[..., 30:].any()
    assert float(offset.abs().max()) < 0.06


def test_dead_columns_are_filled_from_beside_and_lakes_are_not() -> None:
    log = 0.5 + planes(sigma=0.01)
    log[:, 1, :, 12] = -4.0
    log[:, 2, :, 20:34] = -4.0
    found, alive = filled(log, everything())
    assert found[0, 1, :, 12] == pytest.approx(torch.full((LINES,), 0.5), abs=0.03)
    assert float(alive[0, 1, 0, 12]) == pytest.approx(0.0)
    assert (found[0, 2, :, 24:30] == -4.0).all()
    assert torch.allclose(found[:, 0], log[:, 0])
    assert (alive[0, 0] == 1).all()
