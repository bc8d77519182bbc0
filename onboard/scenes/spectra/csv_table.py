"""Spectral libraries as CSV: ``class,sample,<wavelength in nm>,...``, one spectrum of reflectance a row."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.scenes.library import Library
from onboard.scenes.response import Float64
from onboard.scenes.spectra.gridding import (
    FIRST_NM,
    LAST_NM,
    LEAST_FILLED,
    check_values,
    onto_grid,
    reaches,
)


def read_csv(path: Path) -> Library:
    """Read a CSV library.

    Args:
        path: Header ``class,sample,<wavelength in nm>,...``; wavelengths in any order, repeated ones are
            averaged, overlapping detectors blended, empty cells are gaps to interpolate over. Classes named
            as the ten minerals count as those; every other is background.

    Raises:
        CaptureError: the file cannot be read, or is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CaptureError(
            "a spectral library cannot be read",
            file=path,
            found=str(error),
            expected="a CSV text file",
            remedy="check the path",
        ) from error
    if len(rows) < 2 or len(rows[0]) < 10 or [c.strip().lower() for c in rows[0][:2]] != ["class", "sample"]:
        raise CaptureError(
            "a spectral library is no table of spectra",
            file=path,
            field="header",
            found=",".join(rows[0][:4]) if rows else "nothing",
            expected="class,sample and at least 8 wavelengths in nm, then at least one spectrum",
        )
    wavelengths = _numbers(path, "header", rows[0][2:])
    _check_reach(path, wavelengths)
    spectra = np.stack([_spectrum(path, i, row, wavelengths) for i, row in enumerate(rows[1:], 2)])
    return Library(tuple(r[1] for r in rows[1:]), tuple(r[0].strip() for r in rows[1:]), spectra, str(path))


def _numbers(path: Path, where: str, texts: list[str]) -> Float64:
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError as error:
        raise CaptureError(
            "a spectral library holds what is no number", file=path, field=where, found=str(error)
        ) from error
    if not np.all(np.isfinite(numbers)):
        check_values(path, where, numbers)
    return numbers


def _spectrum(path: Path, line: int, row: list[str], wavelengths: Float64) -> Float64:
    """Bring one row onto GRID (n,)."""
    where = f"line {line}"
    if len(row) != wavelengths.size + 2:
        raise CaptureError(
            "a spectrum is not as long as the header",
            file=path,
            field=where,
            found=f"{len(row)} columns",
            expected=f"{wavelengths.size + 2} columns",
        )
    there = np.array([bool(text.strip()) for text in row[2:]])
    if there.mean() < LEAST_FILLED:
        raise CaptureError(
            "a spectrum has too many gaps",
            file=path,
            field=where,
            found=f"{there.sum()} values",
            expected=f"at least {int(np.ceil(LEAST_FILLED * wavelengths.size))}",
            remedy="leave that spectrum out",
        )
    values = _numbers(path, where, [text for text in row[2:] if text.strip()])
    check_values(path, where, values)
    return onto_grid(wavelengths[there], values)


def _check_reach(path: Path, wavelengths: Float64) -> None:
    if not reaches(wavelengths):
        low, high = float(wavelengths.min()), float(wavelengths.max())
        raise CaptureError(
            "a spectral library does not reach over the bands",
            file=path,
            field="header",
            found=f"{low:g} to {high:g} nm",
            expected=f"{FIRST_NM:g} to {LAST_NM:g} nm",
            remedy="give wavelengths in nm, not micrometres" if high < 100.0 else None,
        )
