from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.gallery import Seen, cases_of, draw, fly_capture, main, read_run, rows_of
from onboard.cli.main import main as onboard
from onboard.errors import UsageError
from onboard.scenes.gas.plumes import SOURCE_DTYPE
from onboard.scenes.truth import Truth


def seen() -> Seen:
    """Three plumes, two of them met by one event each, and two events on nothing."""
    shape = (200, 200)
    ids, events = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    sources = np.zeros(3, SOURCE_DTYPE)
    for row, (line, peak) in enumerate(((20, 9000.0), (90, 3000.0), (160, 5000.0))):
        ids[line : line + 4, 20:26] = row + 1
        sources[row]["plume_id"], sources[row]["peak_ppm_m"] = row + 1, peak
        sources[row]["emission_kg_h"] = peak
    events[20:24, 22:28], events[160:163, 20:22] = 1, 2
    events[50:60, 150:160], events[58:66, 170:174] = 3, 4
    gas = np.where(ids > 0, np.float32(2500), np.float32(0))
    truth = Truth(gas, ids, np.zeros((0, *shape), np.float32), (), np.ones(shape, np.uint8), sources)
    said = np.where(events > 0, np.float32(0.9), np.float32(0.01))
    rgb = np.random.default_rng(1).uniform(1, 5, (*shape, 3)).astype(np.float32)
    return Seen("made", rgb, gas, said, events, truth)


def test_cases_are_told_apart() -> None:
    cases = cases_of(seen())
    assert [case.kind for case in cases] == ["hit", "hit", "miss", "false alarm"]
    assert [case.line for case in cases[:3]] == [161, 21, 91]
    # Of two false alarms in one window the larger stands for both.
    assert (cases[3].line, cases[3].sample) == (54, 154)
    assert rows_of(cases)[2]["what"] == "3.0 t/h, peak 3000 ppm m, 24 px"


def test_a_page_is_drawn_even_where_a_kind_is_missing(tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    draw([case for case in cases_of(seen()) if case.kind != "miss"], page)
    assert page.stat().st_size > 20_000
    assert list(tmp_path.iterdir()) == [page]


def test_captures_of_the_benchmark_by_name(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["test-arid-bright-1", "--size", "128", "96", "--out", str(tmp_path), "--each", "2"]
    )
    assert result.exit_code == 0, result.output
    assert isinstance(json.loads((tmp_path / "test-arid-bright-1.json").read_text()), list)
    with pytest.raises(UsageError, match="no such capture"):
        fly_capture("test-moon-1", None)
    assert CliRunner().invoke(main, ["--out", str(tmp_path)]).exit_code == 2


def test_a_run_and_its_capture(tmp_path: Path) -> None:
    capture, run = tmp_path / "c.nc", tmp_path / "run"
    size = ["--lines", "128", "--samples", "64", "--seed", "4", "--plumes", "2"]
    assert onboard(["simulate", str(capture), *size]) == 0
    assert onboard(["replay", str(capture), "--out", str(run)]) == 0
    found = read_run(run, capture)
    assert found.rgb.shape == (128, 64, 3)
    assert found.events.shape == found.probability.shape == (128, 64)
