from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from onboard.models.log_radiance import LOG_SCALE
from onboard.training.adapters.common import LabelledTile, Window
from onboard.training.adapters.oxhyper_ch4 import open_real, open_synthetic
from onboard.training.adapters.oxhyper_minerals import open_minerals
from onboard.training.adapters.samples import Extent, draw_window, extent_of, flipped, padded, tile_sample
from onboard.training.adapters.starcop import open_starcop
from onboard.training.adapters.tables import tile_tables
from onboard.training.background import ground_labels
from onboard.training.strips import filter_patch


def read(home: Path) -> LabelledTile:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    row = tiles.rows["train"][0]
    return tiles.read(row, tiles.whole(row))


def test_extents_follow_the_rows_up_to_a_patch(home: Path) -> None:
    whole = open_synthetic(home / "oxhyper-synthetic-ch4")
    assert extent_of(whole, 192, 256, 128) == Extent(64, 64, 64)
    assert extent_of(whole, 48, 256, 24) == Extent(48, 64, 24)
    assert extent_of(open_real(home / "oxhyper-real-ch4"), 192, 256, 128) == Extent(32, 32, 32)


def test_windows_lie_inside_and_half_of_them_over_plumes(home: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    row, rng = tiles.rows["train"][0], np.random.default_rng(0)
    label = tiles.plume_label(row)
    hits = 0
    for _ in range(60):
        window = draw_window(rng, tiles, row, Extent(8, 8, 8))
        assert 0 <= window.line <= 56
        assert 0 <= window.sample <= 56
        hits += int(label[window.line : window.line + 8, window.sample : window.sample + 8].any())
    assert hits > 30
    assert draw_window(rng, tiles, row, Extent(64, 64, 64)) == Window(0, 0, 64, 64)


def test_a_methane_sample_knows_no_mineral(home: Path) -> None:
    tiles = open_synthetic(home / "oxhyper-synthetic-ch4")
    tables, tile = tile_tables(tiles), read(home)
    sample = tile_sample(tile, tables, 0.15)
    assert not sample["minerals_known"].any()
    np.testing.assert_array_equal(sample["plume_weight"].numpy() > 0, tile.valid)
    assert not (sample["plume"].bool().numpy() & ~tile.valid).any()
    # The filter finds the plume with these bands alone.
    enhancement = sample["physics"][..., 0].numpy()
    plume = sample["plume"].bool().numpy()
    assert enhancement[plume].mean() > 1000.0
    assert abs(enhancement[tile.valid & ~plume].mean()) < 500.0
    # Log radiance is relative to the reference of these bands.
    expected = np.log(tile.radiance[30, 30] / tables.reference)
    np.testing.assert_allclose(sample["log"][30, 30].numpy() / LOG_SCALE, expected, atol=2e-4)


def test_a_mineral_sample_knows_no_plume(home: Path) -> None:
    tiles = open_minerals(home / "oxhyper-minerals")
    row = tiles.rows["train"][0]
    sample = tile_sample(tiles.read(row, tiles.whole(row)), tile_tables(tiles), 0.15)
    assert not sample["plume_weight"].any()
    assert sample["minerals_known"].any(dim=2).any(dim=1).sum() == 3
    assert not (sample["minerals"].bool() & ~sample["minerals_known"].bool()).any()


def test_a_sample_is_filtered_by_its_ground_as_flight_does(home: Path) -> None:
    tiles = open_minerals(home / "oxhyper-minerals")
    row = tiles.rows["train"][0]
    tile = tiles.read(row, tiles.whole(row))
    classed, plain = tile_tables(tiles), tile_tables(tiles, ground=False)
    sample = tile_sample(tile, classed, 0.15)
    counts = sample["log"].numpy().astype(np.int16)
    assert classed.ground is not None
    lines, samples = tile.valid.shape
    log = counts[:lines, :samples][..., classed.mf_bands].astype(np.float32) / np.float32(LOG_SCALE)
    labels = ground_labels(counts[:lines, :samples], classed.ground)
    filtered = filter_patch(log, tile.valid, classed.filter_tables, labels=labels)
    np.testing.assert_array_equal(sample["physics"][:lines, :samples, 0].numpy(), filtered.enhancement)
    assert not torch.equal(sample["physics"], tile_sample(tile, plain, 0.15)["physics"])


def test_weights_of_the_set_count(home: Path) -> None:
    tiles = open_starcop(home / "starcop")
    row = tiles.rows["train"][0]
    tile = tiles.read(row, tiles.whole(row))
    sample = tile_sample(tile, tile_tables(tiles), 0.15)
    assert tile.weight is not None
    np.testing.assert_allclose(sample["plume_weight"].numpy(), tile.weight * tile.valid)


def test_what_is_filled_up_neither_counts_nor_stands_out(home: Path) -> None:
    tiles, tile = open_synthetic(home / "oxhyper-synthetic-ch4"), read(home)
    tables = tile_tables(tiles)
    sample = tile_sample(tile, tables, 0.15, (72, 80), slice(8, 80))
    assert sample["log"].shape == (72, 72, 86)
    assert not sample["plume_weight"][64:].any()
    assert not sample["plume_weight"][:, 56:].any()
    assert not sample["keep"][64:].any()
    filled = sample["log"][70, 70].float()
    valid = sample["plume_weight"] > 0
    torch.testing.assert_close(filled, tile_sample(tile, tables, 0.15)["log"][0, 0].float())
    assert (filled - sample["log"][valid].float().mean(dim=0)).abs().max() < 0.2 * LOG_SCALE
    assert padded(tile, 64, 64) is tile


@pytest.mark.parametrize(("down", "across"), [(True, False), (False, True), (True, True)])
def test_flips_turn_everything_alike(home: Path, down: bool, across: bool) -> None:
    tile = read(home)
    turned = flipped(tile, down, across)
    axes = tuple(axis for axis, turn in enumerate((down, across)) if turn)
    np.testing.assert_array_equal(np.flip(turned.radiance, axes), tile.radiance)
    assert turned.plume is not None
    assert tile.plume is not None
    np.testing.assert_array_equal(np.flip(turned.plume, axes), tile.plume)
