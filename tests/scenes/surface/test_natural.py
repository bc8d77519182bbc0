from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import host
from onboard.scenes.surface import natural
from onboard.scenes.surface.climates import Figures, get_climate
from onboard.scenes.surface.layers import NOTHING, Cover, bare, draw_palette
from onboard.scenes.surface.terrain import Terrain, draw_terrain
from tests.scenes.surface.support import GROUPS, KINDS

CLIMATE = replace(
    get_climate("arid-dark"),
    playa=1.0,
    snow=1.0,
    snow_cover=(0.2, 0.2),
    sea=0.0,
    water=(0.1, 0.1),
    rivers=1.0,
    fans=1.0,
)
SHAPE = (24, 96, 96)


def laid(kind: Any, layer: Callable[..., Cover], climate: Any = CLIMATE) -> tuple[Any, Any, Terrain, Any]:
    random = kind(5)
    figures = Figures(random.child("figures"), [climate] * SHAPE[0])
    terrain = draw_terrain(random.child("terrain"), SHAPE, figures)
    palette = draw_palette(random.child("palette"), SHAPE[0], GROUPS, tile=True)
    extra = {} if layer in (natural.lay_channels, natural.lay_fans) else {"tile": True}
    cover = layer(random.child("layer"), bare(random, SHAPE), palette, figures, terrain, **extra)
    return host(cover.material), host(cover.share), terrain, palette


Layer = Callable[..., Cover]
LAYERS: dict[str, tuple[Layer, tuple[str, ...], tuple[float, float]]] = {
    "channels": (natural.lay_channels, ("bed", "bank", "water"), (0.005, 0.3)),
    "fans": (natural.lay_fans, ("bed",), (0.005, 0.15)),
    "playas": (natural.lay_playas, ("playa",), (0.01, 0.12)),
    "lakes": (natural.lay_lakes, ("water",), (0.05, 0.2)),
    "snow": (natural.lay_snow, ("snow",), (0.08, 0.4)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_covers_its_area_with_its_own_materials(kind: Any, name: str) -> None:
    layer, uses, (low, high) = LAYERS[name]
    material, share, _, palette = laid(kind, layer)
    assert share.min() >= 0
    assert share.max() <= 1
    np.testing.assert_array_equal(share > 0, material != NOTHING)
    own = [palette.places[use][0] + i for use in uses for i in range(palette.places[use][1])]
    assert set(np.unique(material)) <= {*own, NOTHING}
    assert low < share.mean() < high


def test_lakes_lie_low_and_snow_high() -> None:
    for layer, sign in ((natural.lay_lakes, -1), (natural.lay_playas, -1), (natural.lay_snow, 1)):
        _, share, terrain, _ = laid(KINDS[0], layer)
        assert sign * terrain.height[share > 0.5].mean() > 0.2


def test_a_climate_without_water_or_snow_has_none() -> None:
    dry = replace(CLIMATE, playa=0.0, snow=0.0, water=(0.0, 0.0))
    for layer in (natural.lay_lakes, natural.lay_playas, natural.lay_snow):
        assert not laid(KINDS[0], layer, dry)[1].any()


def test_a_coast_has_more_water_in_fewer_pieces() -> None:
    lakes = laid(KINDS[0], natural.lay_lakes)[1]
    sea = laid(KINDS[0], natural.lay_lakes, replace(CLIMATE, sea=1.0))[1]
    assert sea.mean() > 2 * lakes.mean()
    assert (sea > 0.5).mean(axis=(1, 2)).max() > 0.8
