from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from onboard.minerals import MINERALS
from onboard.training.adapters.judge import TileScores, choose_on_tiles


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
    assert 0.018 < point.mineral_thresholds[0] <= 0.9821  # what is there says 0.982, the rest 0.018


def test_thresholds_far_below_a_hundredth_are_read_where_they_lie() -> None:
    # Calibrated probabilities of rare plumes are small: 0.002 for plume, 0.0004 for ground.
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(rng.random((1, 200, 200)) < 0.005).float().expand(11, 200, 200)
    sample = {
        "plume": truth[0],
        "plume_weight": torch.ones(200, 200),
        "physics": torch.stack([truth[0] * 3000.0] * 4, dim=2),
        "minerals": truth[1:],
        "minerals_known": torch.ones(10, 200, 200),
    }
    scores = TileScores()
    scores.add(torch.logit(torch.where(truth > 0, 0.002, 0.0004)), sample)
    point = choose_on_tiles([scores])
    assert 0.0004 < point.plume_threshold <= 0.002
    assert scores.report(point)["plume_f1"] == scores.report(point)["mineral_macro_f1"] == 1.0
    assert scores.report(replace(point, plume_threshold=0.001))["plume_f1"] == 1.0
    loose = scores.report(replace(point, plume_threshold=0.0002))["plume_f1"]
    assert loose == pytest.approx(2 * 0.005 / 1.005, rel=0.2)


def test_pixels_that_do_not_count_do_not() -> None:
    scores = make_scores(1)
    assert scores.minerals[0].counts.sum() == 64
    assert not scores.minerals[1].counts.any()
