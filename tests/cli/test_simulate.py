from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from onboard.cli.main import main

EMIT = Path(__file__).parents[3] / "shared" / "data" / "emit"
SMALL = ["--lines", "20", "--samples", "24", "--plumes", "2", "--seed", "7"]


def test_it_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.nc"
    assert main(["simulate", str(out), *SMALL, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["capture"]) == out
    assert Path(said["truth"]) == tmp_path / "a.truth.nc"
    assert (said["lines"], said["samples"], said["plumes"]) == (20, 24, 2)
    with h5py.File(out) as file:
        assert file["radiance"].shape == (20, 24, 285)


def test_a_folder_is_enough_and_words_name_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", str(tmp_path), *SMALL, "--climate", "urban", "--flagged-lines", "2"]) == 0
    output = capsys.readouterr()
    assert "EMIT_L1B_RAD_001_20230401T182124_2309101_008.nc" in output.out
    assert "urban" in output.out
    assert "2 lines lost" in output.out
    assert len(list(tmp_path.glob("EMIT_L1B_RAD_*.nc"))) == 2


def test_what_exists_needs_overwrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "a.nc")
    assert main(["simulate", out, *SMALL]) == 0
    assert main(["simulate", out, *SMALL]) == 3
    assert "--overwrite" in capsys.readouterr().err
    assert main(["simulate", out, *SMALL, "--overwrite"]) == 0


@pytest.mark.parametrize(
    "wrong", [["--lines", "0"], ["--climate", "moon"], ["--plumes", "-1"], ["--clouds", "2"], ["--seed", "x"]]
)
def test_wrong_use_is_code_2(tmp_path: Path, wrong: list[str]) -> None:
    assert main(["simulate", str(tmp_path / "a.nc"), *SMALL, *wrong]) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_output_below_a_file_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").write_text("x")
    assert main(["simulate", str(tmp_path / "b" / "a.nc"), *SMALL]) == 3
    assert "cannot be written" in capsys.readouterr().err


def test_the_truth_says_by_which_rule_it_labels(tmp_path: Path) -> None:
    strong = ["--emission", "15000", "20000"]
    out = tmp_path / "a.nc"
    assert main(["simulate", str(out), *SMALL, *strong, "--label-threshold", "2500"]) == 0
    with h5py.File(tmp_path / "a.truth.nc") as truth:
        assert truth.attrs["label_threshold_ppm_m"] == 2500
        assert truth["sources/emission_kg_h"][()].min() >= 15_000
        labelled = truth["ch4_enhancement"][()][truth["plume_id"][()] > 0]
        assert labelled.size > 0
        assert labelled.min() >= 2500


def test_a_library_of_ones_own_makes_the_ground(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from onboard.scenes.library import GRID, load_library

    built_in = load_library()
    chosen = np.flatnonzero(np.asarray(built_in.classes) == "soil")[:6]
    nm = GRID[::8]
    rows = ["class,sample," + ",".join(f"{w:.1f}" for w in nm)]
    for k in chosen:
        rows.append(
            f"soil,mine {k}," + ",".join(f"{v:.4f}" for v in np.interp(nm, GRID, built_in.spectra[k]))
        )
    library = tmp_path / "mine.csv"
    library.write_text("\n".join(rows))
    assert main(["simulate", str(tmp_path / "a.nc"), *SMALL, "--library", str(library)]) == 0
    assert main(["simulate", str(tmp_path / "b.nc"), *SMALL]) == 0
    with h5py.File(tmp_path / "a.nc") as mine, h5py.File(tmp_path / "b.nc") as usual:
        assert not np.allclose(mine["radiance"][()], usual["radiance"][()], rtol=0.01)
    library.write_text("no,library\n1,2\n")
    assert main(["simulate", str(tmp_path / "c.nc"), *SMALL, "--library", str(library)]) == 3
    assert "mine.csv" in capsys.readouterr().err
    assert not (tmp_path / "c.nc").exists()


def test_a_folder_without_calibration_files_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["simulate", str(tmp_path / "a.nc"), *SMALL, "--emit", str(tmp_path / "empty")]) == 3
    assert "EMIT_" in capsys.readouterr().err
    assert not (tmp_path / "a.nc").exists()


@pytest.mark.shared
def test_measured_calibration_files_make_the_detector(tmp_path: Path) -> None:
    if not EMIT.is_dir():
        pytest.skip("EMIT's calibration files are not here")
    assert main(["simulate", str(tmp_path / "a.nc"), *SMALL, "--emit", str(EMIT)]) == 0
    assert main(["simulate", str(tmp_path / "b.nc"), *SMALL]) == 0
    with h5py.File(tmp_path / "a.nc") as mine, h5py.File(tmp_path / "b.nc") as usual:
        assert not np.array_equal(mine["radiance"][()], usual["radiance"][()])


@pytest.mark.slow
def test_a_validation_page_is_written_whole_and_needs_a_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page"
    small = ["--lines", "192", "--samples", "32"]
    assert main(["simulate", str(out), "--validate", *small, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["page"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sum(said["counts"].values()) > 40
    assert main(["simulate", str(out), "--validate", *small]) == 3
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--plumes", "3"], ["--climate", "urban"], ["--shift-nm", "1"]])
def test_options_that_say_nothing_to_a_validation_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    assert main(["simulate", str(tmp_path / "page"), "--validate", *wrong]) == 2
    assert main(["simulate", str(tmp_path / "a.nc"), *SMALL, "--outlines", "x.json"]) == 2
    assert list(tmp_path.iterdir()) == []
