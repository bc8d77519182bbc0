from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.affine import Form, Range, affine_of
from quantize.observers import OBSERVERS, Histogram, entropy, least_squares, min_max, percentile


def histogram(values: npt.NDArray[Any], bins: int = 2048) -> Histogram:
    low, high = float(values.min()), float(values.max())
    return Histogram(np.histogram(values, bins=bins, range=(low, high))[0].astype(np.float64), low, high)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.floats(0.01, 100.0))
def test_every_observer_stays_within_what_was_seen_and_holds_zero(
    seed: int, positive: bool, scale: float
) -> None:
    values = np.random.default_rng(seed).standard_t(3, 4000) * scale
    seen = histogram(np.abs(values) if positive else values)
    for name, observe in OBSERVERS.items():
        span = observe(seen)
        width = (seen.high - seen.low) / 2048
        assert min(seen.low, 0.0) - width <= span.low <= 0.0, name
        assert 0.0 <= span.high <= max(seen.high, 0.0) + width, name


def test_min_max_keeps_all_and_the_others_cut_a_lone_outlier() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(size=200_000), [60.0]])
    seen = histogram(values)
    assert min_max(seen).high == pytest.approx(60.0)
    for observe in (percentile, entropy):
        assert observe(seen).high < 20.0
    # A lone outlier's square weighs much, so that least squares cuts less.
    assert least_squares(seen).high < 55.0


def test_least_squares_has_the_least_error() -> None:
    values = np.random.default_rng(3).laplace(size=100_000).astype(np.float32)
    seen = histogram(values)

    def error(span: Range) -> float:
        return float(np.mean((affine_of(span, Form.UNSIGNED).rounded(values) - values) ** 2))

    errors = {name: error(observe(seen)) for name, observe in OBSERVERS.items()}
    assert errors["mse"] <= 1.02 * min(errors.values())
    assert errors["mse"] < 0.9 * errors["min-max"]


def test_percentile_leaves_the_stated_tail() -> None:
    values = np.random.default_rng(4).uniform(0.0, 1.0, 100_000)
    assert percentile(histogram(values)).high == pytest.approx(0.9999, abs=1e-3)


@pytest.mark.parametrize("observe", OBSERVERS.values(), ids=OBSERVERS.keys())
def test_a_tensor_that_is_always_zero_gets_an_empty_range(observe: Callable[[Histogram], Range]) -> None:
    assert observe(Histogram(np.array([5.0, 0.0]), 0.0, 0.0)) == Range(0.0, 0.0)
