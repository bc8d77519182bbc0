from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from onboard.training.adapters.common import TileRow
from onboard.training.adapters.mixture import MixedBatches, SceneSource, Source, TileSource, has_plume
from onboard.training.adapters.registry import open_set
from onboard.training.adapters.samples import extent_of
from onboard.training.adapters.tables import tile_tables
from onboard.training.dataset import drawn, training_sample
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables

RECIPE = Recipe(name="tiny", batch=2, crop=32)


@pytest.fixture
def sources(home: Path, pool: Pool, tables: FlightTables) -> list[Source]:
    found: list[Source] = [SceneSource(pool, tables, 32)]
    for name in ("starcop", "oxhyper-minerals"):
        tiles = open_set(name, home / name)
        found.append(TileSource(tiles, tile_tables(tiles), extent_of(tiles, 40, 48, 32)))
    return found


def test_a_batch_is_of_one_source_and_one_band_table(sources: list[Source]) -> None:
    bands = {0: 285, 1: len(sources[1].tables.centres), 2: 285}
    seen = set()
    for batch in itertools.islice(iter(MixedBatches(sources, (1, 1, 1), RECIPE)), 12):
        number = int(batch["source"])
        seen.add(number)
        assert batch["log"].shape[0] == 2
        assert batch["log"].shape[3] == bands[number]
        assert ("plume_weight" in batch) == (number > 0)
        if number:
            assert batch["log"].shape[1:3] == (40, 32)
    assert seen == {0, 1, 2}


def test_batches_follow_from_seed_and_index(sources: list[Source]) -> None:
    first = MixedBatches(sources, (1, 1, 1), RECIPE)
    later = next(iter(MixedBatches(sources, (1, 1, 1), RECIPE, first=2)))
    third = next(itertools.islice(iter(first), 2, None))
    assert third.keys() == later.keys()
    assert all(torch.equal(third[key], later[key]) for key in third)
    other = MixedBatches(sources, (1, 1, 1), replace(RECIPE, seed=99)).batch(2)
    assert other.keys() != third.keys() or not torch.equal(other["log"], third["log"])


def test_shares_are_kept(sources: list[Source]) -> None:
    mixed = MixedBatches(sources[1:], (0.0, 2.0), replace(RECIPE, batch=1))
    assert {int(mixed.batch(index)["source"]) for index in range(6)} == {1}


def test_rows_say_their_plume_by_word_or_by_emission() -> None:
    row = TileRow("a", Path())
    assert not has_plume(row)
    assert has_plume(replace(row, emission=100.0))
    assert not has_plume(replace(row, emission=100.0, has_plume=False))
    assert has_plume(replace(row, has_plume=True))


def test_scenes_are_what_a_training_on_scenes_alone_sees(pool: Pool, tables: FlightTables) -> None:
    weights = np.zeros(len(pool), np.float32)
    weights[1] = 1.0
    source = SceneSource(pool, tables, 32, continuum_sigma=0.1, weights=weights)
    rng = np.random.default_rng(5)
    chosen = pool[drawn(rng, weights)]
    expected = training_sample(rng, chosen, tables, source.gas, 0.15, 32, 0.1)
    found = source.sample(np.random.default_rng(5), 0.15)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    plain = replace(source, continuum_sigma=0.0).sample(np.random.default_rng(5), 0.15)
    assert not torch.equal(found["log"], plain["log"])
