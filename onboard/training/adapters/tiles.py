"""Simulated tiles as a data set: endless, by seed, made while a network learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.utils.data import get_worker_info

from onboard.scenes.library import Library, load_library
from onboard.scenes.memory import keep_freed_memory
from onboard.scenes.tiles import TileMaker, TileRecipe, Tiles
from onboard.sensors import load_sensor
from onboard.training.adapters.common import Array64, LabelledTile, Mask, TileRow, TileSet, Window
from onboard.training.adapters.mixture import TileSource
from onboard.training.adapters.registry import TILES
from onboard.training.adapters.samples import extent_of, tile_sample
from onboard.training.adapters.tables import tile_tables
from onboard.training.dataset import Sample
from onboard.training.recipe import Recipe

SIDE = 128
SEEDS = {"train": 0, "validation": 1_000_000_007, "test": 2_000_000_011}
"""What is added to the recipe's seed."""
LIBRARY = {"train": "train", "validation": "train", "test": "test"}
"""Samples of the spectral library that a part's ground is made of."""


class SimulatedTiles(TileSet):
    """Tiles of the simulated world, in all bands of a recipe's sensor.

    A training row stands for all of them; validation and test have as many as the recipe's pool has patches.
    """

    name = TILES

    def __init__(self, recipe: Recipe, library: Library | None = None) -> None:
        """Prepare tiles; nothing is made yet.

        Args:
            recipe: Its seed, its sensor, and its pool for the size and number of tiles.
            library: Spectra; the built-in ones if None.
        """
        self._sensor, self._library, self._seed = load_sensor(recipe.sensor), library, recipe.seed
        self._window = Window(0, 0, min(SIDE, recipe.pool.lines), min(SIDE, recipe.pool.samples))
        counts = {"train": 1, "validation": recipe.pool.validation, "test": recipe.pool.test}
        rows = {part: tuple(self._row(part, k) for k in range(count)) for part, count in counts.items()}
        self._makers: dict[str, TileMaker] = {}
        super().__init__(Path(self.name), rows)

    def _row(self, part: str, number: int) -> TileRow:
        return TileRow(f"{number}", Path(part), self._window)

    def maker(self, part: str) -> TileMaker:
        """Return what makes a part's tiles; it is built when it is first asked for, in each process."""
        if part not in self._makers:
            # A process that makes batches for another one does nothing else with its memory.
            if get_worker_info() is not None:
                keep_freed_memory()
            recipe = TileRecipe(
                seed=self._seed + SEEDS[part],
                lines=self._window.lines,
                samples=self._window.samples,
                library_part=LIBRARY[part],
            )
            self._makers[part] = TileMaker(self._sensor, recipe, library=self._library)
        return self._makers[part]

    def band_table(self, row: TileRow) -> tuple[Array64, Array64]:
        """Return the sensor's table."""
        return np.asarray(self._sensor.centres, np.float64), np.asarray(self._sensor.fwhm, np.float64)

    def size(self, row: TileRow) -> tuple[int, int]:
        """Return (lines, samples) of all tiles."""
        return self._window.lines, self._window.samples

    def plume_label(self, row: TileRow) -> Mask | None:
        """Return a row's plume label (lines, samples)."""
        return self.read(row, self.whole(row)).plume

    def read(self, row: TileRow, window: Window) -> LabelledTile:
        """Make a row's tile, and return part of it."""
        tile = self.labelled(self.maker(row.folder.name).make(int(row.event), 1))[0]
        cut = (
            slice(window.line, window.line + window.lines),
            slice(window.sample, window.sample + window.samples),
        )
        assert tile.plume is not None
        assert tile.enhancement is not None
        assert tile.minerals is not None
        return LabelledTile(
            tile.file,
            tile.radiance[cut],
            tile.centres,
            tile.fwhm,
            tile.valid[cut],
            plume=tile.plume[cut],
            enhancement=tile.enhancement[cut],
            minerals=tile.minerals[:, *cut],
        )

    def labelled(self, tiles: Tiles) -> list[LabelledTile]:
        """Return a batch as single tiles, with all that is known of them."""
        return [
            LabelledTile(
                self.path,
                tiles.radiance[k],
                self.centres,
                self.fwhm,
                tiles.valid[k],
                plume=tiles.plume_id[k] > 0,
                enhancement=tiles.enhancement[k],
                minerals=tiles.minerals[k],
            )
            for k in range(len(tiles.climates))
        ]


class EndlessSource(TileSource):
    """Simulated tiles as a source of samples: none is seen twice."""

    def samples(self, rng: np.random.Generator, count: int, mineral_label: float) -> list[Sample]:
        """Make a batch of samples; what they are follows from ``rng`` alone."""
        assert isinstance(self.tiles, SimulatedTiles)
        made = self.tiles.maker("train").make(int(rng.integers(2**62)), count)
        size = (self.extent.lines, self.extent.samples)
        found = []
        for tile in self.tiles.labelled(made):
            first = int(rng.integers(max(1, size[1] - self.extent.crop + 1)))
            columns = slice(first, first + self.extent.crop)
            found.append(tile_sample(tile, self.tables, mineral_label, size, columns))
        return found

    def sample(self, rng: np.random.Generator, mineral_label: float) -> Sample:
        """Make one sample."""
        return self.samples(rng, 1, mineral_label)[0]


def tile_source(recipe: Recipe, library: str = "") -> EndlessSource:
    """Return simulated tiles as a source of a recipe's samples.

    Args:
        recipe: The recipe.
        library: Path of a spectral library; the built-in spectra if empty.

    Raises:
        CaptureError: The library is missing or malformed.
    """
    tiles = SimulatedTiles(recipe, load_library(Path(library)) if library else None)
    extent = extent_of(tiles, recipe.pool.lines, recipe.pool.samples, recipe.crop)
    tables = tile_tables(tiles, recipe.ground_classes, recipe.exclude_near)
    return EndlessSource(tiles, tables, extent)
