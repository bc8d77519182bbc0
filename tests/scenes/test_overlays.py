from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from onboard.scenes import overlays
from onboard.scenes.overlays import NOTHING, Overlay

SHAPE = (90, 70)
Layer = Callable[[np.random.Generator, Overlay], None]
LAYERS: dict[str, Layer] = {
    "parcels": lambda rng, o: overlays.lay_parcels(rng, o, np.ones(SHAPE, np.float32), [3, 4], pivots=False),
    "pivots": lambda rng, o: overlays.lay_parcels(rng, o, np.ones(SHAPE, np.float32), [3, 4], pivots=True),
    "roads": lambda rng, o: overlays.lay_roads(rng, o, 3, [3, 4]),
    "towns": lambda rng, o: overlays.lay_built_up(rng, o, 0.3, [3, 4]),
    "patches": lambda rng, o: overlays.lay_patches(rng, o, 0.2, [3, 4], outer=20.0),
    "channels": lambda rng, o: overlays.lay_channels(rng, o, [3, 4], width=2.0, share=0.8),
    "targets": lambda rng, o: overlays.lay_targets(rng, o, 20, [[3], [], [4]]),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_layer_covers_some_ground_with_its_own_materials(layer: Layer) -> None:
    cover, again = Overlay.empty(SHAPE), Overlay.empty(SHAPE)
    layer(np.random.default_rng(1), cover)
    layer(np.random.default_rng(1), again)
    np.testing.assert_array_equal(cover.weight, again.weight)
    np.testing.assert_array_equal(cover.member, again.member)
    assert cover.weight.dtype == np.float32
    assert cover.weight.min() >= 0
    assert cover.weight.max() <= 1 + 1e-6
    assert 0 < (cover.weight > 0).mean() <= 1
    np.testing.assert_array_equal(cover.weight > 0, cover.member != NOTHING)
    assert set(np.unique(cover.member)) <= {3, 4, NOTHING}


def test_what_covers_most_names_the_pixel_and_shares_add_up() -> None:
    cover = Overlay.empty((1, 3))
    cover.lay(1, np.array([[0.6, 0.2, 0.0]], np.float32))
    cover.lay(2, np.array([[0.3, 0.5, 0.0]], np.float32))
    assert cover.member.tolist() == [[1, 2, NOTHING]]
    np.testing.assert_allclose(cover.weight, [[0.3 + 0.6 * 0.7, 0.5 + 0.2 * 0.5, 0]], rtol=1e-6)


def test_targets_of_no_material_lay_nothing() -> None:
    cover = Overlay.empty(SHAPE)
    overlays.lay_targets(np.random.default_rng(0), cover, 10, [[], []])
    assert not cover.weight.any()


def test_a_town_covers_about_the_area_asked_for() -> None:
    cover = Overlay.empty((300, 300))
    overlays.lay_built_up(np.random.default_rng(2), cover, 0.25, [3, 4])
    assert 0.2 < float((cover.weight > 0).mean()) < 0.32


def test_hashes_spread_over_their_range() -> None:
    u, v = np.meshgrid(np.arange(-60, 60, dtype=np.int64), np.arange(60, dtype=np.int64))
    hashes = overlays.cell_hash(u, v)
    assert hashes.min() >= 0
    assert hashes.max() < overlays.HASH_SIZE
    assert np.unique(hashes).size > 2500
