"""Looking for a known shape: exact where it can be checked by hand, and blind to what is no gas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.ndimage import gaussian_filter

from bench.detection import Releases
from bench.detection_bound import (
    Array64,
    clutter_spectrum,
    judge_informed,
    main,
    ratio_of,
    second_peak,
    template_scores,
)
from bench.flights import Flown

SHAPE = (96, 120)
PLUME = np.outer(np.hanning(9)[1:-1], np.linspace(1.0, 0.2, 11))
AT = (40, 60)


def noise(seed: int, width: float = 0.0) -> Array64:
    white = np.random.default_rng(seed).standard_normal(SHAPE)
    rough = np.random.default_rng((seed, 1)).standard_normal(SHAPE)
    return (
        white if not width else white + np.asarray(gaussian_filter(rough, width, mode="wrap")) * 3.5 * width
    )


def flown(field: Array64, sigma: float = 100.0) -> Flown:
    enhancement = (sigma * field).astype(np.float32)
    deviation = np.full(SHAPE, sigma, np.float32)
    return Flown(enhancement, enhancement, deviation, field > 1e9, ())


def with_plume(field: Array64, strength: float) -> Array64:
    field = field.copy()
    field[AT[0] : AT[0] + PLUME.shape[0], AT[1] : AT[1] + PLUME.shape[1]] += strength * PLUME
    return field


@pytest.mark.parametrize("width", [0.0, 1.5])
def test_clutter_scores_as_normal_noise_does_and_a_plume_by_its_own_energy(width: float) -> None:
    quiet = noise(1, width)
    power = clutter_spectrum(quiet)
    scores = template_scores(PLUME, noise(2, width), power)
    assert abs(scores.mean()) < 0.1
    assert scores.std() == pytest.approx(1.0, abs=0.2)
    found = template_scores(PLUME, with_plume(quiet, 6.0), power)
    assert found.argmax() == AT[0] * SHAPE[1] + AT[1]
    gain = found[AT] - template_scores(PLUME, quiet, power)[AT]
    if not width:
        # In white noise that is the root of the squares' sum.
        assert gain == pytest.approx(6.0 * np.sqrt((PLUME**2).sum()), rel=0.05)


def test_invalid_pixels_say_nothing() -> None:
    one = flown(noise(1))
    one.enhancement[3, 4], one.sigma[5, 6] = np.nan, np.nan
    ratio = ratio_of(one)
    assert ratio[3, 4] == ratio[5, 6] == 0.0
    assert np.isfinite(ratio).all()


def test_the_second_peak_is_another_place() -> None:
    scores = np.zeros((20, 20))
    scores[5, 5], scores[6, 6], scores[15, 15] = 9.0, 8.0, 4.0
    assert second_peak(scores, (3, 3)) == 4.0
    assert second_peak(scores, (30, 30)) == -np.inf


def releases(strength: float) -> Releases:
    field = with_plume(np.zeros(SHAPE), strength * 100.0).astype(np.float32)
    footprint = (field >= 100.0).astype(np.int32)
    return Releases(field, footprint, footprint, (1060.0,), (float(field.max()),))


@pytest.mark.parametrize(("strength", "found"), [(8.0, True), (1.05, False)])
def test_strong_releases_are_found_and_faint_ones_not(strength: float, found: bool) -> None:
    gas, quiet = releases(strength), noise(1)
    seen = quiet + gas.enhancement / 100.0
    (row,) = judge_informed(flown(seen), flown(quiet), gas)
    assert row["informed"] is found
    assert (row["score"] > row["needed"]) is found
    nowhere = Releases(
        np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.int32), gas.strong * 0, (10.0,), (1.0,)
    )
    (row,) = judge_informed(flown(quiet), flown(quiet), nowhere)
    assert row["informed"] is False
    assert row["score"] is None
    blind = flown(seen)
    blind.sigma[gas.footprint == 1] = np.nan
    (row,) = judge_informed(blind, flown(quiet), gas)
    assert row == {"rate": row["rate"], "peak": row["peak"], "score": None, "needed": None, "informed": False}


def test_the_study_runs_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--captures", "1", "--repeats", "1", "--size", "128", "96"]
    arguments += ["--climates", "arid-bright", "--rates", "100,1500"]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    groups = json.loads((tmp_path / "detection_bound.json").read_text())["groups"]
    rates = groups["arid-bright"]["rates"]
    assert [row["cases"] for row in rates] == [1, 1]
    assert rates[1]["found"] == 1
    (kept,) = (tmp_path / "captures").glob("*.json")
    before = kept.stat().st_mtime_ns
    assert CliRunner().invoke(main, arguments).output.endswith(first.output.partition("| captures of")[2])
    assert kept.stat().st_mtime_ns == before


def test_bad_options_are_told_without_a_traceback(tmp_path: Path) -> None:
    for asked in (["--climates", "moon"], ["--rates", "few"]):
        result = CliRunner().invoke(main, ["--out", str(tmp_path), *asked])
        assert result.exit_code in (2, 3)
        assert "Traceback" not in result.output
