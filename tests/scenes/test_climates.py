from __future__ import annotations

import pytest

from onboard.errors import UsageError
from onboard.scenes.climates import CLIMATES, Climate, climate_names, get_climate
from onboard.scenes.palette import RECIPES


@pytest.mark.parametrize("climate", CLIMATES, ids=lambda c: c.name)
def test_the_figures_can_be_drawn_from(climate: Climate) -> None:
    assert set(climate.cover) <= set(RECIPES)
    assert sum(climate.cover.values()) == pytest.approx(1, abs=0.02)
    for low, high in (climate.mineral_cover, climate.farmland, climate.built_up, climate.water):
        assert 0 <= low <= high < 1
    assert 0 <= climate.sun_zenith_deg[0] < climate.sun_zenith_deg[1] < 75
    assert climate.roads[0] < climate.roads[1]


def test_names_are_unique_and_found() -> None:
    assert len(set(climate_names())) == len(CLIMATES) == 6
    assert get_climate("urban").name == "urban"
    assert sum(c.weight for c in CLIMATES) == pytest.approx(1)


def test_an_unknown_climate_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'moon'.*arid-bright") as caught:
        get_climate("moon")
    assert caught.value.field == "climate"
