"""Quicklook pictures of a run: true colour, methane enhancement, plume mask, minerals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onboard.replay import colours, drawing
from onboard.replay.products import METHANE, MINERALS, ProductsHeader
from onboard.replay.quality import valid_pixels
from onboard.replay.run_folder import output_error
from onboard.replay.session import PlumeEvent, ProductBlock

RGB_NM = (640.0, 550.0, 460.0)
MAX_PIXELS = 6_000_000
NO_CLASS = 255
LOWEST_TOP_PPM_M = 500.0


class Quicklooks:
    """Gathers small images while lines pass, and draws the pictures at the end.

    Holds about 12 bytes a pixel, of at most ``MAX_PIXELS`` pixels: longer captures are thinned out.

    Args:
        header: What is known of the products.
        centres: Band centres of the radiance given to ``add_lines``, (bands,), nm.
    """

    def __init__(self, header: ProductsHeader, centres: NDArray[np.float64]) -> None:
        self.header = header
        self.step = max(1, int(np.ceil(np.sqrt(header.lines * header.samples / MAX_PIXELS))))
        self.bands = [int(np.argmin(np.abs(centres - nm))) for nm in RGB_NM]
        self.band_nm = [float(centres[band]) for band in self.bands]
        shape = (-(-header.lines // self.step), -(-header.samples // self.step))
        self._radiance = np.full((*shape, 3), np.nan, np.float16)
        self._valid = np.zeros(shape, np.bool_)
        self._enhancement = np.full(shape, np.nan, np.float16)
        self._mask = np.zeros(shape, np.bool_)
        self._class = np.full(shape, NO_CLASS, np.uint8)

    def add_lines(self, first_line: int, radiance: NDArray[np.float32]) -> None:
        """Keep the three visible bands of (n, samples, bands) lines in the capture's own bands."""
        source, target = self._rows(first_line, radiance.shape[0])
        picked = radiance[source, :: self.step][:, :, self.bands]
        self._radiance[target] = np.clip(picked, -1.0, 6e4)

    def add_products(self, block: ProductBlock) -> None:
        """Keep what the pictures show of a block of products."""
        source, target = self._rows(block.first_line, block.quality.shape[0])
        thin = (source, slice(None, None, self.step))
        self._valid[target] = valid_pixels(block.quality[thin])
        if METHANE in self.header.products:
            self._enhancement[target] = np.clip(block.ch4_enhancement[thin], -6e4, 6e4)
            self._mask[target] = block.plume_mask[thin] != 0
        if MINERALS in self.header.products:
            self._class[target] = best_class(
                block.mineral_probability[(slice(None), *thin)], self.header.mineral_thresholds
            )

    def write(self, folder: Path, events: Sequence[PlumeEvent]) -> list[Path]:
        """Draw all pictures of the products flown.

        Args:
            folder: Where to write; made if missing.
            events: Events to outline on the plume mask.

        Returns:
            The files written.

        Raises:
            OutputError: A picture cannot be written.
        """
        rgb = self._rgb()
        pictures = {"rgb.png": self._rgb_sheet(rgb)}
        if METHANE in self.header.products:
            pictures["enhancement.png"] = self._enhancement_sheet()
            pictures["plume_mask.png"] = self._mask_sheet(rgb, events)
        if MINERALS in self.header.products:
            pictures["minerals.png"] = self._minerals_sheet(rgb)
        return [_save(sheet, folder / name) for name, sheet in pictures.items()]

    def _rows(self, first_line: int, count: int) -> tuple[slice, slice]:
        skip = -first_line % self.step
        kept = len(range(skip, count, self.step))
        start = (first_line + skip) // self.step
        return slice(skip, None, self.step), slice(start, start + kept)

    def _rgb(self) -> NDArray[np.uint8]:
        layers = [
            colours.stretch(self._radiance[:, :, band].astype(np.float32), self._valid) for band in range(3)
        ]
        return np.stack(layers, axis=2)

    def _dimmed(self, rgb: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        luma = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
        grey: NDArray[np.uint8] = np.repeat((luma * strength + 12).astype(np.uint8)[:, :, None], 3, axis=2)
        grey[~self._valid] = colours.INVALID
        return grey

    def _rgb_sheet(self, rgb: NDArray[np.uint8]) -> Image.Image:
        raster = rgb.copy()
        raster[~self._valid] = colours.INVALID
        bands = ", ".join(f"{nm:.0f}" for nm in self.band_nm)
        return drawing.canvas(
            raster, f"Radiance at {bands} nm, 1st to 98th percentile; blue-grey: no data", 0
        )[0]

    def _enhancement_sheet(self) -> Image.Image:
        top = self._enhancement_top()
        index = np.nan_to_num(self._enhancement.astype(np.float32) * (255.0 / top))
        table = colours.ramp()
        raster = table[np.clip(index, 0, 255).astype(np.uint8)]
        raster[~self._valid] = colours.INVALID
        sheet, _, y = drawing.canvas(raster, "Methane column enhancement; blue-grey: no data", 2)
        drawing.colour_bar(sheet, y, table, top, "ppm m")
        return sheet

    def _enhancement_top(self) -> float:
        # A plume's body should be seen; its core, ten times as strong, may be white.
        shown, percent = self._enhancement[self._mask & self._valid], 80.0
        if shown.size == 0:
            shown, percent = self._enhancement[self._valid], 98.0
        peak = float(np.percentile(shown.astype(np.float32), percent)) if shown.size else 0.0
        return colours.nice_ceiling(max(peak, LOWEST_TOP_PPM_M))

    def _mask_sheet(self, rgb: NDArray[np.uint8], events: Sequence[PlumeEvent]) -> Image.Image:
        raster = self._dimmed(rgb, 0.55)
        raster[self._mask] = colours.PLUME
        plural = "" if len(events) == 1 else "s"
        title = f"Plume mask and {len(events)} numbered event{plural}; blue-grey: no data"
        sheet, factor, _ = drawing.canvas(raster, title, 0)
        for event in events:
            drawing.event_box(sheet, event, factor / self.step, raster.shape[0] * factor)
        return sheet

    def _minerals_sheet(self, rgb: NDArray[np.uint8]) -> Image.Image:
        raster = self._dimmed(rgb, 0.5)
        # The ground's light and shade shows through the class colour.
        shade = 0.6 + 0.4 * (rgb.astype(np.float32).mean(axis=2) / 255.0)
        names = self.header.minerals
        palette = [colours.CLASS_COLOURS[i % len(colours.CLASS_COLOURS)] for i in range(len(names))]
        for number, colour in enumerate(palette):
            here = self._class == number
            raster[here] = (np.array(colour, np.float32) * shade[here][:, None]).astype(np.uint8)
        width = raster.shape[1] * max(1, -(-drawing.MIN_WIDTH // raster.shape[1]))
        columns = drawing.legend_columns(width, names)
        title = "Most probable mineral above its threshold; grey: none, blue-grey: no data"
        sheet, _, y = drawing.canvas(raster, title, -(-len(names) // columns))
        labels = [name.replace("_", " / ") for name in names]
        drawing.class_legend(sheet, y, list(zip(labels, palette, strict=True)), columns)
        return sheet


def best_class(probability: NDArray[np.float32], thresholds: Sequence[float]) -> NDArray[np.uint8]:
    """Index of the most probable mineral among those at or above their threshold, 255 for none.

    Args:
        probability: (minerals, n, samples), 0-1.
        thresholds: One a mineral.
    """
    limits = np.asarray(thresholds, np.float32)[:, None, None]
    present = np.where(probability >= limits, probability, -1.0)
    best: NDArray[np.uint8] = present.argmax(axis=0).astype(np.uint8)
    best[present.max(axis=0) < 0] = NO_CLASS
    return best


def _save(sheet: Image.Image, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, compress_level=6)
    except OSError as error:
        raise output_error(error, path) from error
    return path
