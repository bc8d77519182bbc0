"""Smooth variation that belongs to no absorber: brightness, slope and low-order curves over wavelength."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.arrays import Array, namespace
from onboard.scenes.response import Float64

Field = NDArray[np.float32]
DARKEST, BRIGHTEST = 0.003, 1.0


def waves(nm: Float64, count: int) -> Float64:
    """Return curves (count, n) over wavelengths (n,) in nm: a constant, a slope, then half waves 1, 2, ...

    All lie within -1..1 over 300-2500 nm.
    """
    x = (nm - 1400.0) / 1100.0
    return np.stack(
        [np.ones_like(x), x, *(np.sin(0.5 * np.pi * k * (x + 1.0)) for k in range(1, count - 1))]
    )[:count]


def tilted(reflectance: Array, curve: Array) -> Array:
    """Multiply the odds r / (1 - r) of reflectance by exp(curve), both (..., bands).

    Dark spectra vary in proportion, bright ones stay below 1.
    """
    xp = namespace(reflectance, curve)
    factor = xp.exp(curve)
    return reflectance * factor / (1.0 + reflectance * (factor - 1.0))
