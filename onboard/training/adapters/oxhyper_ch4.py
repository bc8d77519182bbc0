"""OxHyperSyntheticCH4 and OxHyperRealCH4: EMIT tiles with labelled methane plumes, 86 bands.

An event's folder holds ``B`` (and in some sets ``A``, an earlier pass over the same ground, which is not
used), ``labelbinary.tif``, mostly ``B_magic30_tile.tif`` (mag1c, ppm m) and sometimes ``valid_mask.tif``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from onboard.training.adapters.common import LabelledTile, Mask, TileRow, Window
from onboard.training.adapters.oxhyper import OxHyperSet
from onboard.training.adapters.rasters import read_mask, read_plane
from onboard.training.adapters.splits import read_parts

LABEL = "labelbinary.tif"
RETRIEVAL = "B_magic30_tile.tif"
SYNTHETIC_CSV = {
    "train": ("train.csv", "train_filtered_v2.csv", "train_filtered_v2_tiled_64_32.csv"),
    "validation": ("val.csv", "val_filtered_v2.csv"),
    "test": ("test.csv", "test_filtered_v2.csv"),
}
REAL_CSV = {
    "train": ("train.csv", "real_train_v3.csv"),
    "validation": ("val.csv", "real_val_v3.csv"),
    "test": ("test.csv", "real_test_v3.csv"),
}


class OxHyperMethane(OxHyperSet):
    """Tiles with a plume label, and the data set's own retrieval where it is there."""

    raster = "B"
    labels = "methane"

    def __init__(self, name: str, path: Path, names: Mapping[str, tuple[str, ...]]) -> None:
        self.name = name
        super().__init__(path, read_parts(path, names))

    def plume_label(self, row: TileRow) -> Mask:
        """Return the plume label (lines, samples) of a row."""
        return read_mask(row.folder / LABEL, self.whole(row))

    def read(self, row: TileRow, window: Window) -> LabelledTile:
        """Read part of a row: radiance, plume label, retrieved enhancement (ppm m, 0 where negative)."""
        file, radiance, valid = self.radiance(row, window)
        plume = read_mask(row.folder / LABEL, window)
        retrieval = row.folder / RETRIEVAL
        enhancement = None
        if retrieval.is_file():
            enhancement = np.maximum(np.nan_to_num(read_plane(retrieval, window)), np.float32(0))
        return LabelledTile(
            file, radiance, self.centres, self.fwhm, valid, plume=plume, enhancement=enhancement
        )


def open_synthetic(path: Path) -> OxHyperMethane:
    """Open OxHyperSyntheticCH4: simulated plumes in real EMIT tiles.

    Args:
        path: The data set's folder, or the training CSV in it that is to be used.

    Raises:
        CaptureError: Something is missing or malformed.
    """
    return OxHyperMethane("oxhyper-synthetic-ch4", path, SYNTHETIC_CSV)


def open_real(path: Path) -> OxHyperMethane:
    """Open OxHyperRealCH4: real plumes in EMIT tiles. See :func:`open_synthetic`."""
    return OxHyperMethane("oxhyper-real-ch4", path, REAL_CSV)
