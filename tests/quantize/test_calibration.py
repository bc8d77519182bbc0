from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.run_folder import TrainedRun, load_run
from onboard.training.body_input import InputScales
from onboard.training.pool import Pool, patch_seeds
from quantize.calibration import CalibrationSet, body_planes, draw_samples, histograms, stem_pixels
from quantize.graph import load_model
from quantize.placement import find_sites
from quantize.scoring import validation_set
from quantize.search import watched_graph
from tests.quantize.conftest import SMALL
from tests.quantize.graphs import batches, plain_graph

WANTED = CalibrationSet(seed=3, samples=2, crop=32, stem_pixels=100)


@pytest.fixture(scope="module")
def run(finished_run: Path) -> TrainedRun:
    return load_run(finished_run)


@pytest.fixture(scope="module")
def pool(finished_run: Path) -> Pool:
    return Pool(finished_run / "pool" / "train", tuple(patch_seeds(SMALL, "train")), SMALL.windows)


def test_the_same_seed_draws_the_same_inputs(run: TrainedRun, pool: Pool) -> None:
    first, again = (draw_samples(WANTED, pool, run.tables, 0.15) for _ in range(2))
    other = draw_samples(CalibrationSet(seed=4, samples=2, crop=32), pool, run.tables, 0.15)
    planes = [body_planes(run.network, sample, InputScales()) for sample in (first[1], again[1], other[1])]
    assert planes[0].shape == (1, 32, 64, 32)
    assert np.array_equal(planes[0], planes[1])
    assert not np.array_equal(planes[0], planes[2])
    assert np.array_equal(stem_pixels(WANTED, first), stem_pixels(WANTED, again))
    assert stem_pixels(WANTED, first).shape == (100, len(run.tables.centres))


def test_validation_inputs_are_seeded_and_every_second_patch_has_plumes(run: TrainedRun, pool: Pool) -> None:
    first, again = (validation_set(run.network, pool, run.tables, InputScales(), 0.15, 2) for _ in range(2))
    assert first.plume[0].any()
    assert not first.plume[1].any()
    assert np.array_equal(first.planes[0], again.planes[0])
    assert first.present.shape == (2, 10, 64, 64)
    assert not (first.plume & ~first.valid).any()


def test_histograms_count_every_value_between_the_ends_that_were_seen() -> None:
    model, given = load_model(plain_graph()), batches(3)
    found = histograms(watched_graph(model, find_sites(model)), given)
    assert found["e1"].counts.sum() == 3 * 8 * 16 * 16
    assert found["e1"].low == 0.0
    assert found["w1"].counts.sum() == 3 * 12 * 8 * 8
    assert found["logits"].low < 0.0 < found["logits"].high
    assert found["g"].counts[0] >= 1
    assert found["g"].counts[-1] >= 1
