from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.ground_classes import WAYS, figures, main


def test_a_filter_without_error_has_no_error() -> None:
    gas = np.zeros((40, 50), np.float32)
    gas[10:14, 20:26] = 3000.0
    valid = np.ones(gas.shape, bool)
    valid[:, :4] = False
    found = figures(gas.copy(), np.full(gas.shape, 300.0, np.float32), valid, gas, (gas > 0).astype(np.int32))
    assert found["auprc"] == pytest.approx(1.0)
    assert found["best_f1"] == found["ratio_best_f1"] == pytest.approx(1.0)
    assert found["slope"] == pytest.approx(1.0)
    assert found["background"] == 0.0


def test_sigma_ranks_what_enhancement_alone_does_not() -> None:
    rng = np.random.default_rng(1)
    gas = np.zeros((60, 80), np.float32)
    gas[20:30, 10:30] = 2500.0
    sigma = np.where(np.arange(80) < 40, 300.0, 2000.0)[None].repeat(60, axis=0).astype(np.float32)
    seen = (gas + sigma * rng.standard_normal(gas.shape)).astype(np.float32)
    found = figures(seen, sigma, gas >= 0, gas, (gas > 0).astype(np.int32))
    assert found["ratio_auprc"] > found["auprc"] + 0.2


def test_a_small_trial_prints_all_ways_and_goes_on(tmp_path: Path) -> None:
    given = ["--out", str(tmp_path), "--size", "96", "64"]
    first = CliRunner().invoke(main, given, catch_exceptions=False)
    assert first.exit_code == 0
    assert [first.output.count(f"| {way} |") for way in WAYS] == [4, 4, 4]
    files = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.json")}
    again = CliRunner().invoke(main, given, catch_exceptions=False)
    assert again.output.endswith(first.output[-200:])
    assert files == {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.json")}
