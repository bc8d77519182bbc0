from __future__ import annotations

import pytest

from onboard.minerals import MINERALS
from onboard.scenes.library import load_library
from onboard.scenes.spectra import absorbers
from onboard.scenes.spectra.recipes import RECIPES


@pytest.mark.parametrize("group", list(RECIPES))
def test_recipes_name_what_is_there(group: str) -> None:
    recipe = RECIPES[group]
    classes = set(load_library().classes)
    assert set(recipe.parts) <= classes - set(MINERALS)
    assert all(callable(getattr(absorbers, name)) for name in recipe.absorbers)
    names = [
        n.lower()
        for n, c in zip(load_library().names, load_library().classes, strict=True)
        if c in recipe.parts
    ]
    assert not recipe.words or any(word in name for name in names for word in recipe.words)
    for low, high in (recipe.gain, recipe.leaf_water_cm, *recipe.absorbers.values()):
        assert low <= high
    assert 0 <= recipe.pure <= 1
    assert 0 <= recipe.wet <= 1
    # Amounts that could be mapped as a mineral would be a mineral without a label.
    assert recipe.absorbers.get("clay", (0, 0))[1] <= 0.1
    assert recipe.absorbers.get("carbonate", (0, 0))[1] <= 0.1
