"""Spectral library: reflectance of minerals, plants, soils, materials, snow and water, for any bands.

The built-in library is parametric, in apparent absorbance a = -ln(reflectance): a cubic spline through
a few knots for the continuum, plus absorption features, each a Gaussian with its own width on either
side (in the manner of the modified Gaussian model, Sunshine et al. 1990, JGR 95, 6955-6966).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onboard.errors import CaptureError, UsageError
from onboard.minerals import MINERALS
from onboard.scenes.response import Float64, band_weights, check_bands, read_table

GRID = np.arange(360.0, 2521.0, 2.5)
KNOTS = np.array(
    [360, 410, 470, 540, 620, 700, 760, 850, 1000, 1150, 1320, 1600, 1800, 2060, 2300, 2520], dtype=np.float64
)
DARKEST, BRIGHTEST = 0.005, 1.0
MIN_VARIANTS = 6
_EDGE_NM = 30.0
_LEAST_FILLED = 0.6
# Depth of features, shift of centres in nm, brightness: finer and coarser grains, other compositions.
_VARIANTS = ((0.55, 0.0, 1.10), (1.5, 0.0, 0.80), (0.8, 3.0, 1.05), (1.2, -3.0, 0.92), (0.4, 1.5, 1.0))


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


def load_library(path: str | PathLike[str] | None = None) -> Library:
    """Return the built-in library, or one read from a CSV file.

    Args:
        path: None, or a CSV file with header ``class,sample,<wavelength in nm>,...`` and one spectrum of
            reflectance a row; wavelengths in any order, repeated ones are averaged, empty cells are gaps to
            interpolate over. Classes named as the ten minerals count as those; every other is background.

    Raises:
        CaptureError: the file cannot be read, or is no such table.
    """
    return _built_in() if path is None else _read_csv(Path(path))


def _read_csv(path: Path) -> Library:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CaptureError(
            "a spectral library cannot be read",
            file=path,
            found=str(error),
            expected="a CSV text file",
            remedy="check the path",
        ) from error
    if len(rows) < 2 or len(rows[0]) < 10 or [c.strip().lower() for c in rows[0][:2]] != ["class", "sample"]:
        raise CaptureError(
            "a spectral library is no table of spectra",
            file=path,
            field="header",
            found=",".join(rows[0][:4]) if rows else "nothing",
            expected="class,sample and at least 8 wavelengths in nm, then at least one spectrum",
        )
    wavelengths = _numbers(path, "header", rows[0][2:])
    _check_reach(path, wavelengths)
    spectra = np.stack([_spectrum(path, i, row, wavelengths) for i, row in enumerate(rows[1:], 2)])
    return Library(tuple(r[1] for r in rows[1:]), tuple(r[0].strip() for r in rows[1:]), spectra, str(path))


def _numbers(path: Path, field: str, texts: list[str]) -> Float64:
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError as error:
        raise CaptureError(
            "a spectral library holds what is no number", file=path, field=field, found=str(error)
        ) from error
    bad = ~np.isfinite(numbers)
    if np.any(bad):
        raise CaptureError(
            "a spectral library holds a value that is not finite",
            file=path,
            field=field,
            found=numbers[bad][0],
            expected="a finite number",
            remedy="leave cells without a value empty",
        )
    return numbers


def _spectrum(path: Path, line: int, row: list[str], wavelengths: Float64) -> Float64:
    """Bring one row onto GRID (n,): sorted, repeats averaged, gaps interpolated, ends held."""
    field = f"line {line}"
    if len(row) != wavelengths.size + 2:
        raise CaptureError(
            "a spectrum is not as long as the header",
            file=path,
            field=field,
            found=f"{len(row)} columns",
            expected=f"{wavelengths.size + 2} columns",
        )
    there = np.array([bool(text.strip()) for text in row[2:]])
    if there.mean() < _LEAST_FILLED:
        raise CaptureError(
            "a spectrum has too many gaps",
            file=path,
            field=field,
            found=f"{there.sum()} values",
            expected=f"at least {int(np.ceil(_LEAST_FILLED * wavelengths.size))}",
            remedy="leave that spectrum out",
        )
    values = _numbers(path, field, [text for text in row[2:] if text.strip()])
    low, high = float(values.min()), float(values.max())
    if low < -0.1 or high > 2.0:
        raise CaptureError(
            "a spectral library holds what is no reflectance",
            file=path,
            field=field,
            found=f"{low:g} to {high:g}",
            expected="about 0 to 1",
            remedy="scale reflectance to 0..1 and leave cells without a value empty",
        )
    unique, place = np.unique(wavelengths[there], return_inverse=True)
    merged = np.bincount(place, values) / np.bincount(place)
    result: Float64 = np.clip(np.interp(GRID, unique, merged), DARKEST, BRIGHTEST)
    return result


def _check_reach(path: Path, wavelengths: Float64) -> None:
    low, high = float(wavelengths.min()), float(wavelengths.max())
    if low > 381.0 + _EDGE_NM or high < 2493.0 - _EDGE_NM:
        raise CaptureError(
            "a spectral library does not reach over the bands",
            file=path,
            field="header",
            found=f"{low:g} to {high:g} nm",
            expected="381 to 2493 nm",
            remedy="give wavelengths in nm, not micrometres" if high < 100.0 else None,
        )
