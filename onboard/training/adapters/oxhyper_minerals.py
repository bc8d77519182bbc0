"""OxHyperMinerals: EMIT tiles of 285 bands with goethite, hematite and kaolinite, after EMIT's L2B product.

An event's folder holds ``C`` and ``minerals3ghk.tif``, three planes of 0 and 1. In the small preview of the
set that file is no TIFF but bare little-endian uint16, plane by plane, at the radiance's size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.minerals import MINERALS
from onboard.training.adapters.common import Array, LabelledTile, TileRow, Window
from onboard.training.adapters.oxhyper import OxHyperSet
from onboard.training.adapters.rasters import raster_size, read_plane
from onboard.training.adapters.splits import read_parts

LABEL = "minerals3ghk.tif"
CLASSES = ("goethite", "hematite", "kaolinite")
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
CSV = {
    "train": ("train.csv", "train_minerals.csv", "train_minerals_10.csv"),
    "validation": ("val.csv", "val_minerals.csv", "val_minerals_10.csv"),
    "test": ("test.csv", "test_minerals.csv", "test_minerals_10.csv"),
}


class OxHyperMinerals(OxHyperSet):
    """Tiles with three of the ten minerals labelled; the other seven are not known."""

    name = "oxhyper-minerals"
    raster = "C"
    labels = "minerals"

    def plume_label(self, row: TileRow) -> None:
        """Return None: plumes are not labelled."""
        return

    def read(self, row: TileRow, window: Window) -> LabelledTile:
        """Read part of a row: radiance, presence of three minerals, NaN for the others."""
        file, radiance, valid = self.radiance(row, window)
        minerals = np.full((len(MINERALS), *valid.shape), np.nan, np.float32)
        label = row.folder / LABEL
        for band, name in enumerate(CLASSES, start=1):
            minerals[MINERALS.index(name)] = _plane(label, file, window, band)
        return LabelledTile(file, radiance, self.centres, self.fwhm, valid, minerals=minerals)


def _plane(label: Path, cube: Path, window: Window, band: int) -> Array:
    """Plane ``band`` of the label, 0 or 1."""
    if label.is_file() and label.open("rb").read(4) not in TIFF_MAGIC:
        plane = _bare_plane(label, raster_size(cube, None), window, band)
    else:
        plane = np.nan_to_num(read_plane(label, window, band))
    if plane.size and not np.isin(plane, (0.0, 1.0)).all():
        raise CaptureError(
            "label holds other values than 0 and 1",
            file=label,
            field=f"plane {band}, {CLASSES[band - 1]}",
            found=f"up to {plane.max():g}",
            expected="0 and 1",
            remedy="get the event again",
        )
    return plane


def _bare_plane(label: Path, size: tuple[int, int], window: Window, band: int) -> Array:
    expected = 2 * len(CLASSES) * size[0] * size[1]
    if label.stat().st_size != expected:
        raise CaptureError(
            "label is neither a TIFF nor three bare planes",
            file=label,
            found=f"{label.stat().st_size} bytes",
            expected=f"a TIFF, or {expected} bytes of uint16 for {size[0]} x {size[1]} pixels",
            remedy="get the event again",
        )
    planes = np.memmap(label, "<u2", "r", shape=(len(CLASSES), *size))
    lines = slice(window.line, window.line + window.lines)
    samples = slice(window.sample, window.sample + window.samples)
    return np.asarray(planes[band - 1, lines, samples], np.float32)


def open_minerals(path: Path) -> OxHyperMinerals:
    """Open OxHyperMinerals.

    Args:
        path: The data set's folder, or the training CSV in it that is to be used.

    Raises:
        CaptureError: Something is missing or malformed.
    """
    return OxHyperMinerals(path, read_parts(path, CSV))
