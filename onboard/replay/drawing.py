"""Pictures with a title and a legend below, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from onboard.replay.colours import BOX, INK, PAPER, Rgb

FONT_SIZE = 20
MARGIN = 12
ROW = 30
MIN_WIDTH = 620


def canvas(raster: NDArray[np.uint8], title: str, legend_rows: int) -> tuple[Image.Image, int, int]:
    """Put a raster on a sheet with room for a title and legend rows below it.

    Small rasters are enlarged by a whole factor, so that the legend has room.

    Args:
        raster: (lines, samples, 3).
        title: One line of text.
        legend_rows: Rows of legend below the title.

    Returns:
        The sheet, the enlargement, and the y of the first legend row.
    """
    factor = max(1, -(-MIN_WIDTH // raster.shape[1]))
    picture = Image.fromarray(raster)
    if factor > 1:
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    height = picture.height + 2 * MARGIN + ROW * (1 + legend_rows)
    sheet = Image.new("RGB", (picture.width, height), PAPER)
    sheet.paste(picture, (0, 0))
    text_y = picture.height + MARGIN
    size = FONT_SIZE
    while size > 11 and ImageFont.load_default(size).getlength(title) > sheet.width - 2 * MARGIN:
        size -= 1
    ImageDraw.Draw(sheet).text((MARGIN, text_y), title, INK, font=ImageFont.load_default(size))
    return sheet, factor, text_y + ROW


def colour_bar(sheet: Image.Image, y: int, table: NDArray[np.uint8], top: float, unit: str) -> None:
    """Draw a horizontal bar from 0 to ``top`` with five labelled ticks; takes two legend rows.

    Args:
        sheet: Where to draw.
        y: Upper edge.
        table: (256, 3) colours.
        top: Value at the right end.
        unit: Text after the last label.
    """
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE - 2)
    left = MARGIN + 8
    width = min(sheet.width - left - MARGIN - 130, 700)
    bar = np.repeat(table[np.linspace(0, 255, width).astype(int)][None], 18, axis=0)
    sheet.paste(Image.fromarray(bar), (left, y))
    draw.rectangle((left - 1, y - 1, left + width, y + 18), outline=INK)
    for tick in range(5):
        x = left + round(width * tick / 4)
        draw.line((x, y + 18, x, y + 24), fill=INK)
        draw.text((x, y + 26), f"{top * tick / 4:g}", INK, font=font, anchor="mt")
    draw.text((left + width + MARGIN, y - 1), unit, INK, font=font)


def class_legend(sheet: Image.Image, y: int, entries: Sequence[tuple[str, Rgb]], columns: int) -> None:
    """Draw a coloured square and a name for each entry, row by row.

    Args:
        sheet: Where to draw.
        y: Upper edge.
        entries: Name and colour.
        columns: Entries a row.
    """
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE - 2)
    pitch = (sheet.width - MARGIN) // columns
    for index, (name, colour) in enumerate(entries):
        x, row_y = MARGIN + (index % columns) * pitch, y + (index // columns) * ROW
        draw.rectangle((x, row_y, x + 18, row_y + 18), fill=colour, outline=INK)
        draw.text((x + 26, row_y - 2), name, INK, font=font)


def legend_columns(width: int, names: Sequence[str]) -> int:
    """Entries a row on a sheet ``width`` pixels wide: as few rows as fit, evenly filled.

    Args:
        width: Width of the sheet, pixels.
        names: All names of the legend.
    """
    font = ImageFont.load_default(FONT_SIZE - 2)
    widest = max((font.getlength(name) for name in names), default=1.0)
    fitting = max(1, min(len(names), int((width - MARGIN) // (widest + 50))))
    rows = -(-len(names) // fitting)
    return max(1, -(-len(names) // rows)) if rows else 1


def event_box(sheet: Image.Image, event: Any, factor: float, raster_height: int) -> None:
    """Outline an event's bounding box, with its number beside it.

    Args:
        sheet: Where to draw.
        event: Event in full sensor geometry.
        factor: Picture pixels a sensor pixel.
        raster_height: Height of the picture part of the sheet.
    """
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE - 2)
    pad = 6
    left = max(0, int(event.first_sample * factor) - pad)
    top = max(0, int(event.first_line * factor) - pad)
    right = min(sheet.width - 1, int((event.last_sample + 1) * factor) + pad)
    bottom = min(raster_height - 1, int((event.last_line + 1) * factor) + pad)
    draw.rectangle((left, top, right, bottom), outline=BOX, width=2)
    label = str(event.event_id)
    extent = draw.textbbox((0, 0), label, font=font)
    text_y = top - (extent[3] + 6) if top >= extent[3] + 6 else bottom + 2
    if text_y + extent[3] > raster_height:
        text_y = top + 4
    text_x = min(left, sheet.width - int(extent[2]) - 4)
    draw.text((text_x, text_y), label, BOX, font=font, stroke_width=2, stroke_fill=(0, 0, 0))
