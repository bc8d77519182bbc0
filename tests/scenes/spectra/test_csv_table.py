from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.library import GRID
from onboard.scenes.spectra.csv_table import read_csv

HEADER = "class,sample,360,700,690,1000,1300,1600,1900,2200,2500\n"


def test_rows_become_spectra_on_the_grid(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "calcite,one,0.1,0.4,0.4,0.7,,0.7,0.7,0.7,0.7\n soil ,two" + ",0.2" * 9 + "\n")
    library = read_csv(path)
    assert library.classes == ("calcite", "soil")
    assert library.source == str(path)
    np.testing.assert_allclose(library.spectra[1], 0.2)
    np.testing.assert_allclose(library.spectra[0][GRID > 1000], 0.7)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (HEADER.replace("360", "nan") + "a,b" + ",.1" * 9 + "\n", "not finite"),
        (HEADER.replace("360", "x") + "a,b" + ",.1" * 9 + "\n", "no number"),
        (HEADER + "a,b" + ",0.1" * 10 + "\n", "not as long"),
        (HEADER + "a,b" + "," * 9 + "\n", "gaps"),
        (HEADER + "a,b" + ",-3" * 9 + "\n", "no reflectance"),
    ],
)
def test_malformed_tables_are_refused(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(CaptureError, match=word):
        read_csv(path)
