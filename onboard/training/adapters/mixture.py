"""Batches out of several data sets: each of one set, hence of one band table, drawn by share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, default_collate

from onboard.scenes import methane
from onboard.training.adapters.common import TileRow, TileSet
from onboard.training.adapters.samples import Extent, draw_window, flipped, tile_sample
from onboard.training.dataset import Sample, drawn, training_sample
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables

Batch = dict[str, Tensor]
PLUME_ROWS = 0.5
"""Share of samples from rows with a plume, where a set says which rows have one."""


@dataclass(frozen=True)
class TileSource:
    """A data set as a source of samples.

    Attributes:
        tiles: The data set.
        tables: Of its bands.
        extent: Size of its samples.
    """

    tiles: TileSet
    tables: FlightTables
    extent: Extent

    def sample(self, rng: np.random.Generator, mineral_label: float) -> Sample:
        """Draw a training sample: a row, a window of it, flips, and columns for the network."""
        row = _draw_row(rng, self.tiles.rows["train"])
        tile = self.tiles.read(row, draw_window(rng, self.tiles, row, self.extent))
        tile = flipped(tile, *(bool(turn) for turn in rng.integers(2, size=2)))
        first = int(rng.integers(max(1, tile.valid.shape[1] - self.extent.crop + 1)))
        return tile_sample(
            tile,
            self.tables,
            mineral_label,
            (self.extent.lines, self.extent.samples),
            slice(first, first + self.extent.crop),
        )

    def samples(self, rng: np.random.Generator, count: int, mineral_label: float) -> list[Sample]:
        """Draw the samples of a batch."""
        return [self.sample(rng, mineral_label) for _ in range(count)]


@dataclass(frozen=True)
class SceneSource:
    """The simulated pool as a source of samples, as trainings on scenes alone have it.

    Attributes:
        pool: Training patches.
        tables: Of the recipe's sensor.
        crop: Columns of a sample.
        continuum_sigma: Deviation, in log radiance, of changes of the continuum from pixel to pixel.
        weights: (patches,) how often each is drawn; all alike if None.
    """

    pool: Pool
    tables: FlightTables
    crop: int
    continuum_sigma: float = 0.0
    weights: npt.NDArray[np.float32] | None = None

    @cached_property
    def gas(self) -> methane.MethaneCurve:
        """The gas curve of all bands."""
        return methane.methane_curve(self.tables.centres, self.tables.fwhm)

    def sample(self, rng: np.random.Generator, mineral_label: float) -> Sample:
        """Draw a training sample."""
        weights = np.ones(len(self.pool), np.float32) if self.weights is None else self.weights
        patch = self.pool[drawn(rng, weights)]
        return training_sample(
            rng, patch, self.tables, self.gas, mineral_label, self.crop, self.continuum_sigma
        )

    def samples(self, rng: np.random.Generator, count: int, mineral_label: float) -> list[Sample]:
        """Draw the samples of a batch."""
        return [self.sample(rng, mineral_label) for _ in range(count)]


Source = SceneSource | TileSource


class MixedBatches(IterableDataset[Batch]):
    """Endless batches, drawn by seed; what batch i is does not depend on workers.

    A batch holds what its source's samples hold, stacked, and ``source``, the source's number.
    """

    def __init__(
        self, sources: Sequence[Source], shares: Sequence[float], recipe: Recipe, first: int = 0
    ) -> None:
        self.sources = sources
        self.shares = np.asarray(shares, np.float64) / float(np.sum(shares))
        self.recipe = recipe
        self.first = first

    def __iter__(self) -> Iterator[Batch]:
        info = torch.utils.data.get_worker_info()
        step, start = (info.num_workers, info.id) if info else (1, 0)
        index = self.first + start
        while True:
            yield self.batch(index)
            index += step

    def batch(self, index: int) -> Batch:
        """Return batch ``index``."""
        rng = np.random.default_rng((self.recipe.seed, index, 0xDA7A))
        number = int(rng.choice(len(self.sources), p=self.shares))
        source = self.sources[number]
        samples = source.samples(rng, self.recipe.batch, self.recipe.mineral_label)
        batch: Batch = default_collate(samples)
        batch["source"] = torch.tensor(number)
        return batch


def _draw_row(rng: np.random.Generator, rows: Sequence[TileRow]) -> TileRow:
    """Draw a row, half of the time one with a plume if rows say so."""
    with_plume = [row for row in rows if has_plume(row)]
    if with_plume and len(with_plume) < len(rows) and rng.random() < PLUME_ROWS:
        rows = with_plume
    return rows[int(rng.integers(len(rows)))]


def has_plume(row: TileRow) -> bool:
    """Return whether a row says that it has a plume, in so many words or by an emission."""
    return row.has_plume if row.has_plume is not None else bool(row.emission and row.emission > 0)
