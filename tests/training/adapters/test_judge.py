from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_average_precision

from onboard.minerals import MINERALS
from onboard.training.adapters.judge import Histogram, TileScores, choose_on_tiles
from onboard.training.metrics import best_f1, f1_at


def test_bins_score_as_all_pixels_would() -> None:
    rng = np.random.default_rng(0)
    label = rng.random(20_000) < 0.1
    probability = np.clip(0.3 * label + rng.normal(0.4, 0.15, label.shape), 0, 1).astype(np.float32)
    histogram = Histogram()
    for part in np.split(np.arange(20_000), 4):
        histogram.add(probability[part], label[part], np.ones(5_000, bool))
    threshold, f1 = best_f1(probability, label)
    assert histogram.best() == pytest.approx(threshold, abs=0.01)
    assert histogram.f1().max() == pytest.approx(f1, abs=0.005)
    assert histogram.f1()[200] == pytest.approx(f1_at(probability, label, 0.5), abs=0.002)
    expected = float(binary_average_precision(torch.from_numpy(probability), torch.from_numpy(label).int()))
    assert histogram.average_precision() == pytest.approx(expected, abs=0.01)


def test_pixels_that_do_not_count_do_not() -> None:
    histogram = Histogram()
    histogram.add(np.ones(4, np.float32), np.ones(4, bool), np.array([True, False, False, False]))
    assert histogram.positives == 1
    assert Histogram().best() == 0.5


def make_scores(known: int) -> TileScores:
    """One tile of which methane and the first ``known`` minerals are labelled, all found without fault."""
    truth = torch.zeros(11, 8, 8)
    truth[:, 2:5] = 1.0
    sample = {
        "plume": truth[0],
        "plume_weight": torch.ones(8, 8),
        "physics": torch.stack([truth[0] * 3000.0] * 4, dim=2),
        "minerals": truth[1:],
        "minerals_known": (torch.arange(10) < known).float()[:, None, None].expand(10, 8, 8),
    }
    scores = TileScores()
    scores.add(8.0 * truth - 4.0, sample)
    return scores


def test_reports_hold_what_is_labelled() -> None:
    scores = make_scores(2)
    report = scores.report(choose_on_tiles([scores]))
    assert report["plume_f1"] == report["plume_auprc"] == report["matched_filter_best_f1"] == 1.0
    assert report["mineral_f1"] == {MINERALS[0]: 1.0, MINERALS[1]: 1.0}
    assert report["mineral_macro_f1"] == 1.0
    assert TileScores().report(choose_on_tiles([])) == {"tiles": 0}


def test_thresholds_come_from_all_sets_together() -> None:
    point = choose_on_tiles([make_scores(2), make_scores(5)])
    assert 0.0 < point.plume_threshold < 1.0
    assert point.event_peak_probability >= max(0.8, point.plume_threshold)
    assert point.mineral_thresholds[5:] == (0.5,) * 5
    assert point.mineral_thresholds[0] < 0.5
