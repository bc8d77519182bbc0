from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.models.robust_fit import firm, fit_matrix, hampel


@given(st.floats(-30, 30))
def test_hampel_is_odd_bounded_and_lets_go_of_outliers(value: float) -> None:
    x = torch.tensor(value, dtype=torch.float64)
    found = float(hampel(x))
    assert found == pytest.approx(-float(hampel(-x)))
    assert abs(found) <= 2.0 + 1e-12
    if abs(value) <= 2.0:
        assert found == pytest.approx(value)
    if abs(value) >= 6.0:
        assert found == pytest.approx(0.0, abs=1e-9)


@given(st.floats(-30, 30))
def test_firm_drops_what_is_small_and_keeps_what_is_large(value: float) -> None:
    found = float(firm(torch.tensor(value, dtype=torch.float64)))
    assert abs(found) <= abs(value) + 1e-9
    if abs(value) <= 2.5:
        assert found == pytest.approx(0.0, abs=1e-9)
    if abs(value) >= 5.0:
        assert found == pytest.approx(value)


@given(st.integers(0, 1000), st.integers(2, 12), st.floats(0.001, 0.3))
@settings(max_examples=25, deadline=None)
def test_newton_finds_the_weighted_least_squares_fit(seed: int, count: int, least: float) -> None:
    random = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(40, count, generator=random, dtype=torch.float64))
    basis = basis * torch.logspace(0, -2, count, dtype=torch.float64)
    deviation = least * (1 + 6 * torch.rand(2, 40, generator=random, dtype=torch.float64))
    fit, variance, leverage = fit_matrix(basis, deviation, 1.0)
    for i in range(2):
        weighted = basis.T / deviation[i] ** 2
        inverse = torch.linalg.inv(weighted @ basis + torch.eye(count, dtype=torch.float64))
        assert torch.allclose(fit[i], inverse @ weighted, atol=1e-5, rtol=1e-3)
        assert torch.allclose(variance[i, :, 0], inverse.diagonal(), rtol=1e-3)
        assert torch.allclose(leverage[i, :, 0], (basis @ fit[i]).diagonal(), atol=1e-5)
