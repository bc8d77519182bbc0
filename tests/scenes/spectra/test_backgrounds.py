from __future__ import annotations

import numpy as np
import pytest

from onboard.scenes.library import load_library
from onboard.scenes.spectra.backgrounds import background_spectra, draw_sources
from onboard.scenes.spectra.recipes import RECIPES, Recipe

CENTRES = np.arange(400.0, 2480.0, 20.0)
FWHM = np.full(CENTRES.size, 10.0)


@pytest.mark.parametrize("group", list(RECIPES))
def test_every_recipe_makes_spectra(group: str) -> None:
    library = load_library()
    known = library.reflectance(CENTRES, FWHM)
    recipe = RECIPES[group]
    one, same = (
        background_spectra(np.random.default_rng(1), library, known, CENTRES, recipe, 60) for _ in range(2)
    )
    np.testing.assert_array_equal(one, same)
    assert one.shape == (60, CENTRES.size)
    assert one.dtype == np.float32
    assert one.min() >= 0.003
    assert one.max() <= 0.99
    assert len(np.unique(one.round(4), axis=0)) == 60


def test_sources_are_of_the_recipe_and_follow_its_words() -> None:
    library = load_library()
    drawn = draw_sources(np.random.default_rng(1), library, RECIPES["soil"], 2000)
    classes = np.array(library.classes)[drawn]
    assert set(classes.ravel()) == set(RECIPES["soil"].parts)
    assert np.mean(classes == "soil") == pytest.approx(0.78, abs=0.03)
    named = draw_sources(np.random.default_rng(1), library, RECIPES["panel"], 100)
    assert all(any(w in library.names[i].lower() for w in RECIPES["panel"].words) for i in named.ravel())
    green = draw_sources(np.random.default_rng(1), library, RECIPES["green"], 300)
    leaves = [i for i in green.ravel() if library.classes[i] == "vegetation"]
    assert not any("dry" in library.names[i].lower() for i in leaves)


def test_a_library_without_a_recipes_classes_gives_any_background() -> None:
    library = load_library()
    odd = library.taken(library.members("vegetation", "calcite"))
    drawn = draw_sources(np.random.default_rng(1), odd, Recipe({"water": 1.0}), 50)
    assert {odd.classes[i] for i in drawn.ravel()} == {"vegetation"}
