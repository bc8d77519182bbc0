"""From paths to table and picture, on results that the benchmark wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.networks import gather, main
from onboard.errors import CaptureError, UsageError
from tests.bench.test_network_sources import run_folder
from tests.support.simemit import NOISE, score

SCORES = {"plume_f1": 0.6, "plume_auprc": 0.7, "mineral_macro_f1": 0.5, "false_events_a_capture": 2.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one network, trained and scored."""
    home = tmp_path_factory.mktemp("networks")
    for seed in (1, 2):
        run = run_folder(home / f"run{seed}", seed=seed)
        metrics = dict.fromkeys(("validation", "test"), SCORES)
        (run / "metrics.json").write_text(json.dumps(metrics))
        score(home / f"out{seed}", run / "model.pt", (NOISE, "column-filter"))
    return home


def test_one_table_of_everything(folder: Path, tmp_path: Path) -> None:
    paths = [str(folder / name) for name in ("run1", "run2", "out1", "out2")]
    done = CliRunner().invoke(main, [*paths, "--out", str(tmp_path / "t")])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "t").iterdir()} == {
        "networks.json",
        "networks.md",
        "networks.png",
    }
    found = json.loads((tmp_path / "t/networks.json").read_text())
    first, second = found["simemit"]["test"]
    assert (first["network"], first["seeds"], second["network"]) == ("linescan", ["1", "2"], "column-filter")
    assert first["figures"]["mineral_macro_f1"]["deviation"] > 0
    assert found["patches"]["test"][0]["figures"]["plume_f1"]["mean"] == SCORES["plume_f1"]
    text = (tmp_path / "t/networks.md").read_text()
    assert text.strip() == done.output.strip()
    assert "test set, 8 captures, NOT held to the frozen fingerprints" in text
    assert " ± " in text


def test_run_folders_alone_make_a_table_of_patches(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(folder / "run1"), "--out", str(tmp_path / "t")])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("# Networks\n")
    assert "## Pool patches, test set: not SimEMIT-1" in done.output


def test_a_results_file_is_as_good_as_its_folder(folder: Path) -> None:
    one, _ = gather([folder / "out1/test/results.json"])
    assert [each.part for each in one] == ["test"]
    with pytest.raises(UsageError, match="given twice"):
        gather([folder / "out1", folder / "out1/test"])


def test_what_is_nothing_of_both_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no results"):
        gather([tmp_path])
    done = CliRunner().invoke(main, [str(tmp_path), "--out", str(tmp_path / "t")])
    assert done.exit_code == 3
    assert "Traceback" not in done.output
    bare = run_folder(tmp_path / "bare")
    done = CliRunner().invoke(main, [str(bare), "--out", str(tmp_path / "t")])
    assert done.exit_code == 2
    assert "nothing was scored" in done.output


def test_a_table_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("a file")
    done = CliRunner().invoke(main, [str(folder / "run1"), "--out", str(tmp_path / "t")])
    assert done.exit_code == 3
    assert "Traceback" not in done.output
