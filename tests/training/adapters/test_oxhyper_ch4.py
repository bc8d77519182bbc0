from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.training.adapters.common import Window
from onboard.training.adapters.oxhyper_ch4 import open_real, open_synthetic


def test_parts_are_the_published_ones(home: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    assert {part: len(rows) for part, rows in tiles.rows.items()} == {"train": 3, "validation": 1, "test": 1}
    assert [row.emission for row in tiles.rows["train"]] == [1500.0, 0.0, 1500.0]


def test_radiance_label_and_retrieval_belong_together(home: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    row = tiles.rows["train"][0]
    tile = tiles.read(row, tiles.whole(row))
    assert tile.radiance.shape == (64, 64, 86)
    assert tile.plume is not None
    assert tile.enhancement is not None
    assert tile.minerals is None
    inside, outside = tile.plume & tile.valid, ~tile.plume & tile.valid
    # Methane takes light at 2350 nm and leaves that at 2100 nm.
    ratio = tile.radiance[..., np.abs(tile.centres - 2350).argmin()]
    ratio = ratio / tile.radiance[..., np.abs(tile.centres - 2101).argmin()]
    assert ratio[inside].mean() < 0.97 * ratio[outside].mean()
    assert tile.enhancement[inside].mean() > 1000.0
    assert (tile.enhancement >= 0).all()


def test_windows_of_the_csv_are_honoured(home: Path) -> None:
    tiles = open_real(home / "oxhyper-real-ch4")
    assert len(tiles.rows["train"]) == 6
    row = tiles.rows["train"][1]
    assert tiles.whole(row) == Window(32, 16, 32, 32)
    part = tiles.read(row, tiles.whole(row))
    whole = tiles.read(row, Window(0, 0, 64, 64))
    np.testing.assert_array_equal(part.radiance, whole.radiance[32:, 16:48])
    np.testing.assert_array_equal(tiles.plume_label(row), whole.plume[32:, 16:48])  # type: ignore[index]


def test_an_event_without_label_is_named(home: Path, tmp_path: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    row = tiles.rows["train"][0]
    empty = type(row)(row.event, tmp_path)
    with pytest.raises(CaptureError, match=r"missing.*B"):
        tiles.read(empty, Window(0, 0, 8, 8))
