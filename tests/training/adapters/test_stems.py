from __future__ import annotations

from pathlib import Path

import torch

from onboard.models.linescan import Linescan
from onboard.training.adapters.mixture import SceneSource, Source, TileSource
from onboard.training.adapters.registry import open_set
from onboard.training.adapters.samples import Extent
from onboard.training.adapters.stems import TileStems
from onboard.training.adapters.tables import tile_tables
from onboard.training.pool import Pool
from onboard.training.tables import FlightTables


def make_source(home: Path, name: str) -> TileSource:
    tiles = open_set(name, home / name)
    return TileSource(tiles, tile_tables(tiles), Extent(32, 32, 32))


def test_flight_scales_by_the_sensors_own_table_if_there_is_one(
    home: Path, pool: Pool, tables: FlightTables
) -> None:
    stem = Linescan(tables.centres, tables.fwhm).stem
    starcop: Source = make_source(home, "starcop")
    scenes = SceneSource(pool, tables, 32)
    assert TileStems(stem, [starcop, scenes], tables).own == [False, True]
    assert TileStems(stem, [starcop, make_source(home, "oxhyper-minerals")], tables).own == [False, True]
    assert TileStems(stem, [starcop], tables).own == [True]


def test_wavelengths_that_no_source_has_weigh_nothing(home: Path, pool: Pool, tables: FlightTables) -> None:
    stem = Linescan(tables.centres, tables.fwhm).stem
    before = stem.weight.detach().clone()
    starcop = make_source(home, "starcop")
    TileStems(stem, [starcop, SceneSource(pool, tables, 32)], tables).silence_unseen(stem)
    lit = (stem.basis != 0).any(dim=1)
    torch.testing.assert_close(stem.weight[:, lit], before[:, lit])
    TileStems(stem, [starcop], tables).silence_unseen(stem)
    unseen = torch.from_numpy((stem.knots > 700) & (stem.knots < 2000))
    assert not stem.weight[:, unseen].any()
    seen = torch.from_numpy((stem.knots > 2130) & (stem.knots < 2480))
    torch.testing.assert_close(stem.weight[:, seen], before[:, seen])
