"""What was measured of a denoiser is read for its card, and nothing that was measured of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from export.denoiser_scores import read_denoiser_scores
from onboard.errors import CaptureError

OURS = "ab" * 32


def row(name: str, method: str, psnr: float, stamp: str = "1", **other: Any) -> dict[str, Any]:
    known = {"source": "scenes", "name": name, "case": "stripe", "method": method, "stamp": stamp}
    return known | {"psnr": psnr, "sam": 90.0 - psnr} | other


ROWS = [
    row("a", "noisy", 10.0),
    row("b", "noisy", 20.0),
    row("a", "low rank", 30.0),
    row("b", "low rank", 32.0),
    row("a", "Gaussian", 29.0),
    row("b", "Gaussian", 31.0),
    row("a", "ours", 40.0, OURS),
    row("b", "ours", 43.0, OURS),
    row("a", "HSDT-style", 50.0, "cd" * 32),
]


def write(folder: Path, rows: Any) -> Path:
    (folder / "scores.json").write_text(json.dumps(rows))
    return folder


def test_means_stand_beside_the_best_without_weights(tmp_path: Path) -> None:
    (found,) = read_denoiser_scores(write(tmp_path, ROWS), OURS)
    assert (found["on"], found["cubes"], found["case"]) == ("scenes", 2, "stripe")
    assert found["psnr_db"] == {"noisy": 15.0, "classical": 31.0, "denoised": 41.5}
    assert found["angle_deg"] == {"noisy": 75.0, "classical": 59.0, "denoised": 48.5}


def test_a_method_that_missed_a_cube_does_not_stand_beside_it(tmp_path: Path) -> None:
    rows = [each for each in ROWS if (each["name"], each["method"]) != ("b", "low rank")]
    (found,) = read_denoiser_scores(write(tmp_path, rows), OURS)
    assert found["psnr_db"]["classical"] == 30.0
    rows = [each for each in ROWS if each["method"] in ("noisy", "ours")]
    (found,) = read_denoiser_scores(write(tmp_path, rows), OURS)
    assert found["psnr_db"]["classical"] is None


def test_cubes_that_it_has_not_seen_do_not_count(tmp_path: Path) -> None:
    more = [row("c", "noisy", 90.0), row("c", "low rank", 90.0)]
    (found,) = read_denoiser_scores(write(tmp_path, ROWS + more), OURS)
    assert found["psnr_db"] == {"noisy": 15.0, "classical": 31.0, "denoised": 41.5}


def test_sources_and_cases_are_apart(tmp_path: Path) -> None:
    more = [each | {"case": "EMIT"} for each in ROWS] + [each | {"source": "real"} for each in ROWS]
    found = read_denoiser_scores(write(tmp_path, ROWS + more), OURS)
    keys = [(each["on"], each["case"]) for each in found]
    assert keys == [("scenes", "stripe"), ("scenes", "EMIT"), ("real", "stripe")]


def test_scores_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="of another denoiser"):
        read_denoiser_scores(write(tmp_path, ROWS), "ef" * 32)


def test_scores_without_the_noisy_cubes_are_refused(tmp_path: Path) -> None:
    rows = [each for each in ROWS if each["method"] != "noisy"]
    with pytest.raises(CaptureError, match="lack the noisy cubes"):
        read_denoiser_scores(write(tmp_path, rows), OURS)


@pytest.mark.parametrize(
    "rows",
    [
        {"a": 1},
        [1],
        [row("a", "ours", 1.0) | {"psnr": "high"}],
        [row("a", "ours", float("nan"))],
        [{"source": "scenes"}],
    ],
)
def test_malformed_scores_are_refused(tmp_path: Path, rows: Any) -> None:
    with pytest.raises(CaptureError, match="malformed"):
        read_denoiser_scores(write(tmp_path, rows), OURS)


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        read_denoiser_scores(tmp_path, OURS)
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(CaptureError, match="cannot be read"):
        read_denoiser_scores(tmp_path, OURS)
