from __future__ import annotations

from pathlib import Path

import pytest

from onboard.sensors import load_sensor
from onboard.training.pool import Pool, ensure_pool
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import FlightTables, make_tables

SMALL = PoolRecipe(swath=160, lines=96, samples=64, windows=2, train=2, validation=1, test=1, seed=4_000_000)


@pytest.fixture(scope="session")
def tables() -> FlightTables:
    return make_tables(load_sensor("emit"))


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory, tables: FlightTables) -> Pool:
    return ensure_pool(tmp_path_factory.mktemp("pool"), SMALL, tables, "emit", "train", workers=1)


@pytest.fixture(scope="session")
def small() -> PoolRecipe:
    return SMALL


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return tmp_path / "run"
