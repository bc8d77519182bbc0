"""What the OxHyper sets have in common: a folder an event, radiance in one raster without extension.

Layout after previtus/HyperspectralViTs (data_utils.py, dataset.py; Ruzicka and Markham 2025, JSTARS 18,
doi:10.1109/JSTARS.2025.3557527): ``A``, ``B`` or ``C`` are ENVI rasters with ``.hdr`` beside them, bands
described by wavelength. Values are EMIT L1B radiance, uW cm-2 sr-1 nm-1; NaN or 0 where there is none.
"""

from __future__ import annotations

from pathlib import Path

from onboard.training.adapters.bands import described_centres, emit_fwhm
from onboard.training.adapters.common import Array, Array64, Mask, TileRow, TileSet, Window, usable
from onboard.training.adapters.rasters import (
    descriptions,
    fitted,
    raster_size,
    read_bands,
    read_mask,
)

VALID_MASK = "valid_mask.tif"


class OxHyperSet(TileSet):
    """A set of EMIT tiles whose radiance lies in one raster an event."""

    raster: str = ""

    def band_table(self, row: TileRow) -> tuple[Array64, Array64]:
        """Return centres and FWHM (bands,) in nm; widths are those of EMIT's own table."""
        file = row.folder / self.raster
        centres = described_centres(descriptions(file), file)
        return centres, emit_fwhm(centres)

    def size(self, row: TileRow) -> tuple[int, int]:
        """Return (lines, samples) of the row's window, or of the raster."""
        file = row.folder / self.raster
        return raster_size(file, fitted(file, row.window))

    def whole(self, row: TileRow) -> Window:
        """Return the window of all of a row."""
        lines, samples = self.size(row)
        return fitted(row.folder / self.raster, row.window) or Window(0, 0, lines, samples)

    def radiance(self, row: TileRow, window: Window) -> tuple[Path, Array, Mask]:
        """Return (file, radiance (lines, samples, bands), valid (lines, samples)) of a window."""
        file = row.folder / self.raster
        self.check_bands(file, described_centres(descriptions(file), file))
        radiance = read_bands(file, window)
        mask = row.folder / VALID_MASK
        return file, radiance, usable(radiance, read_mask(mask, window) if mask.is_file() else None)
