"""The USGS spectral libraries as ASCII files.

splib06 (Clark et al. 2007, Digital Data Series 231): a preamble up to a line of dashes, a title, a line of
history, then wavelength in um, reflectance and its deviation. splib07 (Kokaly et al. 2017, Data Series 1035):
a title `` splib07a Record=...``, then reflectance alone, one value a line; wavelengths in um are in files of
their own, ``splib07a_Wavelengths_<spectrometer>...txt``, in the same folder or one above. -1.23e34 is a
channel that was deleted.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.scenes.library import Library
from onboard.scenes.response import Float64
from onboard.scenes.spectra.gridding import Gathering
from onboard.scenes.spectra.names import class_of
from onboard.scenes.spectra.text_files import columns, read_lines, text_files

NM_PER_UM = 1000.0
_DELETED = -1e30
_LONGEST_TITLE = 200
_TITLE = re.compile(r"\s*(\S+)\s+Record=\s*(\d+):\s*(.*)")
# Spectrometer, purity and kind of measurement, which follow the sample's name in a title.
_CODES = re.compile(r"\s+(\S*(?:ASD|BECK|NIC4|AVIRIS|CRISM|HYPER|W1R1)\S*)(?:\s+(\S+))?\s*$", re.IGNORECASE)
_SPECTROMETERS = ("ASD", "BECK", "NIC4", "AVIRIS")
# Chapters of splib06 are folders of one letter.
_LETTERS = {"a": "artificial", "p": "vegetation", "v": "vegetation", "l": "liquids"}


def is_splib06(lines: list[str]) -> bool:
    """Whether a file's lines are a spectrum of splib06 or its forerunners."""
    return bool(lines) and "Digital Spectral Library" in lines[0]


def is_splib07(lines: list[str]) -> bool:
    """Whether a file's lines are a spectrum or a table of wavelengths of splib07."""
    return bool(lines) and _TITLE.match(lines[0]) is not None


def read_usgs(path: Path) -> Library:
    """Read one ASCII file of splib06 or splib07, or a folder of them.

    Files of errors and bandpasses are no spectra; transmittances, spectra that do not reach over the bands
    and mixtures that hold one of the ten minerals are left out, counted and named in a warning.

    Args:
        path: The file or folder; wavelengths of splib07 may lie up to two folders above.

    Raises:
        CaptureError: a malformed file, wavelengths that are missing or of another length, or nothing left.
    """
    gathering = Gathering(path)
    files = text_files(path)
    tables = _wavelength_tables(path, files)
    for file in files:
        lines = read_lines(file)
        if is_splib06(lines):
            _take_splib06(gathering, file, lines)
        elif is_splib07(lines) and not _is_aside(file):
            _take_splib07(gathering, file, lines, tables)
    return gathering.library()


def _is_aside(file: Path) -> bool:
    name = file.name.lower()
    return any(word in name for word in ("wavelength", "bandpass", "errorbar", "wavenumber"))


def _tidy(title: str) -> tuple[str, str]:
    """Return a sample's name and its kind of measurement (AREF, RREF, RTGC or TRAN...)."""
    title = title[:_LONGEST_TITLE]
    found = _CODES.search(title)
    name = title[: found.start()] if found else title
    return " ".join(name.split()), (found.group(2) or "") if found else ""


def _add(gathering: Gathering, file: Path, title: str, wavelengths: Float64, values: Float64) -> None:
    name, kind = _tidy(title)
    if kind.upper().startswith("TRAN"):
        gathering.skip("transmittances", name)
        return
    beside = " ".join([file.parent.name, _LETTERS.get(file.parent.name.lower(), "")])
    values = np.where(values < _DELETED, np.nan, values)
    gathering.add(name, class_of(name, beside), wavelengths, values, file=file)


def _take_splib06(gathering: Gathering, file: Path, lines: list[str]) -> None:
    dashes = [i for i, line in enumerate(lines[:40]) if line.startswith("-----")]
    if not dashes or len(lines) < dashes[0] + 4:
        raise CaptureError(
            "a spectrum of splib06 is cut short",
            file=file,
            field="preamble",
            found=f"{len(lines)} lines",
            expected="a line of dashes, a title, a line of history, then three columns",
        )
    numbers = columns(file, lines, dashes[0] + 3, 2)
    _add(gathering, file, lines[dashes[0] + 1].strip(), numbers[:, 0] * NM_PER_UM, numbers[:, 1])


def _take_splib07(
    gathering: Gathering, file: Path, lines: list[str], tables: dict[str, tuple[Path, Float64]]
) -> None:
    found = _TITLE.match(lines[0])
    title = found.group(3) if found else ""
    values = columns(file, lines, 1, 1)[:, 0]
    mark = next((s for s in _SPECTROMETERS if s in file.stem.upper().replace("WAVELENGTHS", "")), "")
    table = tables.get(mark) or (next(iter(tables.values())) if len(tables) == 1 else None)
    if table is None:
        raise CaptureError(
            "a spectrum of splib07 has no wavelengths",
            file=file,
            field="wavelengths",
            found=", ".join(str(t[0].name) for t in tables.values()) or "no file of wavelengths",
            expected=f"splib07a_Wavelengths_{mark or '<spectrometer>'}...txt in its folder or one above",
            remedy="give the folder that holds the files of wavelengths",
        )
    if table[1].size != values.size:
        raise CaptureError(
            "a spectrum of splib07 is not as long as its wavelengths",
            file=file,
            field="values",
            found=values.size,
            expected=f"{table[1].size}, as in {table[0].name}",
        )
    _add(gathering, file, title, table[1], values)


def _wavelength_tables(path: Path, files: list[Path]) -> dict[str, tuple[Path, Float64]]:
    """Tables of wavelengths in nm by spectrometer: those found among the files, then in folders above."""
    nearby = [item for item in files if "wavelengths" in item.name.lower()]
    home = path if path.is_dir() else path.parent
    for folder in (home, home.parent, home.parent.parent):
        if not nearby:
            nearby = sorted(folder.glob("*[Ww]avelengths*.txt"))
    tables: dict[str, tuple[Path, Float64]] = {}
    for item in nearby:
        mark = next((s for s in _SPECTROMETERS if s in item.stem.upper()), item.stem)
        microns = columns(item, read_lines(item), 1, 1)[:, 0]
        tables.setdefault(mark, (item, microns * NM_PER_UM))
    return tables
