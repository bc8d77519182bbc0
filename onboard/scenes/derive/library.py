"""Derive data/library.csv: fit the parametric model of library.py to spectra of a public library.

``python -m onboard.scenes.derive.library SPECTRA.csv`` with a CSV of header ``class,sample,wavelengths``
(USGS Spectral Library 06, Clark et al. 2007, Digital Data Series 231, public domain, convolved to the
AVIRIS bands). Only fitted figures are written: knots of the continuum; centre, widths and depth of features.
"""

from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from onboard.minerals import MINERALS
from onboard.scenes.derive.materials import hand_made
from onboard.scenes.library import KNOTS, Material, absorbance, load_library, spline_matrix
from onboard.scenes.response import FWHM_TO_SIGMA

Float64 = NDArray[np.float64]
TARGET = Path(__file__).parents[1] / "data" / "library.csv"
LIMIT_RMS = 0.01
INSTRUMENT_SIGMA = 10.0 * FWHM_TO_SIGMA  # AVIRIS bands are about 10 nm wide
NARROWEST = 6.0  # sharper would be ripples read into the 10 nm bands
WIDTHS = (7.0, 10.0, 15.0, 22.0, 33.0, 50.0, 75.0, 110.0)
MOST_FEATURES, ENOUGH_RMS = 13, 0.0025
# Left out: mixtures that hold one of the ten minerals under another name; sums and ratios of spectra.
LEFT_OUT = ("Limestone", "Montmorill+", "GDS91 +", "GDS91 /")
_LOG = logging.getLogger(__name__)
NOTE = """\
# Parametric spectra: continuum knots (absorbance -ln R), then features (centre, two sigmas in nm, depth).
# Source: fitted by derive/library.py to the USGS Spectral Library splib06a (Clark et al. 2007, Data Series
# 231, public domain); soils and those marked (figures) come from published figures in derive/materials.py.
"""


def measured(wavelengths: Float64, reflectance: Float64) -> tuple[Float64, Float64]:
    """Sort, merge what overlapping detectors measured twice, drop the noisy ends and bad values."""
    good = (reflectance > 1e-3) & (reflectance < 1.5) & (wavelengths >= 375.0) & (wavelengths <= 2497.0)
    order = np.argsort(wavelengths[good])
    return wavelengths[good][order], np.clip(reflectance[good][order], 0.004, 1.0)


def blurred(features: Float64) -> Float64:
    """Return features (k, 4) as the 10 nm bands of the source see them: wider and shallower."""
    seen = features.copy()
    seen[:, 1:3] = np.hypot(features[:, 1:3], INSTRUMENT_SIGMA)
    seen[:, 3] *= (features[:, 1] + features[:, 2]) / (seen[:, 1] + seen[:, 2])
    return seen


def pursue(x: Float64, a: Float64, weight: Float64, bright: Float64) -> Float64:
    """Choose features (k, 4) for absorbance a (n,) one by one, each the one that explains most."""
    basis = spline_matrix(x)
    centres = np.arange(390.0, 2491.0, 5.0)
    atoms = np.array([(c, w, w, 1.0) for w in WIDTHS for c in centres])
    seen = blurred(atoms)
    columns = seen[:, 3:] * np.exp(-0.5 * ((x[None, :] - seen[:, :1]) / seen[:, 1:2]) ** 2) * weight
    q, _ = np.linalg.qr(basis * weight[:, None])
    free = columns - (columns @ q) @ q.T
    free /= np.linalg.norm(free, axis=1, keepdims=True) + 1e-3
    target = a * weight - q @ (q.T @ (a * weight))
    chosen: list[int] = []
    residual, depths = target, np.zeros(0)
    while len(chosen) < MOST_FEATURES:
        chosen.append(int(np.argmax(free @ residual)))
        design = columns[chosen] - (columns[chosen] @ q) @ q.T
        depths, _ = nnls(design.T, target)
        residual = target - depths @ design
        if np.sqrt(np.mean((residual / weight * bright) ** 2)) < ENOUGH_RMS:
            break
    picked = atoms[chosen]
    picked[:, 3] = depths
    return picked[depths > 1e-3]


def refine(x: Float64, a: Float64, weight: Float64, features: Float64) -> tuple[Float64, Float64]:
    """Move centres, widths and depths (k, 4) to the least squares; return knots and features."""
    basis = spline_matrix(x) * weight[:, None]
    solve = np.linalg.pinv(basis)

    def model(parameters: Float64) -> tuple[Float64, Float64]:
        f = blurred(parameters.reshape(-1, 4))
        offset = x[None, :] - f[:, :1]
        shape = f[:, 3:] * np.exp(-0.5 * (offset / np.where(offset < 0, f[:, 1:2], f[:, 2:3])) ** 2)
        rest = (a - shape.sum(axis=0)) * weight
        knots = solve @ rest
        return rest - basis @ knots, knots

    start = features.copy()
    low = np.stack([start[:, 0] - 12.0, start[:, 1] * 0.6, start[:, 2] * 0.6, start[:, 3] * 0.0], axis=1)
    low[:, 1:3] = np.maximum(low[:, 1:3], NARROWEST)
    high = np.stack(
        [start[:, 0] + 12.0, start[:, 1] * 1.7, start[:, 2] * 1.7, start[:, 3] * 4 + 0.05], axis=1
    )
    scale = np.stack([np.full(len(start), 5.0), start[:, 1], start[:, 2], start[:, 3] + 0.01], axis=1)
    found = least_squares(
        lambda p: model(p)[0],
        start.ravel(),
        bounds=(low.ravel(), high.ravel()),
        x_scale=scale.ravel(),
        max_nfev=15,
    )
    return model(found.x)[1], found.x.reshape(-1, 4)


def fit(material_class: str, name: str, x: Float64, reflectance: Float64) -> tuple[Material, float]:
    """Fit one spectrum; return it and the RMS misfit in reflectance."""
    a = -np.log(reflectance)
    weight = np.clip(reflectance, 0.03, 1.0) ** 0.7
    knots, features = refine(x, a, weight, pursue(x, a, weight, reflectance))
    features = features[np.lexsort((features[:, 0],))]
    features = features[features[:, 3] > 1e-3]
    features = np.column_stack([np.round(features[:, :3], 1), np.round(features[:, 3], 4)])
    rounded = Material(material_class, name, np.round(knots, 4), features)
    seen = Material(material_class, name, rounded.knots, blurred(rounded.features))
    misfit = np.exp(-absorbance([seen], x)[0]) - reflectance
    return rounded, float(np.sqrt(np.mean(misfit**2)))


def tidy(sample: str, taken: set[str]) -> str:
    """Return a short, unique name: without the spectrometer's codes and without commas."""
    name = re.sub(r"\s*s06av18a.*$", "", sample).replace(",", " ").strip()
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} #{number}"
    taken.add(unique)
    return unique


def row_of(material: Material) -> str:
    """Return a material as a line of the table."""
    numbers = [f"{v:.4f}" for v in material.knots]
    numbers += [f"{c:.1f},{left:.1f},{right:.1f},{d:.4f}" for c, left, right, d in material.features]
    return ",".join([material.material_class, material.name, *numbers])


def main() -> None:
    """Fit every spectrum that the model can follow, and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spectra", type=Path)
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--dry-vegetation-step", type=int, default=2, help="take one in so many")
    options = parser.parse_args()
    load_library(options.spectra)  # refuses a malformed file with a clear word
    rows = [line.split(",") for line in options.spectra.read_text(encoding="utf-8").splitlines()]
    wavelengths = np.array(rows[0][2:], dtype=np.float64)
    taken: set[str] = set()
    lines, dry = [], 0
    for row in rows[1:]:
        if any(mark in row[1] for mark in LEFT_OUT):
            continue
        if row[0] == "dry_vegetation":
            dry += 1
            if dry % options.dry_vegetation_step:
                continue
        x, reflectance = measured(wavelengths, np.array([v or "nan" for v in row[2:]], dtype=np.float64))
        material, rms = fit(row[0], tidy(row[1], taken), x, reflectance)
        keep = rms < LIMIT_RMS or row[0] in MINERALS
        _LOG.info("%s %-16s %-40s %.4f", "keep" if keep else "DROP", row[0], material.name, rms)
        if keep:
            lines.append(row_of(material))
    lines += [row_of(material) for material in hand_made()]
    header = ",".join(["class", "name", *(f"knot_{k:g}" for k in KNOTS), "features"])
    options.out.write_text(NOTE + header + "\n" + "\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
