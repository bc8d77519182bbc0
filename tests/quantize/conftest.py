from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from onboard.sensors import load_sensor
from onboard.training.pool import ensure_pool
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import make_tables
from tests.export.samples import write_run_folder

SMALL = PoolRecipe(swath=128, lines=64, samples=64, windows=2, train=1, validation=1, test=1, seed=4_100_000)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its pool: a small network that learned nothing, and real patches."""
    folder = write_run_folder(tmp_path_factory.mktemp("quantize") / "run")
    tables = make_tables(load_sensor("emit"))
    for part in ("train", "validation"):
        ensure_pool(folder / "pool", SMALL, tables, "emit", part, workers=1)
    recipe = {"name": "sample", "sensor": "emit", "pool": asdict(SMALL)}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    return folder
