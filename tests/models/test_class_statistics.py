from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.models.class_statistics import CLASS_PRIOR, ClassStatistics


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 30), kept_share=st.floats(0.0, 1.0))
def test_covariances_are_those_of_the_pixels_and_never_negative(seed: int, kept_share: float) -> None:
    rng = np.random.default_rng(seed)
    off, labels = rng.normal(0.3, 1.0, (400, 5)), rng.integers(0, 3, 400).astype(np.uint8)
    kept = rng.random(400) < kept_share
    found = ClassStatistics.empty(4, 5).updated(1.0, off, kept, labels)
    for index in range(4):
        own = off[labels == index]
        about = own - found.mean(index)
        expected = (about.T @ about + CLASS_PRIOR * np.eye(5)) / (len(own) + CLASS_PRIOR)
        covariance = found.covariance(index, np.eye(5))
        np.testing.assert_allclose(covariance, expected, atol=1e-9)
        assert np.linalg.eigvalsh(covariance).min() > 0


def test_what_is_old_fades() -> None:
    ones, labels = np.ones((10, 2)), np.zeros(10, np.uint8)
    first = ClassStatistics.empty(1, 2).updated(1.0, ones, np.ones(10, bool), labels)
    second = first.updated(0.5, 3.0 * ones, np.zeros(10, bool), labels)
    assert second.count.tolist() == [15.0]
    assert second.kept_count.tolist() == [5.0]
    assert second.total[0].tolist() == [35.0, 35.0]
    assert second.kept_total[0].tolist() == [5.0, 5.0]
    assert first.count.tolist() == [10.0]
