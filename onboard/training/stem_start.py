"""Where a line stem starts: directions that tell minerals, gas and light apart on linear grounds alone.

A stem of random weights spends most of a training on finding narrow features among the continuum, and what
it finds first are the slopes of the few samples that it sees. Linear discriminants (Fisher 1936, Annals of
Eugenics 7, 179) know from the covariance within captures what varies anyway, and look past it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from onboard.minerals import MINERALS
from onboard.models.linescan import Linescan
from onboard.progress import progress
from onboard.scenes import methane
from onboard.training.augment import draw_continuum
from onboard.training.dataset import unpack_log
from onboard.training.pool import ABUNDANCE_STEPS, Patch, Pool
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float64]

PATCHES, PIXELS = 240, 1500
"""Patches that are looked at, and pixels of each."""
STREAM = 0x57E4
RIDGE = 3e-5
"""Variance of log radiance added to every direction, about that of EMIT's noise in two knots."""
START_RMS = 1.0
"""Root mean square of a feature's weights: features are scaled later, and the optimizer's steps are not."""
GAS_PPMM = 1000.0
GAS_WINDOWS_NM = (
    (370.0, 2510.0),
    (1590.0, 1760.0),
    (2100.0, 2260.0),
    (2240.0, 2360.0),
    (2340.0, 2470.0),
)
"""Where gas is sought: everywhere, then in parts, which agree on gas and seldom on anything else."""


@dataclass(frozen=True)
class Moments:
    """What the start follows from, over the stem's knots.

    Attributes:
        total: (knots, knots) covariance over all captures.
        within: (knots, knots) covariance about each capture's mean.
        shifts: (minerals, knots) mean about the capture's mean where a mineral is present, less elsewhere.
    """

    total: Array
    within: Array
    shifts: Array


def start_stem(network: Linescan, pool: Pool, tables: FlightTables, recipe: Recipe) -> None:
    """Set a stem's weights: slow light first, then gas and clutter, then a detector a mineral.

    Static features are the strongest directions of all light. Dynamic ones that methane sees are matched
    filters over all bands and over parts of them, then the strongest directions within captures; those of
    minerals alone are a linear discriminant each.

    Args:
        network: The network; changed.
        pool: Training patches.
        tables: Its tables.
        recipe: Seed, label of minerals, changes of the continuum.
    """
    stem, settings = network.stem, network.settings
    basis = stem.basis.double().cpu().numpy()
    found = moments(pool, tables, recipe, basis)
    gas = methane.apply(np.array([GAS_PPMM]), methane.methane_curve(tables.centres, tables.fwhm))[0]
    shared = settings.dynamic_features - settings.mineral_features
    rows = [
        *principal(found.total, settings.static_features),
        *gas_rows(found.within, basis @ gas, stem.knots, shared),
        *discriminants(found.within, found.shifts)[: settings.mineral_features],
    ]
    start = torch.from_numpy(np.stack([START_RMS * row / np.sqrt(np.mean(row**2)) for row in rows]))
    with torch.no_grad():
        stem.weight[: len(start)].copy_(start)


def moments(pool: Pool, tables: FlightTables, recipe: Recipe, basis: Array) -> Moments:
    """Gather the moments of pixels drawn from a pool.

    Args:
        pool: Training patches.
        tables: Wavelengths.
        recipe: Seed, label of minerals, changes of the continuum.
        basis: (knots, bands) of the stem.
    """
    rng = np.random.default_rng((recipe.seed, STREAM))
    chosen = rng.permutation(len(pool))[:PATCHES]
    means, values, presences = [], [], []
    for index in progress(chosen, total=len(chosen), label="start the stem", unit="patch"):
        light, present = drawn_pixels(rng, pool[int(index)], tables, recipe)
        if len(light):
            seen = light @ basis.T
            means.append(seen.mean(axis=0))
            values.append(seen - means[-1])
            presences.append(present)
    off, present = np.concatenate(values), np.concatenate(presences)
    within = off.T @ off / len(off)
    between = np.cov(np.stack(means).T) if len(means) > 1 else np.zeros_like(within)
    shifts = np.stack([_shift(off, present[:, index]) for index in range(len(MINERALS))])
    return Moments(within + between, within, shifts)


def drawn_pixels(
    rng: np.random.Generator, patch: Patch, tables: FlightTables, recipe: Recipe
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Draw valid pixels of a patch: log radiance (n, bands) and which minerals are present (n, minerals)."""
    lines, samples = patch.valid.shape
    places = np.argwhere(patch.valid)
    places = places[rng.permutation(len(places))[:PIXELS]]
    down, across = places[:, 0], places[:, 1]
    light = unpack_log(patch.log[down, across]).astype(np.float64)
    if recipe.continuum_sigma:
        changes = draw_continuum(rng, recipe.continuum_sigma, lines, samples, tables.centres)
        light += changes.maps[down, across] @ changes.shapes
    return light, recipe.mineral_label * ABUNDANCE_STEPS <= patch.abundance[:, down, across].T


def _shift(off: Array, present: npt.NDArray[np.bool_]) -> Array:
    """Mean of pixels with a mineral, less that of the others; nothing that shows if there are none."""
    if not present.any() or present.all():
        return np.asarray(np.cos(np.arange(off.shape[1])))
    return np.asarray(off[present].mean(axis=0) - off[~present].mean(axis=0))


def principal(covariance: Array, count: int) -> Array:
    """Return the ``count`` strongest directions (count, knots) of a covariance."""
    return np.asarray(np.linalg.eigh(covariance)[1][:, ::-1][:, :count].T)


def discriminants(within: Array, shifts: Array) -> Array:
    """Return Fisher's directions (n, knots) for mean shifts (n, knots)."""
    return np.asarray(np.linalg.solve(within + RIDGE * np.eye(len(within)), shifts.T).T)


def gas_rows(within: Array, signature: Array, knots: Array, count: int) -> Array:
    """Return ``count`` directions: gas over all knots and over parts of them, then the strongest clutter."""
    rows = []
    for low, high in GAS_WINDOWS_NM[:count]:
        inside = np.flatnonzero((knots >= low) & (knots <= high))
        row = np.zeros(len(knots))
        row[inside] = discriminants(within[np.ix_(inside, inside)], signature[None, inside])[0]
        rows.append(row)
    return np.stack([*rows, *principal(within, count - len(rows))]) if count else np.zeros((0, len(knots)))
