from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.arrays import host
from onboard.scenes.surface.climates import CLIMATES, Climate, Figures
from onboard.scenes.surface.cover import draw_cover
from onboard.scenes.surface.layers import NOTHING, draw_palette
from onboard.scenes.surface.terrain import draw_terrain
from tests.scenes.surface.support import GROUPS, KINDS


def covers(kind: Any, climates: list[Climate], shape: tuple[int, int], *, tile: bool) -> tuple[Any, Any, Any]:
    random = kind(8)
    whole = (len(climates), *shape)
    figures = Figures(random.child("figures"), climates)
    terrain = draw_terrain(random.child("terrain"), whole, figures)
    palette = draw_palette(random.child("palette"), whole[0], GROUPS, tile=tile)
    cover = draw_cover(random.child("cover"), whole, figures, palette, terrain, tile=tile)
    return host(cover.material), host(cover.share), palette


@pytest.mark.parametrize("kind", KINDS)
def test_open_and_built_climates_differ_in_cover(kind: Any) -> None:
    names = ("arid-bright", "farmland", "coast")
    climates = [c for c in CLIMATES if c.name in names] * 12
    material, share, _ = covers(kind, climates, (64, 64), tile=True)
    by_name = {c.name: share[i::3].mean() for i, c in enumerate(climates[:3])}
    assert by_name["arid-bright"] < 0.2
    assert by_name["farmland"] > 0.25
    assert by_name["coast"] > 0.15
    np.testing.assert_array_equal(share > 0, material != NOTHING)


def test_a_capture_holds_more_materials() -> None:
    material, share, palette = covers(KINDS[0], [CLIMATES[3]], (220, 200), tile=False)
    assert palette.size > 40
    assert np.unique(material).size > 15
    assert 0.2 < share.mean() < 0.95
