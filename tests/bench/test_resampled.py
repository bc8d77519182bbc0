"""Captures of other band tables, flown with methane's lines as they are and as resampling leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.resampled import main, markdown, summarise, tables
from onboard.sensors import load_sensor


def row(name: str, lines: str, auprc: float | None, true: float, retrieved: float) -> dict[str, object]:
    return {
        "table": name, "lines": lines, "auprc": auprc, "pixels": int(true > 0), "true": true,
        "retrieved": retrieved, "events": 2,
    }  # fmt: skip


def test_instruments_differ_in_their_tables_alone() -> None:
    found = tables()
    emit = load_sensor("emit")
    assert next(iter(found)) == "EMIT"
    for name, sensor in found.items():
        assert sensor.centres.min() >= 380.0
        assert sensor.centres.max() <= emit.centres.max() + 2.0, name
        assert len(sensor.noise_a) == len(sensor.centres)


def test_figures_are_pooled_over_captures_with_plumes() -> None:
    rows = [row("A", "bundle", 0.2, 100.0, 30.0), row("A", "bundle", 0.4, 300.0, 210.0)]
    rows += [row("A", "bundle", None, 0.0, 0.0), row("A", "resampled", None, 0.0, 0.0)]
    first, second = summarise(rows)
    assert (first["auprc"], first["retrieved"]) == pytest.approx((0.3, 0.6))
    assert first["events"] == 4
    assert second["auprc"] is None
    assert "| A | 0.300 | - | 0.600 | - | 4 | 0 |" in markdown([first, second])


def test_the_study_tells_what_its_own_lines_are_worth(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--size", "128", "128", "--climates", "arid-bright"]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    found = json.loads((tmp_path / "resampled.json").read_text())["tables"]
    share = {(each["table"], each["lines"]): each["retrieved"] for each in found}
    # The test set's own table is not the nominal one.
    assert share["EMIT", "resampled"] >= share["EMIT", "bundle"]
    assert share["every 10 nm", "resampled"] > share["every 10 nm", "bundle"] + 0.1
    (capture,) = (tmp_path / "captures").iterdir()
    before = capture.stat().st_mtime_ns
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert capture.stat().st_mtime_ns == before


def test_an_unknown_climate_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--climates", "moon"])
    assert result.exit_code == 2
    assert "moon" in result.output
