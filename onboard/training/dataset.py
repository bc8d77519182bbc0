"""Training samples: a background patch, plumes injected into it, the filter run over both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from onboard.models.filter_tables import FilterSettings
from onboard.models.log_radiance import LOG_CEILING, LOG_FLOOR, LOG_SCALE, quantize_log
from onboard.scenes import methane
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.plumes import place_plumes
from onboard.scenes.methane import MethaneCurve
from onboard.training.augment import Continuum, draw_continuum, draw_ripple
from onboard.training.background import Background, ground_labels
from onboard.training.pool import ABUNDANCE_STEPS, Patch, Pool
from onboard.training.ranks import Ranks
from onboard.training.strips import FilteredPatch, filter_counts
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int16]
Sample = dict[str, Tensor]

PLUME_SHARE = 0.8
"""Share of training patches that get plumes."""
MOST_PLUMES = 5
EMISSION_KG_H = (500.0, 20_000.0)
STRIPE_SIGMA = 0.002
TRACE_PPMM = 2.0
"""Less gas than this moves no band by half a count of the ring."""
LEAST_COUNT, MOST_COUNT = np.int16(LOG_FLOOR * LOG_SCALE), np.int16(LOG_CEILING * LOG_SCALE)


class PlumePatches(IterableDataset[Sample]):
    """Endless training samples, drawn by seed; what sample i is does not depend on workers.

    Each sample holds ``log`` (lines, crop, bands) int16 counts, ``physics`` (lines, crop, 4),
    ``keep`` and ``plume`` and ``enhancement`` (lines, crop), ``minerals`` (10, lines, crop);
    and what flight would know by then: ``before_mean`` (crop, bands), ``before_lines`` (crop,), and
    ``covariance`` (bands, bands).
    """

    def __init__(
        self,
        pool: Pool,
        tables: FlightTables,
        seed: int,
        mineral_label: float,
        crop: int,
        first: int = 0,
        weights: Array | None = None,
        ranks: Ranks | None = None,
        continuum_sigma: float = 0.0,
    ) -> None:
        self.pool = pool
        self.tables = tables
        self.seed = seed
        self.mineral_label = mineral_label
        self.crop = crop
        self.first = first
        self.weights = np.ones(len(pool), np.float32) if weights is None else weights
        self.ranks = ranks or Ranks()
        self.continuum_sigma = continuum_sigma

    def __iter__(self) -> Iterator[Sample]:
        info: Any = torch.utils.data.get_worker_info()
        workers, number = (info.num_workers, info.id) if info else (1, 0)
        step, start = workers * self.ranks.world, self.ranks.rank * workers + number
        gas = methane.methane_curve(self.tables.centres, self.tables.fwhm)
        index = self.first + start
        while True:
            rng = np.random.default_rng((self.seed, index))
            patch = self.pool[drawn(rng, self.weights)]
            yield training_sample(
                rng, patch, self.tables, gas, self.mineral_label, self.crop, self.continuum_sigma
            )
            index += step


def drawn(rng: np.random.Generator, weights: Array) -> int:
    """Draw the index of a patch, each as often as it weighs.

    Args:
        rng: Source of randomness.
        weights: (patches,).
    """
    steps = np.cumsum(weights, dtype=np.float64)
    return min(int(np.searchsorted(steps, rng.random() * steps[-1], side="right")), len(weights) - 1)


def training_sample(
    rng: np.random.Generator,
    patch: Patch,
    tables: FlightTables,
    gas: MethaneCurve,
    mineral_label: float,
    crop: int,
    continuum_sigma: float = 0.0,
) -> Sample:
    """Draw one sample of ``crop`` columns: flips, spectral ripple, stripes, mostly plumes.

    Args:
        rng: Source of randomness.
        patch: Background.
        tables: Sensor and gas.
        gas: Gas curve of all bands.
        mineral_label: Abundance from which a mineral counts as present.
        crop: Columns of the sample.
        continuum_sigma: Deviation, in log radiance, of changes of the continuum from pixel to pixel.
    """
    patch = _flipped(patch, rng)
    lines, samples, bands = patch.log.shape
    stripes = rng.normal(0.0, STRIPE_SIGMA, (1, samples, 1)).astype(np.float32)
    ripple = draw_ripple(rng, bands)
    count = int(rng.integers(1, MOST_PLUMES + 1)) if rng.random() < PLUME_SHARE else 0
    enhancement, plume = np.zeros((lines, samples), np.float32), np.zeros((lines, samples), np.int32)
    if count:
        chance = NumpyRandom(int(rng.integers(2**62)), "plumes")
        placed = place_plumes(chance, lines, samples, count, emission_range=EMISSION_KG_H)
        enhancement, plume = placed.enhancement, placed.plume_id
    first = int(rng.integers(samples - crop + 1))
    changes = None
    if continuum_sigma:
        changes = draw_continuum(rng, continuum_sigma, lines, samples, tables.centres)
    return finished_sample(
        patch,
        enhancement,
        plume,
        tables,
        gas,
        mineral_label,
        columns=slice(first, first + crop),
        ripple=ripple,
        stripes=stripes,
        continuum=changes,
    )


def finished_sample(
    patch: Patch,
    enhancement: Array,
    plume: npt.NDArray[np.int32],
    tables: FlightTables,
    gas: MethaneCurve,
    mineral_label: float,
    *,
    columns: slice = slice(None),
    ripple: Array | None = None,
    stripes: Array | None = None,
    continuum: Continuum | None = None,
) -> Sample:
    """Inject plumes into a patch, run the filter over all of it, and pack some columns as tensors.

    Args:
        patch: Background.
        enhancement: (lines, samples) ppm m.
        plume: (lines, samples) plume numbers, 0 none.
        tables: Sensor and gas.
        gas: Gas curve of all bands.
        mineral_label: Abundance from which a mineral counts as present.
        columns: What the network sees; the filter learns from the whole patch.
        ripple: (bands,) added to log radiance.
        stripes: (1, samples, 1) added to log radiance.
        continuum: Added to log radiance of this patch, not of the lines before it.
    """
    ripple = np.zeros(patch.log.shape[2], np.float32) if ripple is None else ripple
    stripes = np.zeros((1, patch.log.shape[1], 1), np.float32) if stripes is None else stripes
    bands = tables.mf_bands
    # Lines before the patch carried the same ripple and stripes.
    taught = patch.background.lines[:, None] > 0
    known = replace(patch.background, mean=patch.background.mean + taught * (ripple + stripes[0]))
    within, whole = ripple[bands] + stripes, ripple + stripes[:, columns]
    if continuum is not None:
        within, whole = within + continuum.offset(bands=bands), whole + continuum.offset(columns)
    narrow = MethaneCurve(gas.alphas, gas.log_t[:, bands])
    filtered = filter_counts(
        inject(disturb(patch.log[:, :, bands], within), enhancement, narrow),
        patch.valid,
        tables.filter_tables,
        before=known.statistics(bands, FilterSettings()),
        labels=_ground_of(patch, tables, continuum),
    )
    log = inject(disturb(patch.log[:, columns], whole), enhancement[:, columns], gas)
    present = patch.abundance[:, :, columns] >= mineral_label * ABUNDANCE_STEPS
    return {
        "log": torch.from_numpy(log),
        "enhancement": torch.from_numpy(enhancement[:, columns]),
        **_filter_tensors(filtered, patch.valid, columns),
        **_background_tensors(known, columns),
        "plume": torch.from_numpy((plume[:, columns] > 0).astype(np.float32)),
        "minerals": torch.from_numpy(present.astype(np.float32)),
    }


def _ground_of(
    patch: Patch, tables: FlightTables, continuum: Continuum | None
) -> npt.NDArray[np.uint8] | None:
    """Return the classes of a patch's ground; broad changes move them, ripple and stripes are none of its."""
    if tables.ground is None:
        return None
    changed = None if continuum is None else continuum.offset(bands=tables.ground.bands)
    return ground_labels(patch.log, tables.ground, changed)


def _filter_tensors(filtered: FilteredPatch, valid: npt.NDArray[np.bool_], columns: slice) -> Sample:
    planes = [filtered.enhancement, filtered.sigma, valid.astype(np.float32), filtered.brightness]
    return {
        "physics": torch.from_numpy(np.stack(planes, axis=2)[:, columns]),
        "keep": torch.from_numpy(filtered.keep[:, columns].astype(np.float32)),
    }


def _background_tensors(known: Background, columns: slice) -> Sample:
    return {
        "before_mean": torch.from_numpy(np.array(known.mean[columns], np.float32)),
        "before_lines": torch.from_numpy(np.array(known.lines[columns], np.float32)),
        "covariance": torch.from_numpy(known.covariance),
    }


def unpack_log(stored: Counts) -> Array:
    """Return log radiance, float32, from the ring's int16 counts."""
    return np.asarray(stored.astype(np.float32) * np.float32(1.0 / LOG_SCALE))


def disturb(stored: Counts, offset: Array) -> Counts:
    """Return the ring's counts with an offset of log radiance added, within what the ring holds.

    Args:
        stored: (lines, samples, bands) int16, 4096 a unit.
        offset: float32, log radiance, of a shape that broadcasts.
    """
    counts = stored + quantize_log(offset)
    return np.clip(counts, LEAST_COUNT, MOST_COUNT, out=counts)


def inject(counts: Counts, enhancement: Array, gas: MethaneCurve) -> Counts:
    """Take away, in place, the light that CH4 takes away.

    Args:
        counts: (lines, samples, bands) int16 log radiance, 4096 a unit; changed and returned.
        enhancement: (lines, samples) ppm m.
        gas: The gas curve of these bands.
    """
    rows, columns = np.nonzero(enhancement > TRACE_PPMM)
    if len(rows):
        darker = quantize_log(methane.apply(enhancement[rows, columns], gas))
        counts[rows, columns] = np.maximum(counts[rows, columns] + darker, LEAST_COUNT)
    return counts


def _flipped(patch: Patch, rng: np.random.Generator) -> Patch:
    down, across = (int(step) for step in rng.choice([-1, 1], size=2))
    return Patch(
        patch.log[::down, ::across],
        patch.abundance[:, ::down, ::across],
        replace(
            patch.background,
            mean=patch.background.mean[::across],
            lines=patch.background.lines[::across],
        ),
        patch.valid[::down, ::across],
    )
