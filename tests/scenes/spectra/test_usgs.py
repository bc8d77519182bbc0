from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.library import GRID
from onboard.scenes.spectra.usgs import read_usgs
from tests.scenes.spectra import files


def test_splib07_is_read_with_its_wavelengths(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        library = read_usgs(files.splib07(tmp_path / "lib"))
    assert sorted(zip(library.names, library.classes, strict=True)) == [
        ("Alunite GDS82 Na82", "other_mineral"),
        ("Muscovite GDS107", "illite_muscovite"),
    ]
    muscovite = library.spectra[library.members("illite_muscovite")[0]]
    inside = GRID > 370
    np.testing.assert_allclose(
        muscovite[inside], np.interp(GRID[inside], files.NM, files.curve(0.6)), atol=1e-4
    )
    for word in ("Calcite WS272", "Kaolin/Smect H89", "Water_film", "transmittances"):
        assert word in caplog.text


def test_a_chapter_or_a_file_finds_its_wavelengths_above(tmp_path: Path) -> None:
    chapter = files.splib07(tmp_path / "lib") / "ChapterM_Minerals"
    assert len(read_usgs(chapter)) == 2
    assert read_usgs(chapter / "splib07a_Muscovite_GDS107_ASDFRb_AREF.txt").classes == ("illite_muscovite",)


def test_splib06_is_read(tmp_path: Path) -> None:
    library = read_usgs(files.splib06(tmp_path / "lib"))
    assert library.names == ("Clinochlore GDS158 Flagst",)
    assert library.classes == ("chlorite",)
    np.testing.assert_allclose(library.spectra[0], np.interp(GRID, files.NM, files.curve(0.4)), atol=1e-3)


@pytest.mark.parametrize(
    ("cut", "word"),
    [
        (lambda text: text + " 0.5\n", "not as long as its wavelengths"),
        (lambda text: text.replace(" 6.0", " six", 1), "line"),
        (lambda text: text.split("\n")[0] + "\n", "no numbers"),
        (lambda text: text.replace("e-01", "e+09"), "no reflectance"),
        (lambda text: text.replace("e-01", "e+999", 1), "finite"),
    ],
)
def test_malformed_splib07_is_refused(tmp_path: Path, cut: object, word: str) -> None:
    path = files.splib07(tmp_path / "lib") / "ChapterM_Minerals/splib07a_Muscovite_GDS107_ASDFRb_AREF.txt"
    path.write_text(cut(path.read_text()))  # type: ignore[operator]
    with pytest.raises(CaptureError, match=word) as caught:
        read_usgs(path)
    assert path.name in str(caught.value)


def test_missing_wavelengths_and_a_cut_preamble_are_refused(tmp_path: Path) -> None:
    folder = files.splib07(tmp_path / "deep" / "deep" / "deep" / "lib")
    for table in folder.glob("*Wavelengths*"):
        table.unlink()
    with pytest.raises(CaptureError, match="has no wavelengths"):
        read_usgs(folder)
    short = tmp_path / "short.asc"
    short.write_text("USGS Digital Spectral Library splib06a\n")
    with pytest.raises(CaptureError, match="cut short"):
        read_usgs(short)
