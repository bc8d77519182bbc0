"""Minerals by the fit of their absorption features, as Tetracorder and EMIT's L2B product do it.

Each mineral has diagnostic features; in each, a straight continuum between two shoulders is divided out,
and the pixel's shape is fitted by least squares with that of every reference sample. The score of a sample
is fit times depth, both weighted by the size of its features; the mineral's is that of its best sample
(Clark et al. 2003, JGR 108, 5131, section 4; Clark et al. 1990, JGR 95, 12653). Iron oxides compete with
each other near 0.9 um, all other minerals near 2.3 um, and the best of each group alone is kept, as in
groups 1 and 2 of EMIT L2B.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError

Array = npt.NDArray[np.float32]

BLOCK_PIXELS = 1 << 16
LEAST_REFLECTANCE = 0.02
LEAST_DEPTH = 1e-3


@dataclass(frozen=True)
class Feature:
    """An absorption feature between two shoulders; wavelengths in nm.

    Attributes:
        left: Range of the left shoulder, where the continuum starts.
        right: Range of the right shoulder.
    """

    left: tuple[float, float]
    right: tuple[float, float]


@dataclass(frozen=True)
class Diagnosis:
    """How a mineral is known: its features, and the group within which minerals compete."""

    group: int
    features: tuple[Feature, ...]


# Shoulders of chlorite, dolomite and goethite: tetracorder 5.27, cmds.abundances, 10.5281/zenodo.11204505.
# The others frame the features that Clark et al. 1990 list, from where library spectra have their shoulders.
DIAGNOSES: Mapping[str, Diagnosis] = {
    "calcite": Diagnosis(2, (Feature((2225, 2260), (2370, 2400)),)),
    "chlorite": Diagnosis(
        2, (Feature((2188, 2218), (2404, 2432)), Feature((2188, 2218), (2258, 2278)))
    ),
    "dolomite": Diagnosis(2, (Feature((2158, 2188), (2357, 2387)),)),
    "goethite": Diagnosis(
        1, (Feature((416, 457), (562, 595)), Feature((745, 776), (1266, 1296)))
    ),
    "gypsum": Diagnosis(2, (Feature((1660, 1690), (1800, 1815)), Feature((2115, 2150), (2280, 2310)))),
    "hematite": Diagnosis(1, (Feature((740, 770), (970, 1020)), Feature((600, 620), (740, 760)))),
    "illite_muscovite": Diagnosis(
        2, (Feature((2120, 2150), (2265, 2290)), Feature((2290, 2310), (2380, 2400)))
    ),
    "kaolinite": Diagnosis(2, (Feature((2100, 2130), (2245, 2275)),)),
    "montmorillonite": Diagnosis(2, (Feature((2120, 2150), (2260, 2290)),)),
    "vermiculite": Diagnosis(2, (Feature((2190, 2240), (2380, 2410)),)),
}  # fmt: skip


def window_bands(centres: npt.ArrayLike, feature: Feature) -> npt.NDArray[np.int64]:
    """Indices of the bands from a feature's left shoulder to its right one.

    Raises:
        UsageError: A shoulder holds no band, or fewer than three bands lie between.
    """
    nm = np.asarray(centres, np.float64)
    for low, high in (feature.left, feature.right):
        if not np.any((nm >= low) & (nm <= high)):
            raise UsageError(
                "no band lies on a feature's shoulder", field="centres", expected=f"{low} to {high} nm"
            )
    bands = np.flatnonzero((nm >= feature.left[0]) & (nm <= feature.right[1]))
    if bands.size < 5:
        raise UsageError("too few bands for a feature", field="centres", found=bands.size, expected=5)
    return bands


def continuum_removed(reflectance: Array, centres: npt.ArrayLike, feature: Feature) -> Array:
    """Reflectance over the straight continuum between a feature's shoulders.

    Args:
        reflectance: (..., bands).
        centres: (bands,) nm.
        feature: The feature.

    Returns:
        (..., W) float32 for the W bands of ``window_bands``: about 1 on the shoulders, less in a feature;
        NaN where the continuum is no brighter than 0.02.
    """
    bands = window_bands(centres, feature)
    nm = np.asarray(centres, np.float64)[bands]
    part = np.asarray(reflectance[..., bands], np.float32)
    left, right = nm <= feature.left[1], nm >= feature.right[0]
    start = part[..., left].mean(axis=-1, dtype=np.float32)
    end = part[..., right].mean(axis=-1, dtype=np.float32)
    position = ((nm - nm[left].mean()) / (nm[right].mean() - nm[left].mean())).astype(np.float32)
    continuum = start[..., None] + (end - start)[..., None] * position
    dark = np.minimum(start, end) < LEAST_REFLECTANCE
    return np.asarray(np.where(dark[..., None], np.nan, part / np.where(dark[..., None], 1.0, continuum)))


def feature_fit(
    reflectance: Array,
    centres: npt.ArrayLike,
    references: Mapping[str, Array],
    *,
    diagnoses: Mapping[str, Diagnosis] = DIAGNOSES,
    exclusive: bool = True,
) -> Array:
    """Score every mineral in every pixel.

    Args:
        reflectance: (lines, samples, bands) float32; NaN where unknown.
        centres: (bands,) nm.
        references: Reflectance (n, bands) of the samples of each mineral; their order is the result's.
        diagnoses: How each mineral is known.
        exclusive: Keep the best mineral of each group only, and 0 for the others.

    Returns:
        (minerals, lines, samples) float32, fit times depth, at least 0; 0 where nothing can be said.

    Raises:
        UsageError: A mineral without diagnosis or samples, or bands that do not reach over its features.
    """
    names = list(references)
    for name in names:
        if name not in diagnoses or len(references[name]) == 0:
            raise UsageError(
                "a mineral that cannot be fitted",
                field="references",
                found=name,
                expected=f"samples, and one of {', '.join(diagnoses)}",
            )
    lines, samples, bands = reflectance.shape
    pixels = reflectance.reshape(-1, bands)
    scores = np.empty((len(names), len(pixels)), np.float32)
    for first in range(0, len(pixels), BLOCK_PIXELS):
        part = pixels[first : first + BLOCK_PIXELS]
        for row, name in enumerate(names):
            scores[row, first : first + len(part)] = _score(part, centres, references[name], diagnoses[name])
    if exclusive:
        _keep_best(scores, [diagnoses[name].group for name in names])
    return scores.reshape(len(names), lines, samples)


def _score(pixels: Array, centres: npt.ArrayLike, samples: Array, diagnosis: Diagnosis) -> Array:
    """Fit times depth (pixels,) of the best sample (n, bands)."""
    fit = np.zeros((len(pixels), len(samples)), np.float32)
    depth, weight = np.zeros_like(fit), np.zeros(len(samples), np.float32)
    for feature in diagnosis.features:
        shape = continuum_removed(samples, centres, feature)
        found = continuum_removed(pixels, centres, feature)
        correlation, slope = _least_squares(found, shape)
        deepest = 1.0 - shape.min(axis=1)
        size = np.where(np.isfinite(deepest) & (deepest > LEAST_DEPTH), deepest, 0.0) * shape.shape[1]
        fit += size * np.maximum(correlation, 0.0) ** 2
        depth += size * np.maximum(slope, 0.0) * np.where(size > 0, deepest, 0.0)
        weight += size
    whole = np.maximum(weight, 1e-12)
    return np.asarray((fit / whole * depth / whole).max(axis=1))


def _least_squares(found: Array, shape: Array) -> tuple[Array, Array]:
    """Correlation and slope (pixels, n) of found (pixels, W) on shapes (n, W); 0 where undefined."""
    x = shape - shape.mean(axis=1, keepdims=True)
    y = found - found.mean(axis=1, keepdims=True)
    known, usable = np.isfinite(y).all(axis=1), np.isfinite(x).all(axis=1)
    x, y = np.where(usable[:, None], x, 0.0), np.where(known[:, None], y, 0.0)
    product = y @ x.T
    xx, yy = (x * x).sum(axis=1), (y * y).sum(axis=1)
    slope = product / np.maximum(xx, 1e-12)
    correlation = product / np.maximum(np.sqrt(yy[:, None] * xx), 1e-12)
    return correlation, slope


def _keep_best(scores: Array, groups: Sequence[int]) -> None:
    """Set all but the best score of each group to 0, in place."""
    for group in set(groups):
        rows = np.flatnonzero(np.asarray(groups) == group)
        part = scores[rows]
        scores[rows] = np.where(part == part.max(axis=0), part, np.float32(0))
