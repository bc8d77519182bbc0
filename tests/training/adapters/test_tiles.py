from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from onboard.cli.main import cli
from onboard.errors import CaptureError
from onboard.training.adapters.common import Window
from onboard.training.adapters.mixture import MixedBatches
from onboard.training.adapters.tiles import EndlessSource, SimulatedTiles, tile_source
from onboard.training.recipe import PoolRecipe, Recipe, load_recipe

POOL = PoolRecipe(lines=40, samples=48, validation=2, test=1)
RECIPE = Recipe(name="tiny", batch=2, crop=32, pool=POOL)


@pytest.fixture(scope="module")
def source() -> EndlessSource:
    return tile_source(RECIPE)


def test_the_batch_index_decides_the_tiles(source: EndlessSource) -> None:
    batches = MixedBatches([source], [1.0], RECIPE)
    first, second = batches.batch(5), batches.batch(6)
    again = MixedBatches([tile_source(RECIPE)], [1.0], RECIPE, first=5).batch(5)
    assert first["log"].shape == (2, 40, 32, 285)
    assert first["plume_weight"].min() >= 0
    assert set(first) == set(again)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["log"], second["log"])
    assert not torch.equal(first["log"][0], first["log"][1])
    other = MixedBatches([tile_source(replace(RECIPE, seed=2))], [1.0], RECIPE).batch(5)
    assert not torch.equal(first["log"], other["log"])


def test_everything_is_labelled(source: EndlessSource) -> None:
    samples = source.samples(np.random.default_rng(1), 12, 0.15)
    known = torch.stack([sample["minerals_known"] for sample in samples])
    valid = torch.stack([sample["plume_weight"] for sample in samples])
    assert torch.equal(known.amin(dim=1), valid)
    assert torch.stack([sample["minerals"] for sample in samples]).any()
    assert torch.stack([sample["plume"] for sample in samples]).any()
    assert source.sample(np.random.default_rng(1), 0.15)["log"].shape == (40, 32, 285)


def test_parts_have_tiles_of_their_own(source: EndlessSource) -> None:
    tiles = source.tiles
    assert isinstance(tiles, SimulatedTiles)
    assert [len(tiles.rows[part]) for part in ("train", "validation", "test")] == [1, 2, 1]
    one, two, test = (
        tiles.read(row, tiles.whole(row)) for row in (*tiles.rows["validation"], *tiles.rows["test"])
    )
    assert one.radiance.shape == (40, 48, 285)
    assert not np.array_equal(one.radiance, two.radiance)
    assert not np.array_equal(one.radiance, test.radiance)
    row = tiles.rows["validation"][0]
    part = tiles.read(row, Window(8, 16, 24, 8))
    np.testing.assert_array_equal(part.radiance, one.radiance[8:32, 16:24])
    np.testing.assert_array_equal(tiles.plume_label(row), one.plume)


def test_a_missing_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        tile_source(RECIPE, str(tmp_path / "gone"))


def test_the_recipe_of_tiles_is_one_of_tiles() -> None:
    assert [item.name for item in load_recipe("tiles").data] == ["tiles"]
    assert load_recipe("shipped", ["data=tiles"]).data[0].path == ""


def test_tiles_train_from_the_command_line(tmp_path: Path) -> None:
    small = ["batch=2", "crop=32", "pool.lines=32", "pool.samples=32", "pool.validation=1", "pool.test=1"]
    arguments = ["train", "tiles", "steps=3", *small, "--out", str(tmp_path / "run"), "--workers", "1"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["data"]["tiles"]["validation"]["tiles"] == 1
    assert "plume_f1" in metrics["data"]["tiles"]["test"]
    assert not (tmp_path / "run" / "pool").exists()
