from __future__ import annotations

import numpy as np
import pytest

from onboard.training.metrics import average_precision, best_f1, f1_at


def test_perfect_and_useless_scores() -> None:
    rng = np.random.default_rng(9)
    label = rng.random((64, 64)) < 0.1
    assert average_precision(label.astype(np.float32), label) == pytest.approx(1.0, abs=1e-3)
    assert average_precision(rng.random((64, 64)).astype(np.float32), label) == pytest.approx(0.1, abs=0.05)


def test_best_threshold_is_where_f1_is_best() -> None:
    rng = np.random.default_rng(10)
    label = rng.random(4000) < 0.3
    probability = np.clip(0.3 * label + rng.normal(0.3, 0.15, 4000), 0, 1).astype(np.float32)
    threshold, f1 = best_f1(probability, label)
    assert f1_at(probability, label, threshold) == pytest.approx(f1, abs=1e-3)
    assert all(f1_at(probability, label, other) <= f1 + 1e-3 for other in (0.1, 0.3, 0.5, 0.7, 0.9))


def test_nothing_true() -> None:
    empty = np.zeros(10, bool)
    assert best_f1(np.zeros(10, np.float32), empty) == (0.5, 0.0)
    assert f1_at(np.zeros(10, np.float32), empty, 0.5) == 0.0


def test_the_best_threshold_is_the_least_true_probability() -> None:
    label = np.array([True, True, False, False])
    threshold, f1 = best_f1(np.array([0.7, 0.6, 0.2, 0.1], np.float32), label)
    assert f1 == pytest.approx(1.0)
    assert threshold == pytest.approx(0.6)
    assert f1_at(np.array([0.7, 0.6, 0.2, 0.1], np.float32), label, threshold) == 1.0
