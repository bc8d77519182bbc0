"""STARCOP, all bands: AVIRIS-NG tiles with labelled methane plumes, one raster a band.

Layout and units after spaceml-org/STARCOP (starcop/data/sampling_dataset.py; Ruzicka et al. 2023, Sci. Rep.
13, 19999, doi:10.1038/s41598-023-44918-6): ``TOA_AVIRIS_2122nm.tif`` and so on, ``labelbinary.tif``,
``mag1c.tif`` (ppm m), ``weight_mag1c.tif`` (mag1c / 400 held within 0.1 and 1).

``TOA_AVIRIS`` values are not radiance as the sensor measures it but radiance times pi d^2 / cos(sun
zenith), L in uW cm-2 sr-1 nm-1 and d in au. They are brought back for a sun at 40 degrees and 1 au, that
of the reference radiance: what differs is one factor a tile, a constant in log radiance.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.training.adapters.bands import AVIRIS_NG_RANGE_NM, aviris_ng_fwhm
from onboard.training.adapters.common import (
    Array,
    Array64,
    LabelledTile,
    Mask,
    TileRow,
    TileSet,
    Window,
    usable,
)
from onboard.training.adapters.rasters import fitted, raster_size, read_mask, read_plane
from onboard.training.adapters.splits import read_parts

BAND_FILE = re.compile(r"TOA_AVIRIS_(\d+(?:\.\d+)?)nm\.tif")
LABEL, RETRIEVAL, WEIGHT = "labelbinary.tif", "mag1c.tif", "weight_mag1c.tif"
REFERENCE_SUN_ZENITH_DEG = 40.0
TO_RADIANCE = float(np.cos(np.radians(REFERENCE_SUN_ZENITH_DEG)) / np.pi)
CSV = {
    "train": ("train.csv", "train_mini10.csv", "train_easy.csv"),
    "validation": ("val.csv",),
    "test": ("test.csv", "test_mini10.csv"),
}


class Starcop(TileSet):
    """Tiles with a plume label, the data set's own retrieval and loss weight where they are there."""

    name = "starcop"
    labels = "methane"

    def band_table(self, row: TileRow) -> tuple[Array64, Array64]:
        """Return centres (bands,) in nm from the files' names, and AVIRIS-NG's widths there."""
        centres = np.array([centre for centre, _ in band_files(row.folder)])
        return centres, aviris_ng_fwhm(centres)

    def size(self, row: TileRow) -> tuple[int, int]:
        """Return (lines, samples) of the row's window, or of the label."""
        file = row.folder / LABEL
        return raster_size(file, fitted(file, row.window))

    def whole(self, row: TileRow) -> Window:
        """Return the window of all of a row."""
        lines, samples = self.size(row)
        return fitted(row.folder / LABEL, row.window) or Window(0, 0, lines, samples)

    def plume_label(self, row: TileRow) -> Mask:
        """Return the plume label (lines, samples) of a row."""
        return read_mask(row.folder / LABEL, self.whole(row))

    def read(self, row: TileRow, window: Window) -> LabelledTile:
        """Read part of a row: radiance for a sun at 40 degrees, label, enhancement (ppm m), weight."""
        files = band_files(row.folder)
        self.check_bands(row.folder, np.array([centre for centre, _ in files]))
        stored = np.stack([read_plane(file, window) for _, file in files], axis=2)
        return LabelledTile(
            row.folder,
            stored * np.float32(TO_RADIANCE),
            self.centres,
            self.fwhm,
            usable(stored),
            plume=read_mask(row.folder / LABEL, window),
            enhancement=_optional(row.folder / RETRIEVAL, window),
            weight=_optional(row.folder / WEIGHT, window),
        )


def band_files(folder: Path) -> list[tuple[float, Path]]:
    """Return (centre in nm, file) of an event's bands, by rising wavelength.

    Raises:
        CaptureError: There is none, or a name's wavelength is not AVIRIS-NG's.
    """
    found = ((BAND_FILE.fullmatch(file.name), file) for file in folder.glob("TOA_AVIRIS_*.tif"))
    files = sorted((float(match[1]), file) for match, file in found if match)
    low, high = AVIRIS_NG_RANGE_NM
    if not files or not all(low <= centre <= high for centre, _ in files):
        raise CaptureError(
            "event has no AVIRIS-NG bands",
            file=folder,
            field="TOA_AVIRIS_*nm.tif",
            found=files[0][1].name if files else "no such file",
            expected=f"names like TOA_AVIRIS_2122nm.tif, {low:g} to {high:g} nm",
            remedy="get the all-bands edition of the set",
        )
    return files


def _optional(file: Path, window: Window) -> Array | None:
    """A plane if it is there, negative and missing values as 0."""
    if not file.is_file():
        return None
    return np.maximum(np.nan_to_num(read_plane(file, window)), np.float32(0))


def open_starcop(path: Path) -> Starcop:
    """Open STARCOP, the edition with all bands.

    Args:
        path: The data set's folder, or the training CSV in it that is to be used.

    Raises:
        CaptureError: Something is missing or malformed.
    """
    return Starcop(path, read_parts(path, CSV))
