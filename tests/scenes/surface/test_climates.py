from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.arrays import host
from onboard.scenes.surface.climates import CLIMATES, Climate, Figures, climate_names, get_climate
from tests.scenes.surface.support import BACKGROUNDS, KINDS


@pytest.mark.parametrize("climate", CLIMATES, ids=lambda c: c.name)
def test_the_figures_can_be_drawn_from(climate: Climate) -> None:
    assert set(climate.cover) <= set(BACKGROUNDS)
    assert sum(climate.cover.values()) == pytest.approx(1, abs=0.02)
    for low, high in (
        climate.mineral_cover,
        climate.farmland,
        climate.built_up,
        climate.water,
        climate.snow_cover,
    ):
        assert 0 <= low <= high < 1
    assert 0 <= climate.sun_zenith_deg[0] < climate.sun_zenith_deg[1] < 75
    assert climate.roads[0] < climate.roads[1]
    for chance in (
        climate.pivots,
        climate.sea,
        climate.rivers,
        climate.fans,
        climate.playa,
        climate.snow,
        climate.pads,
    ):
        assert 0 <= chance <= 1


def test_names_are_unique_and_found() -> None:
    assert len(set(climate_names())) == len(CLIMATES)
    assert {"arid-bright", "arid-dark", "semi-arid", "farmland", "dark-vegetated", "urban"} <= set(
        climate_names()
    )
    assert get_climate("urban").name == "urban"
    assert sum(c.weight for c in CLIMATES) == pytest.approx(1)


def test_an_unknown_climate_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'moon'.*arid-bright") as caught:
        get_climate("moon")
    assert caught.value.field == "climate"


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_drawn_from_each_scenes_own_climate(kind: Any) -> None:
    climates = [get_climate("farmland"), get_climate("arid-dark")] * 50
    figures = Figures(kind(1), climates)
    np.testing.assert_allclose(host(figures.value("targets"))[:2], [450, 250])
    for name in ("farmland", "relief"):
        drawn = host(figures.draw(name, (3,)))
        assert drawn.shape == (100, 3)
        for i, climate in enumerate(climates[:2]):
            low, high = getattr(climate, name)
            assert low <= drawn[i::2].min() < drawn[i::2].max() <= high
    snow = host(Figures(kind(1), [get_climate("snowy-mountains"), get_climate("urban")]).happens("snow"))
    assert snow.tolist() == [1, 0]
