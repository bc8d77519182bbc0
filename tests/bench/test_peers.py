from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.methods import Air, Observation, find_method
from bench.peers import OVERLAP, TILE, _streaming_filter, fly_tiles, load_peer, tile_spans
from onboard.captures import band_match
from onboard.errors import CaptureError, UsageError
from onboard.models import registry
from onboard.scenes.methane import log_transmittance
from onboard.sensors import load_sensor
from onboard.training.tables import make_tables

LINES, SAMPLES = 150, 70
TABLES = make_tables(load_sensor("emit"))


def saved(folder: Path, name: str, **settings: object) -> Path:
    """A run folder with an untrained network, as a training leaves it."""
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    network = registry.build(name, centres=TABLES.centres, fwhm=TABLES.fwhm, **settings)
    state = {"model": name, "settings": network.settings.as_dict(), "state": network.state_dict()}
    torch.save(state, folder / "model.pt")
    TABLES.save(folder / "tables.npz")
    for part in ("operating_point", "metrics", "recipe"):
        (folder / f"{part}.json").write_text(json.dumps({}))
    return folder / "model.pt"


@pytest.fixture(scope="module")
def seen() -> Observation:
    rng = np.random.default_rng(2)
    bright = rng.uniform(0.3, 1.2, (LINES, SAMPLES, 1)) * rng.normal(1.0, 0.01, (LINES, SAMPLES, 285))
    valid = np.ones((LINES, SAMPLES), bool)
    radiance = (bright * TABLES.reference).astype(np.float32)
    radiance[60:63], valid[60:63] = -9999.0, False
    nothing = np.zeros(285, np.float32)
    air = Air(nothing, nothing, nothing)
    return Observation("small", radiance, TABLES.centres, TABLES.fwhm, valid, air)


@given(size=st.integers(1, 2000))
def test_tiles_cover_an_axis_once_and_keep_off_their_edges(size: int) -> None:
    spans = list(tile_spans(size))
    assert [keep for _, _, keep, _ in spans] == [0, *(end for _, _, _, end in spans[:-1])]
    assert spans[-1][3] == size
    for first, end, keep_first, keep_end in spans:
        assert 0 <= first <= keep_first < keep_end <= end <= size
        assert end - first == min(size, TILE)
        assert first == 0 or keep_first - first >= OVERLAP // 2
        assert end == size or end - keep_end >= OVERLAP // 2 - 1


@pytest.mark.parametrize(
    ("method", "name", "settings"),
    [
        ("hyper_segformer", "hyper_segformer", {}),
        ("hyper_efficientvit", "hyper_efficientvit", {"relative": True}),
        ("hyper_efficientvit", "hyper_efficientvit", {"tasks": "minerals"}),
        ("hyper_starcop", "hyper_starcop", {}),
        ("hyper_starcop_column", "hyper_starcop", {}),
    ],
)
def test_a_peer_says_its_tasks_where_radiance_was_measured(
    tmp_path: Path, seen: Observation, method: str, name: str, settings: dict[str, object]
) -> None:
    model = saved(tmp_path / "run", name, **settings)
    found = find_method(f"bench.peers:{method}")(replace(seen, bundle=model))
    score = found.plume_score if found.plume_score is not None else found.mineral_scores
    assert score is not None
    assert (found.mineral_scores is None) is (settings.get("tasks") != "minerals")
    assert score.shape[-2:] == (LINES, SAMPLES)
    np.testing.assert_array_equal(np.isfinite(score).reshape(-1, LINES, SAMPLES).all(0), seen.valid)
    assert np.nanmin(score) >= 0
    assert np.nanmax(score) <= 1
    assert np.nanstd(score) > 0


def test_tiles_in_any_number_at_a_time_say_the_same(
    tmp_path: Path, seen: Observation, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, tables = load_peer(saved(tmp_path / "run", "hyper_efficientvit"), "hyper_efficientvit")
    wide = replace(
        seen, radiance=np.tile(seen.radiance, (1, 4, 1))[:40], valid=np.tile(seen.valid, (1, 4))[:40]
    )
    match = band_match(wide.centres, wide.fwhm, tables.centres, tables.fwhm)
    together = fly_tiles(network, wide, match, tables)
    monkeypatch.setattr("bench.peers.TILES_AT_A_TIME", 1)
    np.testing.assert_allclose(fly_tiles(network, wide, match, tables), together, rtol=1e-4, atol=1e-5)


def test_starcop_sees_the_filter(tmp_path: Path, seen: Observation) -> None:
    network, tables = load_peer(saved(tmp_path / "run", "hyper_starcop"), "hyper_starcop")
    match = band_match(seen.centres, seen.fwhm, tables.centres, tables.fwhm)
    plain = fly_tiles(network, seen, match, tables)
    gas = np.zeros((LINES, SAMPLES), np.float32)
    gas[20:40, 20:40] = 3000.0
    assert np.abs(fly_tiles(network, seen, match, tables, gas) - plain).max() > 0


def test_what_is_wrong_with_the_weights_is_said(tmp_path: Path, seen: Observation) -> None:
    method = find_method("bench.peers:hyper_segformer")
    with pytest.raises(UsageError, match="model=hyper_segformer"):
        method(seen)
    with pytest.raises(UsageError, match="hyper_starcop"):
        method(replace(seen, bundle=saved(tmp_path / "other", "hyper_starcop")))
    with pytest.raises(CaptureError):
        method(replace(seen, bundle=tmp_path / "nothing" / "model.pt"))


def test_the_filter_looks_for_methane_as_a_capture_shows_it(
    seen: Observation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of bands 8 nm apart the filter with the tables' own lines retrieves less, as it would in flight."""
    centres = np.arange(400.0, 2480.0, 8.0)
    fwhm = np.full(len(centres), 9.0)
    rng = np.random.default_rng(6)
    light = np.interp(centres, TABLES.centres, TABLES.reference)
    bright = rng.uniform(0.3, 1.2, (LINES, SAMPLES, 1)) * rng.normal(
        1.0, 0.003, (LINES, SAMPLES, len(centres))
    )
    alphas, lines = log_transmittance(centres, fwhm)
    gas = np.exp([np.interp(5000.0, alphas, band) for band in lines.T])
    bright[40:50, 30:40] *= gas
    given = replace(
        seen, radiance=(bright * light).astype(np.float32), centres=centres, fwhm=fwhm,
        valid=np.ones((LINES, SAMPLES), bool),
    )  # fmt: skip
    match = band_match(centres, fwhm, TABLES.centres, TABLES.fwhm)
    found = _streaming_filter(given, match, TABLES)[40:50, 30:40].mean()
    monkeypatch.setattr("bench.peers.resampled_gas", lambda *_: None)
    plain = _streaming_filter(given, match, TABLES)[40:50, 30:40].mean()
    assert found == pytest.approx(5000.0, rel=0.2)
    assert plain < 0.8 * found
