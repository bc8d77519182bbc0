from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.denoise_detection import (
    CASES,
    DEAD_BANDS,
    DEAD_COLUMNS,
    WAYS,
    denoised,
    figures,
    kill_columns,
    markdown,
    run,
)
from bench.flights import Flown
from onboard.errors import BundleError
from tests.flight.denoisers import with_denoiser
from tests.replay.small_capture import emit_bundle, radiance


def test_damage_is_what_it_says() -> None:
    cube = np.ones((5, 40, 30), np.float32)
    kill_columns(cube, np.random.default_rng(1), np.arange(10, 30))
    dead = cube == 0
    assert dead.any(axis=(0, 2)).sum() == DEAD_COLUMNS
    assert dead.sum() == 5 * DEAD_COLUMNS * DEAD_BANDS
    assert not dead[..., :10].any()
    assert len({case.name for case in CASES}) == len(CASES)


def test_figures_of_a_known_flight() -> None:
    random = np.random.default_rng(3)
    gas = np.zeros((60, 50), np.float32)
    gas[20:30, 20:30] = 5000.0
    plumes = (gas > 0).astype(np.int32)
    found = (0.8 * gas + random.normal(0.0, 300.0, gas.shape)).astype(np.float32)
    found[0] = np.nan
    flown = Flown(np.where(plumes > 0, 0.9, 0.1).astype(np.float32), found, found, plumes > 0, ())
    row = figures(flown, gas, plumes)
    assert row["deviation"] == pytest.approx(300, rel=0.1)
    assert row["slope"] == pytest.approx(0.8, rel=0.05)
    assert row["network_auprc"] == 1.0
    assert row["smoothed_auprc"] > 0.9
    assert row["filter_auprc"] > 0.99
    assert (row["events"], row["false_events"]) == (0, 0)


def test_only_the_denoised_bands_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = with_denoiser(emit_bundle(radiance(8, 64).mean(axis=(0, 1))))
    path = tmp_path / "x.onb"
    path.write_bytes(bundle.data)
    monkeypatch.setattr("onboard.flight.session.shipped_keys", lambda: [bundle.public_key])
    cube = radiance(20, 30)
    changed = denoised(path, cube)
    bands = bundle.tables["mf_bands"]
    others = np.setdiff1d(np.arange(cube.shape[2]), bands)
    assert changed[..., others].tobytes() == cube[..., others].tobytes()
    assert (changed[..., bands] != cube[..., bands]).mean() > 0.9


def test_the_table_joins_captures() -> None:
    row = {
        "deviation": 300.0,
        "slope": 0.8,
        "filter_auprc": None,
        "smoothed_auprc": 0.25,
        "network_auprc": 0.5,
        "events": 2,
        "false_events": 1,
    }
    text = markdown(
        [("a", dict.fromkeys(WAYS, row)), ("a", {way: {**row, "deviation": 500.0} for way in WAYS})]
    )
    assert "| a | as it is | 400 | 0.80 | - | 0.250 | 0.500 | 4 | 2 |" in text


def test_a_bundle_without_a_denoiser_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = emit_bundle()
    (tmp_path / "x.onb").write_bytes(bundle.data)
    monkeypatch.setattr("onboard.flight.session.shipped_keys", lambda: [bundle.public_key])
    with pytest.raises(BundleError, match="no denoiser"):
        run(tmp_path / "x.onb", tmp_path, 128, 64, 1)
