"""Spectral libraries of the user's, whatever their format."""

from __future__ import annotations

from pathlib import Path

from onboard.scenes.library import Library
from onboard.scenes.spectra.csv_table import read_csv


def read_library(path: Path) -> Library:
    """Read a spectral library."""
    return read_csv(path)
