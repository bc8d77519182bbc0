"""Tables for the bands of a data set: what flight knows of a sensor, made for any band table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onboard.errors import CaptureError
from onboard.models.ground_classes import sees_classes
from onboard.models.stem import NOMINAL_SPACING_NM, WavelengthAwareStem, baking_matrix
from onboard.sensors import load_sensor
from onboard.training.adapters.common import Array64, TileSet
from onboard.training.tables import EXCLUDE_NEAR, FILTER_WINDOWS_NM, FlightTables, make_tables

LEAST_FILTER_BANDS = 10
"""Fewer bands in CH4's windows do not make a matched filter."""
GAP_NM = 30.0
"""Neighbours further apart than this are not one spectrum."""
MOST_SPACING_NM = 15.0
SAME_TABLE_NM = 2.0
LEAST_COVER = 0.95
"""Share of the sensor's own weight at a knot from which a band table is said to cover it."""


def tile_tables(tiles: TileSet, ground: bool = True, exclude_near: int = EXCLUDE_NEAR) -> FlightTables:
    """Return the tables of a data set's bands.

    Noise coefficients are EMIT's at the same wavelengths: they only steady a covariance of few pixels.
    Classes of ground are told at eight wavelengths; a set without bands there has one filter for all ground.

    Args:
        tiles: The data set.
        ground: The matched filter keeps statistics by class of ground, as the recipe's own does.
        exclude_near: Lines and samples around plumes that stay out of the filter's means.

    Raises:
        CaptureError: Too few bands where methane absorbs.
    """
    sensor = load_sensor("emit")
    centres, fwhm = tiles.centres, tiles.fwhm
    inside = sum(int(((centres >= low) & (centres <= high)).sum()) for low, high in FILTER_WINDOWS_NM)
    if inside < LEAST_FILTER_BANDS:
        raise CaptureError(
            "data set has too few bands where methane absorbs",
            file=tiles.path,
            field="bands",
            found=f"{inside} of {centres.size} within "
            + " and ".join(f"{low:g}-{high:g} nm" for low, high in FILTER_WINDOWS_NM),
            expected=f"at least {LEAST_FILTER_BANDS}",
            remedy="get the edition of the set with all bands",
        )
    noise = {
        name: np.interp(centres, sensor.centres, getattr(sensor, name))
        for name in ("noise_a", "noise_b", "noise_c")
    }
    own = replace(sensor, name=tiles.name, centres=centres, fwhm=fwhm, **noise)
    return make_tables(own, ground and sees_classes(centres), exclude_near)


def spacing(centres: Array64) -> Array64:
    """Return what each band stands for, (bands,) nm: half the way to its neighbours in the same spectrum.

    A band alone, as the visible ones of the OxHyper methane sets are, stands for a nominal 7.4 nm: in a full
    table it would.

    Args:
        centres: (bands,) nm, rising.
    """
    result = np.full(centres.shape, NOMINAL_SPACING_NM)
    for run in np.split(np.arange(centres.size), np.flatnonzero(np.diff(centres) > GAP_NM) + 1):
        if run.size > 1:
            result[run] = np.gradient(centres[run])
    return np.asarray(np.clip(result, 1.0, MOST_SPACING_NM))


def stem_basis(stem: WavelengthAwareStem, tables: FlightTables) -> Tensor:
    """Return the (knots, bands) float32 matrix that makes a stem's weights those of a band table.

    It is that of :func:`~onboard.models.stem.baking_matrix`, with two differences. A band beside a gap does
    not stand for part of the gap. And a knot that these bands cover less than the sensor's own do, as one
    visible band alone covers the knots around it, has a row of zeros: otherwise a feature would weigh those
    wavelengths here one way and in flight another. What a table does not see neither adds to a feature, as if
    it were as bright as the reference, nor learns.

    Args:
        stem: The stem, built for the sensor's bands.
        tables: Of the band table.
    """
    whole = np.clip(np.abs(np.gradient(tables.centres)), 1.0, MOST_SPACING_NM)
    matrix = baking_matrix(stem.knots, tables.centres, tables.fwhm) * (spacing(tables.centres) / whole)
    own = stem.basis.double().sum(dim=1).cpu().numpy()
    seen = (own > 0) & (matrix.sum(axis=1) >= LEAST_COVER * own)
    return torch.from_numpy(matrix * seen[:, None]).float()


def same_table(one: FlightTables, other: FlightTables) -> bool:
    """Return whether two tables are of the same bands, calibrations apart."""
    if one.centres.shape != other.centres.shape:
        return False
    return bool(np.abs(one.centres - other.centres).max() <= SAME_TABLE_NM)


def touched(bases: list[Tensor]) -> npt.NDArray[np.bool_]:
    """Return (knots,) bool: knots that any of some band tables covers.

    Args:
        bases: (knots, bands) each.
    """
    return np.asarray(np.logical_or.reduce([(basis != 0).any(dim=1).numpy() for basis in bases]), np.bool_)
