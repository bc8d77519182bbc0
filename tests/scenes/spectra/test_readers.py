from __future__ import annotations

from pathlib import Path

import pytest

from onboard.errors import CaptureError
from onboard.scenes.library import load_library
from onboard.scenes.spectra.readers import read_library
from onboard.scenes.spectra.split import split_library
from tests.scenes.spectra import files

SHARED = Path(__file__).parents[3].parent / "shared/data/minerals/usgs_splib06_train.csv"


def test_the_format_is_told_by_content(tmp_path: Path) -> None:
    assert "illite_muscovite" in load_library(files.splib07(tmp_path / "seven")).classes
    assert load_library(files.splib06(tmp_path / "six")).classes == ("chlorite",)
    assert "calcite" in load_library(files.ecostress(tmp_path / "eco")).classes
    assert "gypsum" in load_library(files.envi(tmp_path / "envi")).classes
    assert read_library(tmp_path / "six/M/clinochlore_gds158.asc").classes == ("chlorite",)
    assert read_library(tmp_path / "eco/vegetation.tree.vswir.spectrum.txt").classes == ("vegetation",)
    header = "class,sample," + ",".join(f"{nm:g}" for nm in files.NM)
    row = "soil,mine," + ",".join(f"{v:.4f}" for v in files.curve(0.4))
    (tmp_path / "table.txt").write_text(f"{header}\n{row}\n")
    assert read_library(tmp_path / "table.txt").names == ("mine",)


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="nothing there"):
        read_library(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(CaptureError, match="no spectra of a known library"):
        read_library(tmp_path)
    with pytest.raises(CaptureError, match="no table of spectra"):
        read_library(tmp_path / "notes.txt")


@pytest.mark.shared
def test_a_real_library_is_read_and_divided() -> None:
    if not SHARED.is_file():
        pytest.skip(f"no {SHARED}")
    library = load_library(SHARED)
    train, test = split_library(library, "train"), split_library(library, "test")
    assert len(library) > 300
    assert not set(train.names) & set(test.names)
    assert set(train.classes) == set(test.classes) >= set(library.classes)
