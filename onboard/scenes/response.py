"""Band responses: Gaussian weights that average a fine spectrum into the bands of a sensor."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.errors import UsageError

Float64 = NDArray[np.float64]
FWHM_TO_SIGMA = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
_REACH_SIGMAS = 4.0


def check_bands(centres: ArrayLike, fwhm: ArrayLike) -> tuple[Float64, Float64]:
    """Return centres and FWHM (bands,) in nm as float64, refused unless finite, positive, of one length.

    Raises:
        UsageError: the table of bands is no table of bands.
    """
    c = np.atleast_1d(np.asarray(centres, dtype=np.float64))
    w = np.atleast_1d(np.asarray(fwhm, dtype=np.float64))
    if c.ndim != 1 or c.shape != w.shape or c.size == 0:
        raise UsageError(
            "band centres and widths do not belong together",
            field="fwhm",
            found=f"shapes {c.shape} and {w.shape}",
            expected="two vectors of one length, at least one band",
        )
    for name, values in (("centres", c), ("fwhm", w)):
        if not np.all(np.isfinite(values) & (values > 0.0)):
            raise UsageError(
                "a band table holds a value that is no wavelength",
                field=name,
                found=values[~(np.isfinite(values) & (values > 0.0))][0],
                expected="finite and positive, in nm",
            )
    return c, w


def band_weights(grid: ArrayLike, centres: ArrayLike, fwhm: ArrayLike) -> Float64:
    """Gaussian response weights of each band over a wavelength grid.

    Args:
        grid: (n,) ascending wavelengths in nm; need not be uniform, each point counts with its spacing.
        centres: (bands,) band centres in nm.
        fwhm: (bands,) full widths at half maximum in nm.

    Returns:
        (bands, n) float64; every row is non-negative and sums to 1.

    Raises:
        UsageError: a malformed band table, or a band whose centre lies off the grid.
    """
    c, w = check_bands(centres, fwhm)
    g = np.asarray(grid, dtype=np.float64)
    outside = (c < g[0]) | (c > g[-1])
    if np.any(outside):
        raise UsageError(
            "a band lies outside the tabulated spectrum",
            field="centres",
            found=f"{c[outside][0]:.2f} nm",
            expected=f"{g[0]:.2f} to {g[-1]:.2f} nm",
            remedy="drop that band",
        )
    # A band narrower than the grid still has to meet a point of it.
    spacing = np.gradient(g)
    sigma = np.maximum(w * FWHM_TO_SIGMA, 0.5 * np.interp(c, g, spacing))
    z = (g[None, :] - c[:, None]) / sigma[:, None]
    weights = np.where(np.abs(z) <= _REACH_SIGMAS, np.exp(-0.5 * z * z), 0.0) * spacing[None, :]
    result: Float64 = weights / weights.sum(axis=1, keepdims=True)
    return result


def read_table(name: str) -> tuple[list[str], list[list[str]]]:
    """Read a packaged table of ``onboard/scenes/data``: its header, then its rows; ``#`` lines are notes."""
    text = resources.files("onboard.scenes").joinpath("data", name).read_text(encoding="ascii")
    rows = list(csv.reader(line for line in text.splitlines() if line and not line.startswith("#")))
    return rows[0], rows[1:]


def read_numbers(name: str) -> tuple[list[str], Float64]:
    """Read a packaged table that holds numbers alone: its column names and (rows, columns) float64."""
    header, rows = read_table(name)
    return header, np.array(rows, dtype=np.float64)
