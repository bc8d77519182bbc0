from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.models.filter_tables import linear_to_enhancement
from tests.models.test_streaming_filter import ALPHAS, tables


@settings(max_examples=30, deadline=None)
@given(st.floats(-2000.0, 40000.0), st.floats(-2000.0, 40000.0))
def test_response_is_undone_in_order(one: float, other: float) -> None:
    gas = tables()
    weights = gas.target / (gas.target @ gas.target)
    low, high = sorted((one, other))
    a, b = linear_to_enhancement(np.array([low, high]), weights, gas)
    assert a <= b
    at_points = linear_to_enhancement(gas.log_transmittance @ weights, weights, gas)
    np.testing.assert_allclose(at_points, ALPHAS, atol=1e-6)


def test_the_target_is_the_change_a_ppm_m() -> None:
    gas = tables()
    np.testing.assert_allclose(gas.target * ALPHAS[1], gas.log_transmittance[1])
