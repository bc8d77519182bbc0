"""Colours and scales of the quicklook pictures."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]

# Anchors of a dark-to-bright ramp of evenly rising lightness (after matplotlib's CC0 'inferno').
RAMP_ANCHORS: tuple[Rgb, ...] = (
    (0, 0, 4),
    (22, 11, 57),
    (66, 10, 104),
    (106, 23, 110),
    (147, 38, 103),
    (188, 55, 84),
    (221, 81, 58),
    (243, 120, 25),
    (252, 165, 10),
    (246, 215, 70),
    (252, 255, 164),
)
# Ten classes told apart by hue and lightness, in the order of the mineral layers; then they repeat.
CLASS_COLOURS: tuple[Rgb, ...] = (
    (86, 180, 233),  # calcite
    (34, 136, 51),  # chlorite
    (68, 90, 210),  # dolomite
    (230, 159, 0),  # goethite
    (240, 240, 240),  # gypsum
    (205, 40, 40),  # hematite
    (170, 75, 175),  # illite_muscovite
    (250, 150, 180),  # kaolinite
    (235, 225, 70),  # montmorillonite
    (0, 170, 150),  # vermiculite
)
INVALID: Rgb = (58, 72, 112)
PLUME: Rgb = (255, 64, 32)
BOX: Rgb = (255, 230, 60)
PAPER: Rgb = (20, 20, 24)
INK: Rgb = (235, 235, 235)


def ramp() -> NDArray[np.uint8]:
    """The ramp as a table of 256 colours, (256, 3)."""
    anchors = np.array(RAMP_ANCHORS, np.float64)
    at = np.linspace(0, len(anchors) - 1, 256)
    table = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, c]) for c in range(3)], axis=1)
    return table.round().astype(np.uint8)


def nice_ceiling(value: float) -> float:
    """Smallest of 1, 1.5, 2, 3, 4, 5, 8 times a power of ten that is at least ``value`` (> 0)."""
    power = 10.0 ** math.floor(math.log10(value))
    for step in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 8.0):
        if value <= step * power * (1 + 1e-9):
            return step * power
    return 10.0 * power


def stretch(band: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Scale one band to 0-255 between its 1st and 98th percentile, with a gamma of 0.65.

    Args:
        band: (lines, samples), any unit.
        valid: Pixels that count.
    """
    if not valid.any():
        return np.zeros(band.shape, np.uint8)
    low, high = np.percentile(band[valid], (1.0, 98.0))
    scaled = np.clip((band - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    scaled = np.where(valid, scaled, 0.0)
    stretched: NDArray[np.uint8] = (255.0 * scaled**0.65).round().astype(np.uint8)
    return stretched
