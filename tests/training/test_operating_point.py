from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onboard.training.operating_point import (
    SIZES,
    OperatingPoint,
    Scored,
    choose,
    event_scores,
    middle_of,
    report,
)


def scored(seed: int) -> Scored:
    """Two patches with one strong plume each, seen well, and one false alarm of low probability."""
    rng = np.random.default_rng(seed)
    shape = (2, 64, 64)
    plume_id = np.zeros(shape, np.int32)
    plume_id[:, 10:20, 10:20] = 1
    plume = np.where(plume_id > 0, 0.95, 0.02).astype(np.float32)
    plume += rng.uniform(0, 0.01, shape).astype(np.float32)
    plume[0, 40:44, 40:44] = 0.6
    present = rng.random((2, 10, 64, 64)) < 0.2
    return Scored(
        plume=plume,
        minerals=np.where(present, 0.8, 0.1).astype(np.float16),
        plume_id=plume_id,
        enhancement=4000.0 * (plume_id > 0).astype(np.float32),
        present=present,
        filtered=3800.0 * (plume_id > 0).astype(np.float32),
        valid=np.ones(shape, bool),
    )


def test_false_alarm_is_counted_and_then_avoided() -> None:
    case = scored(1)
    loose = OperatingPoint(plume_threshold=0.5, event_peak_probability=0.5, event_min_pixels=4)
    recall, false = event_scores(case, loose)
    assert recall == 1.0
    assert false == pytest.approx(1280 * 1242 / (2 * 64 * 64))
    point = choose(case)
    assert event_scores(case, point) == (1.0, 0.0)


def test_report_scores_what_was_found() -> None:
    case = scored(2)
    figures = report(case, choose(case))
    assert figures["plume_f1"] == pytest.approx(1.0, abs=0.1)
    assert figures["mineral_macro_f1"] == pytest.approx(1.0, abs=1e-6)
    assert figures["enhancement_slope"] == pytest.approx(0.95, abs=1e-3)


def test_among_equals_the_middle_is_taken() -> None:
    assert middle_of(np.ones((5, 7), bool)) == (2, 3)
    corner = np.zeros((4, 4), bool)
    corner[0, 0] = corner[3, 1:] = True
    assert middle_of(corner) == (3, 1)
    case = scored(3)
    case.plume[:, 10:20, 10:15] = 0.3
    point = choose(case)
    assert point.plume_threshold == pytest.approx(0.3, abs=0.01)
    assert SIZES[0] < point.event_min_pixels < SIZES[-1]
    # Plumes reach 0.95; the false alarm of 0.6 is out by its size already.
    assert 0.4 < point.event_peak_probability < 0.9


def test_rare_plumes_with_small_probabilities_have_peaks_to_choose_from() -> None:
    """Calibrated to captures in which one pixel in five hundred is plume."""
    case = scored(4)
    faint = replace(case, plume=(case.plume / 60.0).astype(np.float32))
    point = choose(faint)
    assert 0.01 < point.plume_threshold <= point.event_peak_probability < 0.0161
    assert event_scores(faint, point) == (1.0, 0.0)


def test_a_network_that_is_sure_has_events_too() -> None:
    case = scored(5)
    sure = replace(case, plume=(case.plume_id > 0).astype(np.float32))
    point = choose(sure)
    assert 0.99 < point.event_peak_probability <= 1.0
    assert event_scores(sure, point) == (1.0, 0.0)
