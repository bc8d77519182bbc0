"""The band tables that the stem proof sees its scenes on, and what dead bands do to light and gas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.sensors import Sensor, load_sensor

Array64 = npt.NDArray[np.float64]
DEAD_SHARE = 0.05
DEAD_SEED = 5
PER_BAND = ("centres", "fwhm", "noise_a", "noise_b", "noise_c")
FIVE_NM = (380.0, 5.0, 6.0)
"""First centre, step and FWHM in nm: AVIRIS-NG's nominal grid (its distribution document), width rounded."""


@dataclass(frozen=True)
class Case:
    """A band table to see the scenes on.

    Attributes:
        name: What it is called.
        sensor: The instrument that sees.
        dead: (bands,) bool, bands that do not work.
        dropped: Whether dead bands are left out of the table; they are interpolated otherwise.
        filter_knows: Whether the matched filter leaves interpolated bands alone.
    """

    name: str
    sensor: Sensor
    dead: npt.NDArray[np.bool_] | None = None
    dropped: bool = False
    filter_knows: bool = False


def cases() -> list[Case]:
    """Return the tables, EMIT's own first."""
    emit = load_sensor("emit")
    dead = dead_bands(emit.bands)
    return [
        Case("(0) EMIT", emit),
        Case("(a) EMIT + 0.5 nm", replace(emit, centres=emit.centres + 0.5)),
        Case("(a) EMIT + 1 nm", replace(emit, centres=emit.centres + 1.0)),
        Case("(b) AVIRIS-NG, 5 nm", five_nm(emit)),
        Case("(c) 5 % dead, interpolated", emit, dead),
        Case("(c) the same, not in the filter", emit, dead, filter_knows=True),
        Case("(c) 5 % dead, left out", emit, dead, dropped=True),
    ]


def dead_bands(bands: int, seed: int = DEAD_SEED) -> npt.NDArray[np.bool_]:
    """Return which bands are dead, (bands,): 5 % at random, never the first or last."""
    dead = np.zeros(bands, np.bool_)
    count = round(DEAD_SHARE * bands)
    dead[1 + np.random.default_rng(seed).choice(bands - 2, count, replace=False)] = True
    return dead


def five_nm(emit: Sensor) -> Sensor:
    """Return AVIRIS-NG's grid as far as EMIT's reaches, with EMIT's noise at the same wavelengths.

    Its own noise is left out on purpose: what is asked is whether the stem fits the table.
    """
    first, step, width = FIVE_NM
    grid = np.arange(first, emit.centres[-1], step)
    grid = grid[grid >= emit.centres[0]]
    noise = {f"noise_{c}": np.interp(grid, emit.centres, getattr(emit, f"noise_{c}")) for c in "abc"}
    return replace(emit, name="aviris-ng", centres=grid, fwhm=np.full(grid.size, width), **noise)


def repair(dead: npt.NDArray[np.bool_], centres: Array64) -> Array64:
    """Return the (bands, bands) matrix that fills dead bands from the nearest living ones on either side."""
    living = np.flatnonzero(~dead)
    matrix = np.diag((~dead).astype(np.float64))
    for band in np.flatnonzero(dead):
        after = int(np.searchsorted(living, band))
        low, high = living[after - 1], living[after]
        share = (centres[band] - centres[low]) / (centres[high] - centres[low])
        matrix[low, band], matrix[high, band] = 1.0 - share, share
    return matrix


def interpolated(counts: npt.NDArray[np.int16], dead: npt.NDArray[np.bool_], centres: Array64) -> None:
    """Fill dead bands of log radiance (..., bands), in place."""
    matrix = repair(dead, centres)[:, dead].astype(np.float32)
    for line in counts:
        line[..., dead] = np.rint(line.astype(np.float32) @ matrix).astype(np.int16)


def repaired_gas(gas: Any, case: int, centres: Array64) -> Any:
    """Return how gas shows on a case's table: in an interpolated band, as its neighbours show it.

    Plumes are injected after the repair; both are linear in log radiance, so the order is the same.
    """
    one = cases()[case]
    if one.dead is None or one.dropped:
        return gas
    return replace(gas, log_t=gas.log_t @ repair(one.dead, centres))


@cache
def tables_of(case: int) -> tuple[Any, npt.NDArray[np.int64]]:
    """Return a case's flight tables, and which bands of its sensor are in them."""
    from onboard.training.tables import make_tables

    one = cases()[case]
    dead = np.zeros(one.sensor.bands, np.bool_) if one.dead is None else one.dead
    used = np.flatnonzero(~dead) if one.dropped else np.arange(one.sensor.bands)
    tables = make_tables(replace(one.sensor, **{name: getattr(one.sensor, name)[used] for name in PER_BAND}))
    if one.filter_knows:
        keep = ~dead[tables.mf_bands]
        tables = replace(
            tables,
            mf_bands=tables.mf_bands[keep],
            log_transmittance=tables.log_transmittance[:, keep],
            mf_noise=tables.mf_noise[:, keep],
        )
    return tables, used
