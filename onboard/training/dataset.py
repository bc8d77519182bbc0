"""Training samples: a background patch, plumes injected into it, the filter run over both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from onboard.models.streaming_filter import LOG_CEILING, LOG_FLOOR
from onboard.scenes import methane
from onboard.scenes.plumes import place_plumes
from onboard.training.pool import ABUNDANCE_STEPS, Patch, Pool
from onboard.training.strips import filter_patch
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]
Sample = dict[str, Tensor]

PLUME_SHARE = 0.8
"""Share of training patches that get plumes."""
MOST_PLUMES = 5
EMISSION_KG_H = (300.0, 20_000.0)
RIPPLE_KNOTS = 12
RIPPLE_SIGMA = 0.02
STRIPE_SIGMA = 0.002


class PlumePatches(IterableDataset[Sample]):
    """Endless training samples, drawn by seed; what sample i is does not depend on workers.

    Each sample holds ``log`` (lines, samples, bands) float16, ``physics`` (lines, samples, 4),
    ``keep`` and ``plume`` and ``enhancement`` (lines, samples), ``minerals`` (10, lines, samples).
    """

    def __init__(
        self, pool: Pool, tables: FlightTables, seed: int, mineral_label: float, crop: int, first: int = 0
    ) -> None:
        self.pool = pool
        self.tables = tables
        self.seed = seed
        self.mineral_label = mineral_label
        self.crop = crop
        self.first = first

    def __iter__(self) -> Iterator[Sample]:
        info: Any = torch.utils.data.get_worker_info()
        step, start = (info.num_workers, info.id) if info else (1, 0)
        gas = methane.methane_curve(self.tables.centres, self.tables.fwhm)
        index = self.first + start
        while True:
            rng = np.random.default_rng((self.seed, index))
            yield training_sample(rng, self.pool, self.tables, gas, self.mineral_label, self.crop)
            index += step


def training_sample(
    rng: np.random.Generator, pool: Pool, tables: FlightTables, gas: Any, mineral_label: float, crop: int
) -> Sample:
    """Draw one sample of ``crop`` columns: random patch, flips, spectral ripple, stripes, mostly plumes."""
    patch = _flipped(pool[int(rng.integers(len(pool)))], rng)
    lines, samples, bands = patch.log.shape
    log = patch.log.astype(np.float32)
    log += _ripple(rng, bands)
    log += rng.normal(0.0, STRIPE_SIGMA, (1, samples, 1)).astype(np.float32)
    count = int(rng.integers(1, MOST_PLUMES + 1)) if rng.random() < PLUME_SHARE else 0
    enhancement, plume = np.zeros((lines, samples), np.float32), np.zeros((lines, samples), np.int32)
    if count:
        placed = place_plumes(rng, lines, samples, count, emission_range=EMISSION_KG_H)
        enhancement, plume = placed.enhancement, placed.plume_id
    changed = Patch(log, patch.abundance, patch.valid)
    whole = finished_sample(changed, enhancement, plume, tables, gas, mineral_label)
    # The filter learns from the whole patch; the network then sees some of its columns.
    first = int(rng.integers(samples - crop + 1))
    return {
        key: value.narrow(2 if key == "minerals" else 1, first, crop).contiguous()
        for key, value in whole.items()
    }


def finished_sample(
    patch: Patch,
    enhancement: Array,
    plume: npt.NDArray[np.int32],
    tables: FlightTables,
    gas: Any,
    mineral_label: float,
) -> Sample:
    """Inject plumes into a patch, run the filter, and pack all of it as tensors."""
    log = inject(np.asarray(patch.log, np.float32), enhancement, gas)
    filtered = filter_patch(log[:, :, tables.mf_bands], patch.valid, tables.filter_tables)
    physics = np.stack(
        [filtered.enhancement, filtered.sigma, patch.valid.astype(np.float32), filtered.brightness], axis=2
    )
    threshold = mineral_label * ABUNDANCE_STEPS
    return {
        "log": torch.from_numpy(log.astype(np.float16)),
        "physics": torch.from_numpy(physics),
        "keep": torch.from_numpy(filtered.keep.astype(np.float32)),
        "plume": torch.from_numpy((plume > 0).astype(np.float32)),
        "enhancement": torch.from_numpy(enhancement),
        "minerals": torch.from_numpy((patch.abundance >= threshold).astype(np.float32)),
    }


def inject(log: Array, enhancement: Array, gas: Any) -> Array:
    """Return log radiance with the light that CH4 takes away taken away.

    Args:
        log: (lines, samples, bands) float32; not changed.
        enhancement: (lines, samples) ppm m.
        gas: The gas curve of all bands.
    """
    result = np.array(log, np.float32)
    rows, columns = np.nonzero(enhancement > 0)
    if len(rows):
        result[rows, columns] += methane.apply(enhancement[rows, columns], gas)
    return np.clip(result, LOG_FLOOR, LOG_CEILING, out=result)


def _flipped(patch: Patch, rng: np.random.Generator) -> Patch:
    down, across = (int(step) for step in rng.choice([-1, 1], size=2))
    return Patch(
        patch.log[::down, ::across],
        patch.abundance[:, ::down, ::across],
        patch.valid[::down, ::across],
    )


def _ripple(rng: np.random.Generator, bands: int) -> Array:
    """Smooth error over wavelength: what calibration and the atmosphere's model leave behind."""
    knots = rng.normal(0.0, RIPPLE_SIGMA, RIPPLE_KNOTS)
    return np.interp(np.linspace(0, 1, bands), np.linspace(0, 1, RIPPLE_KNOTS), knots).astype(np.float32)
