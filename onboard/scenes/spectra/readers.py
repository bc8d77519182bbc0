"""Spectral libraries of the user's: the format is told by content, never by name alone."""

from __future__ import annotations

from pathlib import Path

from onboard.errors import CaptureError
from onboard.scenes.library import Library
from onboard.scenes.spectra.csv_table import read_csv
from onboard.scenes.spectra.ecostress import is_ecostress, read_ecostress
from onboard.scenes.spectra.envi_library import is_envi, read_envi
from onboard.scenes.spectra.text_files import read_lines, text_files
from onboard.scenes.spectra.usgs import is_splib06, is_splib07, read_usgs

_ENVI_SUFFIXES = (".hdr", ".sli", ".slb", ".esl")
FORMATS = (
    "a CSV table, an ENVI spectral library, a text file of USGS splib06 or splib07 or of ECOSTRESS, "
    "or a folder of such text files"
)


def read_library(path: Path) -> Library:
    """Read a spectral library of any format named in ``FORMATS``.

    Raises:
        CaptureError: the path cannot be read, or is no such library.
    """
    if not path.exists():
        raise CaptureError(
            "a spectral library cannot be read",
            file=path,
            found="nothing there",
            expected=FORMATS,
            remedy="check the path",
        )
    if path.is_dir():
        return _read_folder(path)
    if path.suffix.lower() in _ENVI_SUFFIXES:
        return read_envi(path)
    if path.suffix.lower() in (".txt", ".asc"):
        lines = read_lines(path)
        if is_ecostress(lines):
            return read_ecostress(path)
        if is_splib06(lines) or is_splib07(lines):
            return read_usgs(path)
        if is_envi(lines):
            return read_envi(path)
    return read_csv(path)


def _read_folder(path: Path) -> Library:
    """Read a folder by the first of its text files that is a spectrum."""
    for file in text_files(path):
        lines = read_lines(file)
        if is_ecostress(lines) and not file.name.lower().endswith("ancillary.txt"):
            return read_ecostress(path)
        if is_splib06(lines) or is_splib07(lines):
            return read_usgs(path)
    raise CaptureError(
        "a folder holds no spectra of a known library",
        file=path,
        found="no text file of one",
        expected="text files of USGS splib06, splib07 or ECOSTRESS",
        remedy="give a CSV file or an ENVI header by its own name",
    )
