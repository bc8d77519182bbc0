"""Ground that no library holds: smooth changes of the continuum, from pixel to pixel.

A class of a spectral library has a handful of samples, and a network soon knows each by its slope and
brightness. What tells a mineral is its narrow features; where the continuum varies more than any sample does,
nothing else is left to learn. Broad changes are drawn here as few cosines over wavelength, with maps that are
smooth over some patches of ground and cut into fields with sharp edges over others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]

MODES = 6
"""Cosines over EMIT's range; the last has a half period of some 420 nm, wider than any narrow feature."""
CELL_PIXELS = (8, 40)
"""Range of the size of what changes together."""
STEPPED_SHARE = 0.5
STEP = 0.8
RIPPLE_KNOTS = 12
RIPPLE_SIGMA = 0.02


@dataclass(frozen=True)
class Continuum:
    """An offset of log radiance for each pixel and band.

    Attributes:
        maps: (lines, samples, modes) float32.
        shapes: (modes, bands) float32.
    """

    maps: Array
    shapes: Array

    def offset(self, columns: slice = slice(None), bands: npt.NDArray[np.int64] | None = None) -> Array:
        """Return the offset (lines, samples, bands) of some columns and bands.

        Args:
            columns: Which columns.
            bands: Which bands; all if None.
        """
        shapes = self.shapes if bands is None else self.shapes[:, bands]
        return np.asarray(self.maps[:, columns] @ shapes, np.float32)


def draw_continuum(
    rng: np.random.Generator, sigma: float, lines: int, samples: int, centres: Array64
) -> Continuum:
    """Draw an offset whose deviation is about ``sigma`` of log radiance, most of it in its slowest shapes.

    Args:
        rng: Source of randomness.
        sigma: Deviation of log radiance.
        lines: Downtrack size.
        samples: Crosstrack size.
        centres: (bands,) nm.
    """
    place = np.log(centres / centres.min()) / np.log(centres.max() / centres.min())
    order = np.arange(MODES)[:, None]
    shapes = np.cos(np.pi * order * place) / (1.0 + order)
    shapes *= sigma / np.sqrt((shapes**2).sum(axis=0).mean())
    maps = np.stack([_field(rng, lines, samples) for _ in range(MODES)], axis=2)
    return Continuum(maps, shapes.astype(np.float32))


def draw_ripple(rng: np.random.Generator, bands: int) -> Array:
    """Draw a smooth error (bands,) over wavelength, as calibration and the model of the air leave it."""
    knots = rng.normal(0.0, RIPPLE_SIGMA, RIPPLE_KNOTS)
    return np.interp(np.linspace(0, 1, bands), np.linspace(0, 1, RIPPLE_KNOTS), knots).astype(np.float32)


def _field(rng: np.random.Generator, lines: int, samples: int) -> Array:
    """Draw a map (lines, samples) of deviation 1: smooth, or in fields with sharp edges."""
    cell = float(rng.uniform(*CELL_PIXELS))
    knots = rng.standard_normal((int(lines / cell) + 2, int(samples / cell) + 2))
    down, across = _between(lines, len(knots), cell), _between(samples, knots.shape[1], cell)
    values = down @ knots @ across.T
    if rng.random() < STEPPED_SHARE:
        values = np.rint(values / STEP) * STEP
    return np.asarray(values / max(float(values.std()), 0.25), np.float32)


def _between(count: int, knots: int, cell: float) -> Array64:
    """Weights (count, knots) that interpolate linearly between knots ``cell`` pixels apart."""
    at = np.arange(count) / cell
    index = np.minimum(at.astype(int), knots - 2)
    weights = np.zeros((count, knots))
    rows = np.arange(count)
    weights[rows, index] = 1.0 - (at - index)
    weights[rows, index + 1] = at - index
    return weights
