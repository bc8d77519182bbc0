from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.minerals import MINERALS
from onboard.training.adapters.oxhyper_minerals import open_minerals
from tests.training.adapters.miniatures import known_minerals, oxhyper_minerals


def test_three_minerals_are_known_and_seven_are_not(home: Path) -> None:
    tiles = open_minerals(home / "oxhyper-minerals")
    assert tiles.centres.shape == (285,)
    row = tiles.rows["train"][0]
    tile = tiles.read(row, tiles.whole(row))
    assert tile.minerals is not None
    assert tile.plume is None
    known = np.isfinite(tile.minerals).all(axis=(1, 2))
    assert np.flatnonzero(known).tolist() == sorted(known_minerals())
    assert np.isnan(tile.minerals[~known]).all()


def test_kaolinite_stands_where_its_feature_is(home: Path) -> None:
    tiles = open_minerals(home / "oxhyper-minerals")
    row = tiles.rows["test"][0]
    tile = tiles.read(row, tiles.whole(row))
    assert tile.minerals is not None
    bands = [int(np.abs(tile.centres - at).argmin()) for at in (2205, 2130)]
    depth = tile.radiance[..., bands[0]] / tile.radiance[..., bands[1]]
    present = tile.minerals[MINERALS.index("kaolinite")] > 0.5
    assert depth[present].mean() < 0.85 * depth[~present].mean()


def test_the_previews_bare_planes_give_the_same(home: Path, tmp_path: Path) -> None:
    bare = open_minerals(oxhyper_minerals(tmp_path / "bare", bare=True))
    tiff = open_minerals(home / "oxhyper-minerals")
    for one, other in zip(bare.rows["train"], tiff.rows["train"], strict=True):
        window = tiff.whole(other).within(4, 6, 20, 10)
        np.testing.assert_array_equal(bare.read(one, window).minerals, tiff.read(other, window).minerals)


def test_a_label_that_is_neither_is_refused(tmp_path: Path) -> None:
    tiles = open_minerals(oxhyper_minerals(tmp_path / "bare", bare=True))
    row = tiles.rows["train"][0]
    file = row.folder / "minerals3ghk.tif"
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(CaptureError, match=r"neither a TIFF.*minerals3ghk\.tif"):
        tiles.read(row, tiles.whole(row))
    np.full((3, 48, 48), 7, "<u2").tofile(file)
    with pytest.raises(CaptureError, match="plane 1, goethite"):
        tiles.read(row, tiles.whole(row))
