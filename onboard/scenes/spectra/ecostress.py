"""The ECOSTRESS spectral library, and ASTER's before it: a text file a spectrum.

Meerdink et al. 2019, Remote Sens. Environ. 230, 111196. A header of ``Key: value`` lines (Name, Type, Class,
Sample No., X Units, Y Units, ...), then wavelength and reflectance, in rising or falling order.
``*ancillary.txt`` files hold no spectrum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.scenes.library import Library
from onboard.scenes.spectra.gridding import Gathering
from onboard.scenes.spectra.names import class_of
from onboard.scenes.spectra.text_files import columns, read_lines, text_files

_MOST_HEADER_LINES = 60


def is_ecostress(lines: list[str]) -> bool:
    """Whether a file's lines are a spectrum of ECOSTRESS."""
    return bool(lines) and lines[0].strip().lower().startswith("name:")


def read_ecostress(path: Path) -> Library:
    """Read one ECOSTRESS spectrum, or a folder of them.

    Spectra of transmittance, those that do not reach over the bands (as thermal ones) and mixtures that hold
    one of the ten minerals are left out, counted and named in a warning.

    Args:
        path: The file or folder.

    Raises:
        CaptureError: a malformed file, or nothing left.
    """
    gathering = Gathering(path)
    for file in text_files(path):
        if file.name.lower().endswith("ancillary.txt"):
            continue
        lines = read_lines(file)
        if is_ecostress(lines):
            _take(gathering, file, lines)
    return gathering.library()


def _take(gathering: Gathering, file: Path, lines: list[str]) -> None:
    header, first = _header(file, lines)
    sample = header.get("sample no.", "")
    # One word for the material: what follows it tells samples apart.
    name = f"{'_'.join(header['name'].split())} {sample}".strip()
    x_units, y_units = header.get("x units", "").lower(), header.get("y units", "").lower()
    if "transmit" in y_units:
        gathering.skip("transmittances", name)
        return
    numbers = columns(file, lines, first, 2)
    wavelengths, values = numbers[:, 0] * _nm(file, x_units), numbers[:, 1]
    percent = "percent" in y_units or "%" in y_units
    if not percent and "reflectance" not in y_units:
        raise CaptureError(
            "a spectrum says not what it is measured in",
            file=file,
            field="Y Units",
            found=header.get("y units", "nothing"),
            expected="Reflectance (percentage) or Reflectance (fraction)",
        )
    values = np.where(values < -1.0, np.nan, values / (100.0 if percent else 1.0))
    kind = header.get("type", "")
    beside = f"{kind} {''.join(kind.split())} {header.get('class', '')}"
    if "nonphotosynthetic" in beside.lower().replace("-", ""):
        beside = "nonphotosyntheticvegetation"
    gathering.add(name, class_of(header["name"], beside), wavelengths, values, file=file)


def _header(file: Path, lines: list[str]) -> tuple[dict[str, str], int]:
    """Return the fields by name in lower case, and the number of the first line of numbers."""
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[:_MOST_HEADER_LINES]):
        if _is_numbers(line):
            if not fields.get("name"):
                break
            return fields, number
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), value.strip())
    raise CaptureError(
        "a spectrum of ECOSTRESS has no name or no numbers",
        file=file,
        field="header",
        found=lines[0][:60],
        expected=f"Name:, then two columns within {_MOST_HEADER_LINES} lines",
    )


def _is_numbers(line: str) -> bool:
    parts = line.split()
    try:
        return len(parts) == 2 and all(np.isfinite(float(part)) for part in parts)
    except ValueError:
        return False


def _nm(file: Path, units: str) -> float:
    words = units.replace("(", " ").replace(")", " ").split()
    if "micro" in units or "um" in words:
        return 1000.0
    if "nano" in units or "nm" in words:
        return 1.0
    raise CaptureError(
        "a spectrum says not what its wavelengths are measured in",
        file=file,
        field="X Units",
        found=units or "nothing",
        expected="Wavelength (micrometers)",
    )
