from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from onboard.cli.info import USUAL_NEEDS, command
from onboard.cli.main import main
from onboard.sensors import load_sensor
from tests.captures.files import cube, write_envi, write_l1b

EMIT = load_sensor("emit")


def emit_like(path: Path, first: int = 0, last: int = 285) -> Path:
    data = cube(9, 5, last - first)
    data[2] = -9990.0
    data[3, 1] = -9999.0
    data[4, 1, 0] = -9999.0
    data[5, 2, 1] = np.nan
    return write_l1b(path, data, wavelengths=EMIT.centres[first:last], fwhm=EMIT.fwhm[first:last])


def report(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_json_says_what_a_capture_holds(tmp_path: Path) -> None:
    found = report(str(emit_like(tmp_path / "EMIT_L1B_RAD_001.nc")))
    assert (found["lines"], found["samples"], found["bands"]) == (9, 5, 285)
    assert found["format"] == "emit-l1b"
    assert found["granule"] == "EMIT_L1B_RAD_001"
    assert found["emit_bands"]["identical"]
    assert found["wavelength_nm"] == pytest.approx([381.0056, 2492.9239])
    assert found["time_coverage"][0] == "2023-04-01T18:20:00+0000"
    assert found["location"]["west"] == pytest.approx(-119.0)
    assert found["pixel_size_m"] == 60.0
    assert found["products"]["methane"] == {"possible": True, "missing_nm": []}
    assert "pixels" not in found


def test_scan_counts_pixels(tmp_path: Path) -> None:
    pixels = report(str(emit_like(tmp_path / "a.nc")), "--scan")["pixels"]
    assert pixels == {
        "total": 45,
        "valid": 37,
        "flagged": {"cloudy": 5, "no data": 1},
        "partly_flagged": 1,
        "non_finite": 1,
    }


def test_a_product_without_its_bands_is_named(tmp_path: Path) -> None:
    path = emit_like(tmp_path / "a.nc", last=200)
    found = report(str(path))
    assert not found["products"]["methane"]["possible"]
    assert found["products"]["methane"]["missing_nm"][0][1] == USUAL_NEEDS["methane"][0][1]
    text = CliRunner().invoke(command, [str(path)]).stdout
    assert "not possible: no bands in" in text


def test_text_of_an_envi_capture_that_tells_little(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(write_envi(tmp_path, cube())), "--scan"])
    assert result.exit_code == 0
    assert "7 lines x 5 samples x 12 bands" in result.stdout
    assert result.stdout.count("not given") == 3
    assert "35 of 35 pixels" in result.stdout


def test_override_for_a_file_that_looks_like_reflectance(tmp_path: Path) -> None:
    header = write_envi(tmp_path, np.full((3, 3, 12), 0.3), extra="")
    assert main(["info", str(header)]) == 3
    assert report(str(header), "--assume-radiance")["bands"] == 12


def test_bad_input_is_one_line_and_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = emit_like(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        del file["radiance"]
    assert main(["info", str(path)]) == 3
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "no variable `radiance`" in caught.err
    assert "Traceback" not in caught.err


def test_a_bundle_that_was_asked_for_must_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = emit_like(tmp_path / "a.nc")
    (tmp_path / "b.onb").write_bytes(b"no bundle")
    assert main(["info", str(path), "--bundle", str(tmp_path / "b.onb")]) == 4
    assert "b.onb" in capsys.readouterr().err
