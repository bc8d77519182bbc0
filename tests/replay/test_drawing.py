from __future__ import annotations

import numpy as np

from onboard.replay import drawing
from onboard.replay.colours import BOX, INK, PAPER, ramp
from tests.replay.stand_in import Event


def test_small_rasters_are_enlarged_large_ones_keep_their_size() -> None:
    small, factor, _ = drawing.canvas(np.zeros((10, 10, 3), np.uint8), "x", 0)
    large, one, y = drawing.canvas(np.zeros((40, 1242, 3), np.uint8), "x", 2)
    assert (factor, small.width) == (62, 620)
    assert (one, large.width) == (1, 1242)
    assert large.height == y + 2 * drawing.ROW + drawing.MARGIN


def test_the_raster_is_on_the_sheet_unchanged() -> None:
    raster = np.random.default_rng(0).integers(0, 255, (50, 700, 3), dtype=np.uint8)
    sheet, _, _ = drawing.canvas(raster, "title", 0)
    np.testing.assert_array_equal(np.asarray(sheet)[:50], raster)


def test_the_title_is_drawn_below_and_fits() -> None:
    sheet, _, y = drawing.canvas(np.zeros((5, 700, 3), np.uint8), "long words " * 9, 0)
    band = np.asarray(sheet)[5:y]
    assert (band != PAPER).any()
    assert (band[:, -4:] == PAPER).all()


def test_the_colour_bar_runs_from_dark_to_bright() -> None:
    sheet, _, y = drawing.canvas(np.zeros((5, 700, 3), np.uint8), "t", 2)
    drawing.colour_bar(sheet, y, ramp(), 1000.0, "ppm m")
    row = np.asarray(sheet)[y + 9].astype(int).sum(axis=1)
    inside = row[drawing.MARGIN + 10 : 500]
    assert inside[0] < 100
    assert inside[-1] > 400


def test_legends_hold_every_class_colour() -> None:
    entries = [("a", (1, 2, 3)), ("b", (4, 5, 6)), ("c", (7, 8, 9))]
    sheet, _, y = drawing.canvas(np.zeros((5, 700, 3), np.uint8), "t", 2)
    drawing.class_legend(sheet, y, entries, 2)
    pixels = {tuple(pixel) for pixel in np.asarray(sheet).reshape(-1, 3).tolist()}
    assert {colour for _, colour in entries} <= pixels


def test_legend_columns_fit() -> None:
    assert drawing.legend_columns(1242, ["illite / muscovite"] * 10) == 5
    assert drawing.legend_columns(100, ["illite / muscovite"] * 10) == 1


def test_boxes_stay_on_the_picture_even_at_the_edge() -> None:
    sheet, _, _ = drawing.canvas(np.zeros((50, 700, 3), np.uint8), "t", 0)
    below = np.asarray(sheet)[50:].copy()
    drawing.event_box(sheet, Event(first_line=40, last_line=49, first_sample=690, last_sample=699), 1, 50)
    picture = np.asarray(sheet)
    assert (picture[:50] == BOX).all(axis=2).any()
    np.testing.assert_array_equal(picture[50:], below)
    assert INK != BOX
