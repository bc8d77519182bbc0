from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.library import GRID
from onboard.scenes.spectra.envi_library import read_envi
from tests.scenes.spectra import files


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("scale", [1.0, 10000.0])
def test_every_kind_of_float_and_scale_is_read(tmp_path: Path, dtype: str, scale: float) -> None:
    header = files.envi(tmp_path, dtype, scale)
    library = read_envi(header)
    assert library.names == ("Gypsum HS333.3B", "Lawn_Grass GDS91")
    assert library.classes == ("gypsum", "vegetation")
    np.testing.assert_allclose(library.spectra[0], np.interp(GRID, files.NM, files.curve(0.6)), atol=1e-4)
    np.testing.assert_array_equal(read_envi(tmp_path / "lib.sli").spectra, library.spectra)


def test_deleted_and_ignored_channels_are_gaps(tmp_path: Path) -> None:
    header = files.envi(tmp_path, extra="data ignore value = -9999\n")
    raw = np.fromfile(tmp_path / "lib.sli", "<f4").reshape(2, -1)
    raw[0, 100:110], raw[0, 200:210] = -9999, -1.23e34
    raw.tofile(tmp_path / "lib.sli")
    assert read_envi(header).spectra[0].min() > 0.3


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("lines   = 2", "lines   = 3", "length"),
        ("lines   = 2", "lines   = 999999999", "samples x lines"),
        ("lines   = 2", "lines   = -2", "lines"),
        ("lines   = 2\n", "", "lines"),
        ("bands   = 1", "bands   = 2", "bands"),
        ("data type = 4", "data type = 2", "data type"),
        ("byte order = 0", "byte order = 7", "byte order"),
        ("ENVI Spectral Library", "ENVI Standard", "file type"),
        (" Gypsum HS333.3B,", "", "spectra names"),
        ("0.35000,", "", "wavelength"),
        ("0.35000,", "abc,", "wavelength"),
        ("wavelength units = Micrometers", "wavelength units = Wavenumber", "wavelength units"),
        ("reflectance scale factor = 1", "reflectance scale factor = 0", "scale factor"),
        ("wavelength = {", "wavelength {", "wavelength"),
    ],
)
def test_malformed_headers_are_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    header = files.envi(tmp_path)
    assert old in header.read_text()
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(CaptureError, match=word):
        read_envi(header)


def test_halves_without_the_other_are_refused(tmp_path: Path) -> None:
    header = files.envi(tmp_path)
    (tmp_path / "lib.sli").rename(tmp_path / "lost.sli")
    with pytest.raises(CaptureError, match="data file"):
        read_envi(header)
    with pytest.raises(CaptureError, match="header"):
        read_envi(tmp_path / "lost.sli")


def test_blanks_without_end_are_refused_at_once(tmp_path: Path) -> None:
    header = files.envi(tmp_path)
    header.write_text("ENVI\n" + " " * 2_000_000 + "\n" * 10_000)
    with pytest.raises(CaptureError, match="file type"):
        read_envi(header)
