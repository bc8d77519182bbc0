from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest

from onboard.cli.main import main

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
