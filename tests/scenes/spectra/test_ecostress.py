from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.library import GRID
from onboard.scenes.spectra.ecostress import read_ecostress
from onboard.scenes.spectra.split import sample_of
from tests.scenes.spectra import files

CALCITE = "mineral.calcite.vswir.spectrum.txt"


def test_a_folder_is_one_library(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        library = read_ecostress(files.ecostress(tmp_path))
    assert dict(zip(library.names, library.classes, strict=True)) == {
        "Calcite_CaCO_3 C-3A": "calcite",
        "Quercus_lobata VH282": "vegetation",
        "Quercus_lobata VH283": "dry_vegetation",
    }
    # The formula in the name is no sample number.
    assert sample_of("Calcite_CaCO_3 C-3A") == "C-3A"
    calcite = library.spectra[library.members("calcite")[0]]
    np.testing.assert_allclose(calcite, np.interp(GRID, files.NM, files.curve(0.8)), atol=1e-4)
    assert "1 spectra left out (not over 381-2493 nm): Goethite 1" in caplog.text


def test_fractions_and_transmittance_are_told_apart(tmp_path: Path) -> None:
    path = files.ecostress(tmp_path) / CALCITE
    text = path.read_text()
    path.write_text(text.replace("Reflectance (percentage)", "Transmittance (percent)"))
    with pytest.raises(CaptureError, match="1 transmittances"):
        read_ecostress(path)
    path.write_text(text.replace("Reflectance (percentage)", "Reflectance (fraction)"))
    with pytest.raises(CaptureError, match="scale reflectance"):
        read_ecostress(path)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("Name: Calcite CaCO_3", "Name:", "no name"),
        ("Wavelength (micrometers)", "Wavenumber", "X Units"),
        ("Reflectance (percentage)", "Emissivity", "Y Units"),
        ("\t", " oops\t", "no name or no numbers"),
        (" 1.0000\t", " one\t", "line"),
        (" 1.0000\t", " nan\t", "finite"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    path = files.ecostress(tmp_path) / CALCITE
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CaptureError, match=word) as caught:
        read_ecostress(path)
    assert CALCITE in str(caught.value)
