from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.denoise_cubes import REAL, read_real, real_trials, scene_trials
from onboard.training.denoising.data import ensure_scenes

SHARED = Path(__file__).parents[3] / "shared/data/real"


def test_each_scene_meets_each_case(tmp_path: Path) -> None:
    scenes = ensure_scenes(tmp_path, "emit", "test", 1, 32, workers=1)
    trials = list(scene_trials(scenes, "emit", ["deadline", "EMIT"]))
    assert [trial.case for trial in trials] == ["deadline", "EMIT"]
    assert [trial.table.domain for trial in trials] == ["unit", "log"]
    for trial in trials:
        assert trial.noisy.shape == trial.clean.shape == (63, 32, 32)
        assert not np.array_equal(trial.noisy, trial.clean)
    again = next(scene_trials(scenes, "emit", ["deadline"]))
    assert np.array_equal(again.noisy, trials[0].noisy)


def test_real_cubes_are_cut_scaled_and_their_own_truth() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"needs real cubes in {SHARED}")
    cube, table = read_real(SHARED / REAL["Indian Pines"], 64)
    assert cube.shape == (table.bands, 64, 64)
    assert table.bands > 190
    assert cube.min() == 0
    assert cube.max() == 1
    trials = list(real_trials(SHARED, ["impulse", "EMIT"], 32))
    assert {trial.source for trial in trials} == set(REAL)
    assert {trial.case for trial in trials} == {"impulse"}
    beside = [trial for trial in real_trials(SHARED, ["stripe", "impulse"], 32) if trial.case == "impulse"]
    for one, other in zip(trials, beside, strict=True):
        assert np.array_equal(one.noisy, other.noisy)
    assert all(np.isfinite(trial.clean).all() for trial in trials)
