from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.spectra.variation import tilted, waves

NM = np.linspace(360.0, 2500.0, 200)


def test_waves_are_bounded_smooth_and_independent() -> None:
    curves = waves(NM, 6)
    assert curves.shape == (6, 200)
    assert np.abs(curves).max() <= 1.0001
    assert np.abs(np.diff(curves, axis=1)).max() < 0.1
    assert np.linalg.matrix_rank(curves) == 6
    np.testing.assert_allclose(curves[0], 1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(-1.5, 1.5))
def test_tilting_keeps_reflectance_and_can_be_undone(seed: int, curve: float) -> None:
    rho = np.random.default_rng(seed).uniform(0.003, 0.99, (3, 7))
    changed = tilted(rho, np.full(7, curve))
    assert np.all((changed > 0) & (changed < 1))
    assert np.all((changed > rho) == (curve > 0)) or abs(curve) < 1e-12
    np.testing.assert_allclose(tilted(changed, np.full(7, -curve)), rho, rtol=1e-9)
    dark = tilted(np.array([0.004]), np.array([curve]))
    np.testing.assert_allclose(dark, 0.004 * np.exp(curve), rtol=0.02)
