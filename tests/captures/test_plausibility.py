from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from onboard.captures import open_capture
from onboard.errors import CaptureError
from tests.captures.files import BANDS, centres, cube, write_envi


def refusal(path: Path) -> str:
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "extra",
    [
        "data units = Reflectance\n",
        "data units = unitless\n",
        "reflectance scale factor = 10000\n",
        "sensor type = x\ndescription2 = y\n",
    ],
)
def test_words_that_say_reflectance(tmp_path: Path, extra: str) -> None:
    data = cube()
    if "sensor" in extra:
        data = np.full_like(data, 0.3)
    header = write_envi(tmp_path, data, extra=extra)
    text = refusal(header)
    assert "reflectance, not radiance" in text
    assert "--assume-radiance" in text
    with open_capture(header, assume_radiance=True) as capture:
        np.testing.assert_array_equal(capture.read_lines(0, 7), data)


def test_description_and_name_speak_only_without_units(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube(), extra="")
    header.write_text(header.read_text().replace("a test scene", "surface reflectance of a scene"))
    assert "description" in refusal(header)
    header.write_text(header.read_text() + "data units = uW/cm^2/SR/nm\n")
    with open_capture(header) as capture:
        assert capture.lines == 7


@pytest.mark.parametrize(
    ("name", "word"), [("x_rfl_v2", "reflectance"), ("x_rdn_v2", ""), ("x_surfling", "")]
)
def test_file_names_are_read_in_whole_words(tmp_path: Path, name: str, word: str) -> None:
    write_envi(tmp_path, cube(), extra="").rename(tmp_path / f"{name}.hdr")
    (tmp_path / "scene").rename(tmp_path / name)
    if word:
        assert word in refusal(tmp_path / f"{name}.hdr")
    else:
        with open_capture(tmp_path / name) as capture:
            assert capture.granule == name


def test_unlabelled_radiance_is_taken_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = cube()
    data[0] = -9999.0
    with caplog.at_level(logging.WARNING), open_capture(write_envi(tmp_path, data, extra="")) as capture:
        assert capture.lines == 7
    assert "no data units" in caplog.text


def test_numbers_that_need_a_gain_are_refused(tmp_path: Path) -> None:
    header = write_envi(tmp_path, cube() * 500, code=2, dtype="<i2", extra="")
    assert "too large for radiance" in refusal(header)
    gains = ", ".join(["0.002"] * BANDS)
    header.write_text(header.read_text() + f"data gain values = {{{gains}}}\n")
    with open_capture(header) as capture:
        np.testing.assert_allclose(capture.read_lines(0, 7), cube(), atol=0.003)


def test_a_capture_without_both_windows_is_not_judged_by_their_ratio(tmp_path: Path) -> None:
    data = np.full((3, 4, BANDS), 0.5, np.float32)
    table = centres() / 3 + 900
    with open_capture(write_envi(tmp_path, data, extra="", wavelengths=table)) as capture:
        assert capture.bands == BANDS
