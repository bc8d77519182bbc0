"""What every labelled data set offers: rows of published parts, and tiles read when they are wanted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.captures.flags import FLAG_CEILING
from onboard.errors import CaptureError
from onboard.minerals import MINERALS

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PARTS = ("train", "validation", "test")
MOVED_NM = 2.0
"""How far a tile's band table may lie from its set's: calibrations move; a stem does not notice."""
BRIGHTEST = 5.0
"""Radiance over the reference (reflectance 0.3, sun at 40 degrees) that no ground reaches: white under a
sun overhead has 4.4."""


@dataclass(frozen=True)
class Window:
    """Part of a raster, in its own pixels: first line and sample, number of lines and samples."""

    line: int
    sample: int
    lines: int
    samples: int

    def within(self, line: int, sample: int, lines: int, samples: int) -> Window:
        """Return a part of this window, given in pixels of the window."""
        return Window(self.line + line, self.sample + sample, lines, samples)


@dataclass(frozen=True)
class TileRow:
    """One row of a published part.

    Attributes:
        event: The event's name; its folder is called so.
        folder: Where its files are.
        window: The part of its rasters that the row names; all of them if None.
        emission: ``qplume`` in kg/h as published, None where unknown.
        has_plume: Whether the row says that there is a plume; None where it does not say.
    """

    event: str
    folder: Path
    window: Window | None = None
    emission: float | None = None
    has_plume: bool | None = None


@dataclass(frozen=True, eq=False)
class LabelledTile:
    """Radiance with what is known of it; checked when made.

    Attributes:
        file: Where it came from, for messages.
        radiance: (lines, samples, bands) float32, uW cm-2 sr-1 nm-1; anything where not valid.
        centres: (bands,) float64 nm, rising.
        fwhm: (bands,) float64 nm.
        valid: (lines, samples) bool.
        plume: (lines, samples) bool, or None where plumes are not labelled.
        enhancement: (lines, samples) float32 ppm m as the data set's own retrieval has it, or None.
        minerals: (10, lines, samples) float32 abundance or presence 0-1, NaN where a mineral is not
            known; None where no mineral is labelled.
        weight: (lines, samples) float32, how much a pixel's plume label counts; 1 everywhere if None.
    """

    file: Path
    radiance: Array
    centres: Array64
    fwhm: Array64
    valid: Mask
    plume: Mask | None = None
    enhancement: Array | None = None
    minerals: Array | None = None
    weight: Array | None = None

    def __post_init__(self) -> None:
        check_table(self.file, self.centres, self.fwhm)
        lines, samples = self.radiance.shape[:2]
        self._expect("radiance", self.radiance, (lines, samples, len(self.centres)))
        for name in ("valid", "plume", "enhancement", "weight"):
            self._expect(name, getattr(self, name), (lines, samples))
        self._expect("minerals", self.minerals, (len(MINERALS), lines, samples))

    def _expect(self, field: str, array: npt.NDArray[Any] | None, shape: tuple[int, ...]) -> None:
        if array is not None and array.shape != shape:
            raise CaptureError(
                "parts of a tile do not fit together",
                file=self.file,
                field=field,
                found=array.shape,
                expected=shape,
                remedy="get the event again",
            )


def check_table(file: Path, centres: Array64, fwhm: Array64) -> None:
    """Refuse a band table that is not one.

    Raises:
        CaptureError: Not two rising, positive tables of one length.
    """
    good = centres.ndim == 1 and centres.shape == fwhm.shape and centres.size > 1
    if good:
        good = bool(np.isfinite(centres).all() and (np.diff(centres) > 0).all() and (fwhm > 0).all())
    if not good:
        raise CaptureError(
            "band table is unusable",
            file=file,
            field="centres, fwhm",
            found=f"shapes {centres.shape} and {fwhm.shape}",
            expected="rising centres and positive widths, nm, one a band",
            remedy="get the event again",
        )


def usable(radiance: Array, marked: Mask | None = None) -> Mask:
    """Return (lines, samples): pixels that hold radiance in every band.

    NaN, EMIT's flags and zeros in all bands stand for missing ones.

    Args:
        radiance: (lines, samples, bands), uW cm-2 sr-1 nm-1.
        marked: (lines, samples), what the data set itself calls valid, if it does.
    """
    with np.errstate(invalid="ignore"):
        good = (np.isfinite(radiance) & (radiance > FLAG_CEILING)).all(axis=2)
    good = np.asarray(good & (radiance != 0).any(axis=2), np.bool_)
    return good if marked is None else good & marked


def check_brightness(tile: LabelledTile, reference: Array64) -> None:
    """Refuse radiance that no ground under the sun sends: it comes in another unit.

    Args:
        tile: The tile.
        reference: (bands,) nominal radiance of its bands, uW cm-2 sr-1 nm-1.

    Raises:
        CaptureError: The median of the bands' medians lies above five times the reference.
    """
    if not tile.valid.any():
        return
    typical = float(np.median(np.median(tile.radiance[tile.valid][::7], axis=0) / reference))
    if typical > BRIGHTEST:
        raise CaptureError(
            "radiance is brighter than white ground under the sun",
            file=tile.file,
            field="radiance",
            found=f"{typical:.1f} times the nominal radiance",
            expected=f"below {BRIGHTEST:g} times; uW cm-2 sr-1 nm-1",
            remedy="convert the data to the units that docs/datasets.md states for this set",
        )


class TileSet(ABC):
    """A labelled data set on disk.

    Attributes:
        name: What it is called on the command line.
        path: Its folder.
        rows: Rows of "train", "validation" and "test".
        centres: (bands,) nm of its first tile; all others lie within 2 nm.
        fwhm: (bands,) nm.
    """

    name: str = ""
    labels: str = ""

    def __init__(self, path: Path, rows: Mapping[str, tuple[TileRow, ...]]) -> None:
        self.path = path
        self.rows = {part: tuple(rows.get(part, ())) for part in PARTS}
        self.centres, self.fwhm = self.band_table(self.rows["train"][0])

    @abstractmethod
    def band_table(self, row: TileRow) -> tuple[Array64, Array64]:
        """Return centres and FWHM (bands,) in nm of a row's radiance."""

    @abstractmethod
    def size(self, row: TileRow) -> tuple[int, int]:
        """Return (lines, samples) of a row: those of its window, or of its rasters."""

    @abstractmethod
    def plume_label(self, row: TileRow) -> Mask | None:
        """Return a row's plume label (lines, samples) alone, None where the set has none."""

    @abstractmethod
    def read(self, row: TileRow, window: Window) -> LabelledTile:
        """Read part of a row.

        Args:
            row: One of this set's rows.
            window: In pixels of the rasters; see :meth:`whole`.

        Raises:
            CaptureError: A file is missing, damaged, or does not fit the others.
        """

    def whole(self, row: TileRow) -> Window:
        """Return the window of all of a row."""
        lines, samples = self.size(row)
        return row.window or Window(0, 0, lines, samples)

    def check_bands(self, file: Path, centres: Array64) -> None:
        """Refuse a tile whose bands are not this set's.

        Raises:
            CaptureError: Another number of bands, or one that lies more than 2 nm off.
        """
        if centres.shape == self.centres.shape and np.abs(centres - self.centres).max() <= MOVED_NM:
            return
        raise CaptureError(
            "tile has other bands than the rest of its set",
            file=file,
            field="centres",
            found=f"{centres.size} bands, {centres.min():.1f} to {centres.max():.1f} nm",
            expected=f"{self.centres.size} bands, {self.centres[0]:.1f} to {self.centres[-1]:.1f} nm",
            remedy="remove the event's row from the CSV, or get the event again",
        )
