"""Spectral library: reflectance of minerals, plants, soils, materials, snow and water, for any bands.

The built-in library is parametric, in apparent absorbance a = -ln(reflectance): a cubic spline through
a few knots for the continuum, plus absorption features, each a Gaussian with its own width on either
side (in the manner of the modified Gaussian model, Sunshine et al. 1990, JGR 95, 6955-6966).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.response import Float64, band_weights, check_bands, read_table

GRID = np.arange(360.0, 2521.0, 2.5)
KNOTS = np.array(
    [360, 410, 470, 540, 620, 700, 760, 850, 1000, 1150, 1320, 1600, 1800, 2060, 2300, 2520], dtype=np.float64
)
DARKEST, BRIGHTEST = 0.005, 1.0
MIN_VARIANTS = 6
# Depth of features, shift of centres in nm, brightness: finer and coarser grains, other compositions.
_VARIANTS = ((0.55, 0.0, 1.10), (1.5, 0.0, 0.80), (0.8, 3.0, 1.05), (1.2, -3.0, 0.92), (0.4, 1.5, 1.0))

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Material:
    """One parametric spectrum.

    ``knots`` (len(KNOTS),) is the continuum's absorbance; ``features`` (k, 4) holds each feature's centre,
    left and right Gaussian sigma in nm, and depth in absorbance.
    """

    material_class: str
    name: str
    knots: Float64
    features: Float64


@lru_cache(maxsize=4)
def _spline_cached(points: bytes) -> Float64:
    """Matrix (n, knots) of the natural cubic spline through KNOTS, evaluated at points."""
    x = np.frombuffer(points)
    n, h = KNOTS.size, np.diff(KNOTS)
    system, right = np.eye(n), np.zeros((n, n))
    for i in range(1, n - 1):
        system[i, i - 1 : i + 2] = h[i - 1], 2.0 * (h[i - 1] + h[i]), h[i]
        right[i, i - 1 : i + 2] = 6.0 / h[i - 1], -6.0 / h[i - 1] - 6.0 / h[i], 6.0 / h[i]
    curvature = np.linalg.solve(system, right)
    left = np.clip(np.searchsorted(KNOTS, x, side="right") - 1, 0, n - 2)
    width = h[left]
    a, b = ((KNOTS[left + 1] - x) / width)[:, None], ((x - KNOTS[left]) / width)[:, None]
    values = np.eye(n)
    curved = (a**3 - a) * curvature[left] + (b**3 - b) * curvature[left + 1]
    result: Float64 = a * values[left] + b * values[left + 1] + curved * (width**2 / 6.0)[:, None]
    return result


def spline_matrix(wavelengths: ArrayLike) -> Float64:
    """Matrix (n, knots) that takes the continuum's knots to wavelengths (n,) in nm."""
    return _spline_cached(np.ascontiguousarray(wavelengths, dtype=np.float64).tobytes())


def absorbance(materials: list[Material], wavelengths: Float64) -> Float64:
    """Apparent absorbance (len(materials), n) at wavelengths (n,) in nm."""
    total = np.stack([m.knots for m in materials]) @ spline_matrix(wavelengths).T
    features = np.concatenate([m.features for m in materials])
    owner = np.repeat(np.arange(len(materials)), [len(m.features) for m in materials])
    offset = (wavelengths[None, :] - features[:, :1]).astype(np.float32)
    sigma = np.where(offset < 0.0, features[:, 1:2], features[:, 2:3]).astype(np.float32)
    shape = features[:, 3:].astype(np.float32) * np.exp(-0.5 * (offset / sigma) ** 2)
    np.add.at(total, owner, shape)
    return total


@dataclass(frozen=True)
class Library:
    """Spectra by class.

    ``names`` and ``classes`` (n,); ``mineral_index`` (n,) int: place among the ten minerals, -1 for none;
    ``spectra`` (n, len(GRID)) reflectance on GRID; ``source`` says where they come from.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    spectra: Float64
    source: str

    def __len__(self) -> int:
        return len(self.names)

    @property
    def mineral_index(self) -> NDArray[np.int64]:
        """Index (n,) of each spectrum's class among the ten minerals, or -1."""
        return np.array([MINERALS.index(c) if c in MINERALS else -1 for c in self.classes], dtype=np.int64)

    def members(self, *classes: str) -> NDArray[np.int64]:
        """Indices of the spectra whose class is any of those named.

        Raises:
            UsageError: no spectrum has such a class.
        """
        found = np.flatnonzero([c in classes for c in self.classes])
        if found.size == 0:
            raise UsageError(
                "no spectrum of that class",
                file=self.source,
                field="class",
                found=", ".join(classes),
                expected=", ".join(sorted(set(self.classes))),
            )
        return found

    def taken(self, numbers: ArrayLike) -> Library:
        """Return a library of the spectra of given numbers (k,), in that order."""
        chosen = np.asarray(numbers, dtype=np.int64)
        names, classes = (tuple(f[i] for i in chosen) for f in (self.names, self.classes))
        return Library(names, classes, self.spectra[chosen], self.source)

    def joined(self, other: Library) -> Library:
        """Return a library of this one's spectra, then another's."""
        stacked = np.concatenate([self.spectra, other.spectra])
        source = f"{self.source} with {other.source}"
        return Library(self.names + other.names, self.classes + other.classes, stacked, source)

    def reflectance(self, centres: ArrayLike, fwhm: ArrayLike) -> NDArray[np.float32]:
        """Reflectance (n, bands) float32 in 0.005..1 for bands of given centres and FWHM in nm.

        Raises:
            UsageError: a malformed band table, or a band outside 360-2520 nm.
        """
        weights = band_weights(GRID, *check_bands(centres, fwhm))
        rho: NDArray[np.float32] = np.clip(self.spectra @ weights.T, DARKEST, BRIGHTEST).astype(np.float32)
        return rho

    def perturb(
        self,
        spectra: ArrayLike,
        rng: np.random.Generator,
        centres: ArrayLike | None = None,
        strength: float = 1.0,
    ) -> NDArray[np.float32]:
        """Vary spectra as samples of one material vary (see the function `perturb`)."""
        return perturb(spectra, rng, centres, strength)


def perturb(
    spectra: ArrayLike, rng: np.random.Generator, centres: ArrayLike | None = None, strength: float = 1.0
) -> NDArray[np.float32]:
    """Vary each spectrum smoothly: brightness, slope, low-frequency curves and depth of features.

    Args:
        spectra: (n, bands) reflectance.
        rng: source of chance; the result depends on it and the arguments alone.
        centres: (bands,) in nm; even spacing over 381-2493 nm if not given.
        strength: 0 changes nothing, 1 is the spread among samples of one mineral.

    Returns:
        (n, bands) float32 reflectance in 0.005..1.
    """
    rho = np.atleast_2d(np.asarray(spectra, dtype=np.float32))
    n, bands = rho.shape
    nm = np.linspace(381.0, 2493.0, bands) if centres is None else np.asarray(centres, dtype=np.float64)
    x = ((nm - 1400.0) / 1100.0).astype(np.float32)
    log_rho = np.log(np.clip(rho, DARKEST, BRIGHTEST))
    smooth = log_rho @ _smoother(nm)
    depth = np.exp(strength * rng.normal(0.0, 0.25, (n, 1)))
    waves = np.stack([np.ones_like(x), x, *(np.sin(np.pi * k * (x + 1.0) / 2.0) for k in (1, 2, 3, 4))])
    size = strength * np.array([0.15, 0.08, 0.05, 0.03, 0.02, 0.015])
    curve = rng.normal(0.0, 1.0, (n, len(size))) * size @ waves
    varied = np.exp(smooth + depth * (log_rho - smooth) + curve)
    result: NDArray[np.float32] = np.clip(varied, DARKEST, BRIGHTEST).astype(np.float32)
    return result


def _smoother(nm: Float64) -> NDArray[np.float32]:
    """Matrix (bands, bands), applied from the right, that keeps only what is broader than features."""
    weights = np.exp(-0.5 * ((nm[:, None] - nm[None, :]) / 130.0) ** 2)
    result: NDArray[np.float32] = (weights / weights.sum(axis=0, keepdims=True)).astype(np.float32)
    return result


def read_materials() -> list[Material]:
    """Read the packaged table of fitted figures (data/library.csv), as it lies."""
    _, rows = read_table("library.csv")
    materials = []
    for row in rows:
        numbers = np.array(row[2:], dtype=np.float64)
        knots, features = numbers[: KNOTS.size], numbers[KNOTS.size :].reshape(-1, 4)
        materials.append(Material(row[0], row[1], knots, features))
    return materials


def _variant(spectrum: Float64, depth: float, shift: float, brightness: float) -> Float64:
    """Return a spectrum (n,) on GRID with deeper or shallower, shifted features, in another brightness."""
    log_rho = np.log(np.maximum(spectrum, DARKEST))
    smooth = log_rho @ _smoother(GRID).astype(np.float64)
    shifted = np.interp(GRID - np.where(GRID > 1300.0, shift, 0.0), GRID, log_rho - smooth)
    varied = np.exp(smooth + depth * shifted)
    result: Float64 = varied * min(brightness, 0.97 / float(varied.max()))
    return result


@lru_cache(maxsize=1)
def _built_in() -> Library:
    """The packaged spectra; minerals with few samples get variants, so that each has at least six."""
    materials = read_materials()
    names, classes = [m.name for m in materials], [m.material_class for m in materials]
    spectra = list(np.clip(np.exp(-absorbance(materials, GRID)), DARKEST, BRIGHTEST))
    for mineral in MINERALS:
        own = [i for i, c in enumerate(classes) if c == mineral]
        wanted = max(MIN_VARIANTS - len(own), 0)
        recipes = [(i, v) for v in _VARIANTS for i in own][:wanted]
        for number, (i, recipe) in enumerate(recipes, 1):
            names.append(f"{names[i]}, variant {number}")
            classes.append(mineral)
            spectra.append(_variant(spectra[i], *recipe))
    stacked = np.stack(spectra)
    stacked.setflags(write=False)
    return Library(tuple(names), tuple(classes), stacked, "built-in")


def completed(library: Library) -> Library:
    """Return a library that has every class that scenes are made of.

    Classes that it lacks come from the built-in library; a log line names them. A whole library is returned
    as it is.
    """
    built_in = _built_in()
    lacking = [c for c in dict.fromkeys(built_in.classes) if c not in library.classes]
    if not lacking:
        return library
    _LOG.warning("%s has no %s: taken from the built-in library", library.source, ", ".join(lacking))
    return library.joined(built_in.taken(built_in.members(*lacking)))


def load_library(path: str | PathLike[str] | None = None) -> Library:
    """Return the built-in library, or the user's.

    Args:
        path: None, or what ``spectra.readers.read_library`` takes: a CSV file, an ENVI spectral library, a
            text file of the USGS or ECOSTRESS libraries or a folder of them.

    Raises:
        CaptureError: the path cannot be read, or is no such library.
    """
    if path is None:
        return _built_in()
    from onboard.scenes.spectra.readers import read_library

    return read_library(Path(path))
