"""Bad detector elements and how EMIT's processing fills them in.

EMIT's level 1B replaces what bad elements of a column say by a match within the same line: the spectrum of
the column without bad elements that is most alike (least spectral angle over the column's good elements),
scaled and shifted by a linear regression over them (Chapman et al. 2019, Remote Sens. 11, 2129; emit-sds/
emit-sds-l1b, utils/fixbad.py). So a bad element carries a neighbour's noise, and none of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.arrays import Array, like, namespace
from onboard.scenes.memory import root

# From EMIT_BadElements_20220307 (emit-sds/emit-sds-l1b): 296 runs along wavelength on 1,236 x 285 elements,
# most of one element; 7 of 1,242 columns, six of them side by side or at an edge, have about a third of
# their elements bad, in runs of up to 24.
RUNS_AN_ELEMENT = 8.4e-4
RUN_ODDS = (232, 38, 20, 3, 2, 1)
RUN_WIDTH_ODDS = (0.81, 0.10, 0.06, 0.03)
SICK_COLUMNS = 7 / 1242
SICK_RUNS = 20
SICK_RUN_ODDS = (23, 12, 11, 8, 11, 5, 13, 13, 1, 4, 0, 0, 4, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1)
SICK_GROUP = 5
EMIT_BANDS = 285
MATCH_EVERY, DONOR_EVERY, FEW_BANDS = 3, 2, 24
"""Spectra are matched and fitted on every third band, against every second column, at a sixth of the cost;
on all bands of tables with few."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BadElements:
    """Bad elements of a detector, or of a window of it a scene.

    Attributes:
        bad: 1 for bad elements, else 0, float32 (samples, bands) or (n, 1, samples, bands).
        columns: Columns to be repaired, int64 (k,) or (n, k); those without bad elements may be among them,
            to fill up.
        compared: 1 for bands on which spectra may be compared, 0 for those of the filter's seam, (bands,).
    """

    bad: Array
    columns: Array
    compared: Array


def bad_elements(bad: Mask, array: Array, seam: tuple[int, ...] = ()) -> BadElements | None:
    """Prepare a map of bad elements for ``repair``, on the library and device of ``array``.

    Args:
        bad: True for bad elements, (samples, bands).
        array: Any array of the library and device.
        seam: Bands that are left out when spectra are compared.

    Returns:
        The elements, or None if none is bad.
    """
    columns = np.flatnonzero(bad.any(axis=1))
    if columns.size == 0:
        return None
    compared = like(~np.isin(np.arange(bad.shape[1]), seam), array)
    return BadElements(like(bad, array), like(columns, array, "int64"), compared)


def repair(radiance: Array, elements: BadElements) -> Array:
    """Return radiance, which is taken over, with bad elements filled in, line by line.

    Args:
        radiance: (..., samples, bands); with elements of n scenes (n, ..., samples, bands).
        elements: Which are bad.
    """
    xp = namespace(radiance)
    samples, bands = radiance.shape[-2:]
    columns = elements.columns if elements.columns.ndim == 2 else elements.columns[None, :]
    n, k = columns.shape
    bad = xp.reshape(elements.bad, (n, samples, bands))
    mask = xp.take_along_axis(bad, xp.broadcast_to(columns[:, :, None], (n, k, bands)), axis=1)[:, None, :, :]
    flat = xp.reshape(radiance, (-1, bands))
    lines = xp.reshape(flat, (n, -1, samples, bands))
    count = lines.shape[1]
    first = xp.arange(n * count, dtype=xp.int64, device=flat.device) * samples
    first = xp.reshape(first, (n, count, 1))
    rows = xp.reshape(first + columns[:, None, :], (-1,))
    own = xp.reshape(xp.take(flat, rows, axis=0), (n, count, k, bands))
    donors = first + _donors(lines, own, bad, (1.0 - mask) * elements.compared)
    other = xp.reshape(xp.take(flat, xp.reshape(donors, (-1,)), axis=0), own.shape)
    flat[rows] = xp.reshape(filled(own, other, mask, elements.compared), (-1, bands))
    return xp.reshape(flat, radiance.shape)


def _donors(lines: Array, own: Array, bad: Array, good: Array) -> Array:
    """Find the columns without bad elements whose spectra are most like given ones.

    Args:
        lines: (n, lines, samples, bands).
        own: Spectra to find the like of, (n, lines, k, bands).
        bad: (n, samples, bands).
        good: 1 for elements that are compared, (n, 1, k, bands).

    Returns:
        Numbers of columns, int64 (n, lines, k).
    """
    xp = namespace(lines)
    step = _step(lines.shape[-1])
    weights = xp.asarray(good[..., ::step], copy=True)
    # A copy of what is compared lies close together in memory.
    others = xp.asarray(lines[:, :, ::DONOR_EVERY, ::step], copy=True)
    product = (own[..., ::step] * weights) @ xp.matrix_transpose(others)
    others *= others
    # The spectrum's own length is the same for all donors; the penalty keeps bad columns out.
    product /= root(weights @ xp.matrix_transpose(others) + 1e-12)
    product -= xp.max(bad[:, ::DONOR_EVERY, :], axis=-1)[:, None, None, :] * 1e6
    return xp.argmax(product, axis=-1) * DONOR_EVERY


def _step(bands: int) -> int:
    return MATCH_EVERY if bands >= FEW_BANDS else 1


def filled(own: Array, donor: Array, bad: Array, compared: Array) -> Array:
    """Fill bad elements of spectra from donors, scaled and shifted to fit the good ones by least squares.

    Args:
        own: Spectra, (..., bands).
        donor: Spectra of other pixels, (..., bands).
        bad: 1 for bad elements, shaped to broadcast against (..., bands).
        compared: 1 for bands that may be fitted, (bands,).
    """
    xp = namespace(own)
    step = _step(own.shape[-1])
    good = ((1.0 - bad) * compared)[..., ::step]
    mine, theirs = own[..., ::step], donor[..., ::step]
    count = xp.clip(xp.sum(good, axis=-1, keepdims=True), min=1.0)
    good = good / count
    mean = xp.sum(theirs * good, axis=-1, keepdims=True)
    level = xp.sum(mine * good, axis=-1, keepdims=True)
    centred = theirs - mean
    weighted = centred * good
    variance = xp.clip(xp.sum(weighted * centred, axis=-1, keepdims=True), min=1e-12)
    slope = xp.sum(weighted * (mine - level), axis=-1, keepdims=True) / variance
    fitted = donor * slope
    fitted += level - slope * mean
    return xp.where(bad > 0, fitted, own)


def draw_bad_elements(rng: np.random.Generator, samples: int) -> Mask:
    """Draw a map of bad elements with the statistics of EMIT's, bool (samples, 285).

    Args:
        rng: Source of chance.
        samples: Columns.
    """
    bad = np.zeros((samples, EMIT_BANDS), np.bool_)
    runs = int(rng.poisson(RUNS_AN_ELEMENT * bad.size / _mean(RUN_WIDTH_ODDS)))
    for _ in range(runs):
        column, band = int(rng.integers(samples)), int(rng.integers(EMIT_BANDS))
        wide, long = _draw(rng, RUN_WIDTH_ODDS), _draw(rng, RUN_ODDS)
        bad[column : column + wide, band : band + long] = True
    left = int(rng.poisson(SICK_COLUMNS * samples))
    while left > 0:
        group = min(left, int(rng.integers(1, SICK_GROUP + 1)), samples)
        first = int(rng.integers(0, samples - group + 1))
        places = rng.integers(0, EMIT_BANDS, SICK_RUNS)
        for column in range(first, first + group):
            for band in places + rng.integers(-1, 2, SICK_RUNS):
                bad[column, max(int(band), 0) : int(band) + _draw(rng, SICK_RUN_ODDS)] = True
        left -= group
    return bad


def _draw(rng: np.random.Generator, odds: tuple[float, ...]) -> int:
    """Draw 1, 2, ... by odds."""
    weights = np.asarray(odds, np.float64)
    return 1 + int(rng.choice(len(odds), p=weights / weights.sum()))


def _mean(odds: tuple[float, ...]) -> float:
    weights = np.asarray(odds, np.float64)
    return float((np.arange(1, len(odds) + 1) * weights).sum() / weights.sum())
