from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import host
from onboard.scenes.surface import works
from onboard.scenes.surface.climates import Climate, Figures, get_climate
from onboard.scenes.surface.layers import NOTHING, Cover, bare, draw_palette
from tests.scenes.surface.support import GROUPS, KINDS

SHAPE = (16, 96, 96)
BUSY = replace(
    get_climate("farmland"),
    farmland=(0.4, 0.4),
    built_up=(0.2, 0.2),
    pads=1.0,
    roads=(9, 9),
    targets=1500.0,
    pivots=0.0,
)
Layer = Callable[..., Cover]
LAYERS: dict[str, tuple[Layer, dict[str, Any], set[str]]] = {
    "parcels": (works.lay_parcels, {"part": 1.0, "tile": True}, {"crop", "track"}),
    "towns": (works.lay_towns, {"tile": True}, {"roof", "paving"}),
    "roads": (works.lay_roads, {"most": 3}, {"paving", "track"}),
    "pads": (works.lay_pads, {}, {"pad", "track"}),
    "targets": (works.lay_targets, {}, set(works.TARGETS)),
}


def laid(kind: Any, name: str, climate: Climate = BUSY) -> tuple[Any, Any, Any]:
    random = kind(6)
    layer, extra, _ = LAYERS[name]
    figures = Figures(random.child("figures"), [climate] * SHAPE[0])
    palette = draw_palette(random.child("palette"), SHAPE[0], GROUPS, tile=True)
    cover = layer(random.child("layer"), bare(random, SHAPE), palette, figures, **extra)
    return host(cover.material), host(cover.share), palette


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_covers_some_ground_with_its_own_materials(kind: Any, name: str) -> None:
    material, share, palette = laid(kind, name)
    assert share.min() >= 0
    assert share.max() <= 1 + 1e-6
    np.testing.assert_array_equal(share > 0, material != NOTHING)
    places = [palette.places[use] for use in LAYERS[name][2]]
    assert set(np.unique(material)) <= {
        NOTHING,
        *(first + i for first, count in places for i in range(count)),
    }
    assert 0.001 < (share > 0.05).mean() < 0.75
    again = laid(kind, name)
    np.testing.assert_array_equal(share, again[1])


@pytest.mark.parametrize("name", LAYERS)
def test_empty_country_has_none(name: str) -> None:
    nobody = replace(BUSY, farmland=(0, 0), built_up=(0, 0), pads=0.0, roads=(0, 0), targets=0.0)
    share = laid(KINDS[0], name, nobody)[1]
    assert share.max() == 0


@pytest.mark.parametrize("pivots", [0.0, 1.0])
def test_farmland_has_the_area_asked_for_in_expectation(pivots: float) -> None:
    many = [laid(KINDS[0], "parcels", replace(BUSY, pivots=pivots))[1] > 0.2]
    assert 0.15 < np.mean(many) < 0.5


def test_targets_are_small_and_as_many_as_asked_for() -> None:
    share = laid(KINDS[0], "targets")[1]
    per_million = (share > 0.1).sum() / share.size * 1e6
    assert 0.5 * 1500 < per_million < 12 * 1500
    assert (share > 0.1).mean(axis=(1, 2)).max() < 0.1


def test_all_kinds_of_confusers_occur() -> None:
    material, _, palette = laid(KINDS[0], "targets")
    for use in ("plastic", "panel", "oil", "paint"):
        first, count = palette.places[use]
        assert ((material >= first) & (material < first + count)).any()
