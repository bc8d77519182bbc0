from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.calibration import added, main, mended, read_results, spread, summarise
from onboard.errors import CaptureError
from onboard.minerals import MINERALS
from onboard.replay.calibration import calibration
from onboard.replay.curves import ScoreCurve
from onboard.replay.tally import MineralTally, Tally


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.calibration.DRAWS", 20)


def over_confident(seed: int, pixels: int = 20_000) -> ScoreCurve:
    """Scores whose logits are two too high."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.0, 2.0, pixels)
    curve = ScoreCurve("probability")
    curve.add(rng.random(pixels) < 1 / (1 + np.exp(-(logits - 2.0))), 1 / (1 + np.exp(-logits)))
    return curve


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for part in ("validation", "test"):
        (tmp_path / part).mkdir()
        for index, climate in enumerate(("farmland", "farmland", "arid-bright")):
            seed = index + 10 * (part == "test")
            minerals = {name: MineralTally(over_confident(seed + 50)) for name in MINERALS[:2]}
            row = {
                "capture": f"{part}-{index}",
                "climate": climate,
                "plumes": 3 * (index % 2),
                "methods": {"flight": {"tally": Tally(over_confident(seed), minerals=minerals).to_json()}},
            }
            (tmp_path / part / f"{part}-{index}.json").write_text(json.dumps(row))
        (tmp_path / part / "results.json").write_text(json.dumps({"methods": {"flight": {}}}))
    return tmp_path


def test_groups_and_their_lines(results: Path) -> None:
    found = summarise(read_results(results / "test", "flight"))
    assert {"plume, all captures", "plume, farmland", "plume, with plumes", "all minerals"} <= set(found)
    assert found["plume, all captures"]["pixels"] == 60_000
    assert found["plume, all captures"]["ece"] > 0.1
    assert found["plume, all captures"]["platt"] == pytest.approx([1.0, -2.0], abs=0.1)
    low, high = found["plume, all captures"]["interval_doubt"]
    assert low <= found["plume, all captures"]["ece_doubt"] <= high


def test_a_line_folded_into_counts_mends_them() -> None:
    raw = over_confident(1)
    same = mended(raw, (1.0, 0.0))
    np.testing.assert_array_equal(same.counts, raw.counts)
    better = mended(raw, (1.0, -2.0))
    assert better.counts.sum() == raw.counts.sum()
    assert calibration(better)["ece"] < 0.02 < calibration(raw)["ece"]


def test_counts_add_up_and_their_spread_is_of_captures() -> None:
    both = added([over_confident(1), over_confident(2)])
    assert both.counts.sum() == 40_000
    one = spread([over_confident(1)])
    assert one is not None
    assert one[0] == pytest.approx(one[1])
    assert spread([ScoreCurve("probability")]) is None


def test_the_command_prints_and_draws(results: Path) -> None:
    runner = CliRunner()
    raw = runner.invoke(main, [str(results)])
    assert raw.exit_code == 0, raw.output
    assert "| plume, all captures |" in raw.output
    assert (results / "reliability.png").stat().st_size > 10_000
    before = json.loads((results / "calibration.json").read_text())["groups"]["plume, all captures"]
    mended_ = runner.invoke(main, [str(results), "--line-from", "validation", "--no-fit"])
    assert mended_.exit_code == 0, mended_.output
    after = json.loads((results / "calibration.json").read_text())["groups"]["plume, all captures"]
    assert after["ece"] < 0.2 * before["ece"]


def test_a_folder_without_counts_is_refused(results: Path) -> None:
    with pytest.raises(CaptureError, match="no counts"):
        read_results(results / "test", "mag1c")
    assert CliRunner().invoke(main, [str(results), "--method", "mag1c"]).exit_code == 3
