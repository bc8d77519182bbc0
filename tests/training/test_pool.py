from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import OutputError
from onboard.training.pool import SETS, Pool, _make_patches, ensure_pool, library_part, patch_seeds
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import FlightTables


def test_sets_share_no_seed(small: PoolRecipe) -> None:
    seeds = [seed for part in SETS for seed in patch_seeds(PoolRecipe(), part)]
    assert len(seeds) == len(set(seeds))


def test_patches_have_shapes_and_content(pool: Pool, small: PoolRecipe) -> None:
    assert len(pool) == small.train * small.windows
    patch = pool[0]
    assert patch.log.shape == (small.lines, small.samples, 285)
    assert patch.abundance.shape == (10, small.lines, small.samples)
    assert patch.valid.shape == patch.log.shape[:2]
    assert patch.valid.mean() > 0.5
    assert float(patch.log.std()) > 0.05 * 4096


def test_patches_are_made_once_and_again_alike(
    tmp_path: Path, tables: FlightTables, small: PoolRecipe, pool: Pool
) -> None:
    again = ensure_pool(tmp_path, small, tables, "emit", "train", workers=1)
    np.testing.assert_array_equal(again[1].log, pool[1].log)
    files = sorted(tmp_path.rglob("*.npy"))
    times = [file.stat().st_mtime_ns for file in files]
    ensure_pool(tmp_path, small, tables, "emit", "train", workers=1)
    assert [file.stat().st_mtime_ns for file in files] == times


@pytest.mark.parametrize("field", ["test", "seed"])
def test_the_patches_of_another_recipe_are_left_alone(
    tmp_path: Path, tables: FlightTables, small: PoolRecipe, field: str
) -> None:
    ensure_pool(tmp_path / "one", replace(small, train=1), tables, "emit", "train", workers=1)
    (tmp_path / "linked").symlink_to(tmp_path / "one")
    other = replace(small, **{"train": 1, field: getattr(small, field) + 1})
    before = sorted((tmp_path / "one" / "train").iterdir())
    with pytest.raises(OutputError, match=f"other pool.{field};"):
        ensure_pool(tmp_path / "linked", other, tables, "emit", "train", workers=1)
    with pytest.raises(OutputError, match="other sensor;"):
        ensure_pool(tmp_path / "one", replace(small, train=1), tables, "other", "train", workers=1)
    assert sorted((tmp_path / "one" / "train").iterdir()) == before
    (tmp_path / "one" / "train" / "pool.json").write_text("[]")
    with pytest.raises(OutputError, match="contents"):
        ensure_pool(tmp_path / "one", replace(small, train=1), tables, "emit", "train", workers=1)


def test_test_patches_are_made_of_samples_that_no_training_saw(
    tmp_path: Path, tables: FlightTables, small: PoolRecipe
) -> None:
    assert [library_part(part) for part in SETS] == ["train", "train", "test"]
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        _make_patches((5, tmp_path / part, small, tables, "emit", part))
    maps, logs = (
        [np.load(tmp_path / p / f"5.{kind}.npy") for p in ("train", "test")] for kind in ("maps", "log")
    )
    np.testing.assert_array_equal(*maps)
    assert np.median(np.abs(logs[0].astype(np.int32) - logs[1])) > 40
