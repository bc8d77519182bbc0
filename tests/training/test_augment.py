from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.sensors import load_sensor
from onboard.training.augment import RIPPLE_SIGMA, draw_continuum, draw_ripple

CENTRES = np.asarray(load_sensor("emit").centres, np.float64)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(8, 100), st.integers(8, 100), st.floats(0.01, 0.3))
def test_offsets_are_finite_smooth_and_of_the_size_asked_for(
    seed: int, lines: int, samples: int, sigma: float
) -> None:
    offset = draw_continuum(np.random.default_rng(seed), sigma, lines, samples, CENTRES).offset()
    assert offset.shape == (lines, samples, len(CENTRES))
    assert np.isfinite(offset).all()
    assert float(np.sqrt((offset**2).mean())) < 5.0 * sigma
    # Over 30 nm, the width of a narrow feature, it hardly bends.
    bend = np.abs(offset[..., 8:] - 2.0 * offset[..., 4:-4] + offset[..., :-8])
    assert float(bend.max()) < 0.1 * float(np.abs(offset).max()) + 1e-6


def test_a_part_is_the_part_of_the_whole() -> None:
    drawn = draw_continuum(np.random.default_rng(3), 0.1, 20, 30, CENTRES)
    bands = np.array([3, 200, 284])
    np.testing.assert_allclose(
        drawn.offset(slice(5, 9), bands), drawn.offset()[:, 5:9][..., bands], rtol=1e-5, atol=1e-7
    )


def test_deviation_is_near_what_was_asked_for() -> None:
    rng = np.random.default_rng(5)
    found = [draw_continuum(rng, 0.1, 96, 96, CENTRES).offset().std() for _ in range(12)]
    assert 0.06 < float(np.mean(found)) < 0.16


def test_ripple_has_its_size() -> None:
    rng = np.random.default_rng(6)
    found = np.stack([draw_ripple(rng, 285) for _ in range(200)])
    assert abs(float(found.std()) / RIPPLE_SIGMA - 0.85) < 0.15
