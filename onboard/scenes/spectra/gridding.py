"""A measured spectrum brought onto the library's grid, and the refusals that every reader shares."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.scenes.library import BRIGHTEST, DARKEST, GRID, Library
from onboard.scenes.response import Float64

FIRST_NM, LAST_NM = 381.0, 2493.0
EDGE_NM = 30.0
LEAST_FILLED = 0.6
# Fewer points than this between two steps back are disorder, not a detector.
_LEAST_DETECTOR = 8
_LOG = logging.getLogger(__name__)


def reaches(wavelengths: Float64) -> bool:
    """Whether wavelengths (n,) in nm span the bands, but for 30 nm at either end."""
    if wavelengths.size == 0:
        return False
    return bool(wavelengths.min() <= FIRST_NM + EDGE_NM and wavelengths.max() >= LAST_NM - EDGE_NM)


def check_values(path: Path, where: str, values: Float64) -> None:
    """Refuse what is no reflectance of 0..1.

    Raises:
        CaptureError: values that are not finite, or not about 0 to 1.
    """
    bad = ~np.isfinite(values)
    if np.any(bad):
        raise CaptureError(
            "a spectral library holds a value that is not finite",
            file=path,
            field=where,
            found=values[bad][0],
            expected="a finite number",
            remedy="leave cells without a value empty",
        )
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if low < -0.1 or high > 2.0:
        raise CaptureError(
            "a spectral library holds what is no reflectance",
            file=path,
            field=where,
            found=f"{low:g} to {high:g}",
            expected="about 0 to 1",
            remedy="scale reflectance to 0..1 and leave cells without a value empty",
        )


def onto_grid(wavelengths: Float64, values: Float64) -> Float64:
    """Bring a spectrum onto GRID.

    Where the table steps back, another detector begins: each one is interpolated by itself, and where two
    overlap they are averaged, each counting less towards its own end. Wavelengths in no order at all are
    sorted. Repeated ones are averaged, gaps bridged, ends held.

    Args:
        wavelengths: (n,) in nm, in any order, at least one.
        values: Reflectance (n,).

    Returns:
        Reflectance (len(GRID),), 0.005..1.
    """
    if wavelengths[-1] < wavelengths[0] and np.all(np.diff(wavelengths) <= 0):
        wavelengths, values = wavelengths[::-1], values[::-1]
    pieces = np.split(np.arange(wavelengths.size), np.flatnonzero(np.diff(wavelengths) < 0) + 1)
    if min(len(piece) for piece in pieces) < _LEAST_DETECTOR:
        pieces = [np.arange(wavelengths.size)]
    low, high = float(wavelengths.min()), float(wavelengths.max())
    total, weight = np.zeros(GRID.size), np.zeros(GRID.size)
    for piece in pieces:
        x, place = np.unique(wavelengths[piece], return_inverse=True)
        merged = np.bincount(place, values[piece]) / np.bincount(place)
        start = -np.inf if x[0] == low else x[0]
        end = np.inf if x[-1] == high else x[-1]
        near = np.clip(np.minimum(GRID - start, end - GRID), 0.0, 50.0)
        total += near * np.interp(GRID, x, merged)
        weight += near
    if np.any(weight == 0):  # a gap between two detectors
        x, place = np.unique(wavelengths, return_inverse=True)
        bridged = np.interp(GRID, x, np.bincount(place, values) / np.bincount(place))
        total, weight = np.where(weight == 0, bridged, total), np.where(weight == 0, 1.0, weight)
    result: Float64 = np.clip(total / weight, DARKEST, BRIGHTEST)
    return result


@dataclass
class Gathering:
    """Spectra as a reader finds them, and what it leaves out, counted by reason."""

    path: Path
    names: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    spectra: list[Float64] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, reason: str, name: str) -> None:
        """Leave a spectrum out."""
        self.left_out.setdefault(reason, []).append(name)

    def add(
        self, name: str, material_class: str | None, wavelengths: Float64, values: Float64, *, file: Path
    ) -> None:
        """Take a spectrum in, or leave it out if it does not reach over the bands or belongs nowhere.

        Args:
            name: The sample's name.
            material_class: Its class; None if no class fits, as for a mixture that holds one of the minerals.
            wavelengths: (n,) in nm.
            values: Reflectance (n,); NaN is a channel without a value.
            file: Where it comes from, for messages.

        Raises:
            CaptureError: the values are no reflectance.
        """
        there = ~np.isnan(values)
        if material_class is None:
            self.skip("mixtures that hold one of the ten minerals", name)
            return
        inside = (wavelengths >= FIRST_NM) & (wavelengths <= LAST_NM)
        if not reaches(wavelengths[there]) or there[inside].sum() < LEAST_FILLED * max(inside.sum(), 1):
            self.skip(f"not over {FIRST_NM:g}-{LAST_NM:g} nm", name)
            return
        check_values(file, name, values[there])
        self.names.append(name)
        self.classes.append(material_class)
        self.spectra.append(onto_grid(wavelengths[there], values[there]))

    def library(self) -> Library:
        """Return the library, and log what was left out.

        Raises:
            CaptureError: nothing is left.
        """
        for reason, names in self.left_out.items():
            some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            _LOG.warning("%s: %d spectra left out (%s): %s", self.path, len(names), reason, some)
        if not self.spectra:
            raise CaptureError(
                "a spectral library holds no spectrum that can be used",
                file=self.path,
                found="; ".join(f"{len(n)} {reason}" for reason, n in self.left_out.items()) or "none",
                expected=f"reflectance over {FIRST_NM:g}-{LAST_NM:g} nm",
            )
        return Library(tuple(self.names), tuple(self.classes), np.stack(self.spectra), str(self.path))
