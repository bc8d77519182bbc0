from __future__ import annotations

from pathlib import Path

import pytest

from onboard.errors import UsageError
from onboard.training.recipe import load_recipe, shipped_recipes


def write(path: Path, text: str) -> str:
    file = path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_every_shipped_recipe_loads() -> None:
    assert "shipped" in shipped_recipes()
    for name in shipped_recipes():
        assert load_recipe(name).name == name


def test_own_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "steps = 7\n[pool]\ntrain = 3\n"))
    assert (recipe.name, recipe.steps, recipe.pool.train) == ("mine", 7, 3)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("step = 7\n", "step"),
        ("steps = 'many'\n", "steps"),
        ("steps = -1\n", "negative"),
        ("[pool]\nlinez = 2\n", "pool.linez"),
        ("pool = 3\n", "pool; found: 3; expected: a table"),
        ("settings = 3\n", "settings; found: 3; expected: a table"),
        ("steps = 0\n", "steps; found: 0; expected: at least 1"),
        ("batch = 0\n", "batch"),
        ("learning_rate = nan\n", "learning_rate; found: nan"),
        ("weight_decay = inf\n", "weight_decay; found: inf"),
        ("precision = 'foo'\n", "precision"),
        ("crop = 300\n", "crop; found: 300; expected: 1 to 256"),
        ("crop = 100\n", "crop; found: 100; expected: a multiple of 8"),
        ("[pool]\nsamples = 900\nswath = 720\n", "pool.samples"),
        ("[pool]\nswath = 256\nwindows = 4\n", "pool.windows; found: 4; expected: at most 2"),
        ("[pool]\nlines = 30\n", "pool.lines"),
        ("[pool]\ntest = 0\n", "pool.test"),
        ("steps = \n", "TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        load_recipe(write(tmp_path, text))


def test_other_networks_take_any_size(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, "model = 'hyper_starcop'\ncrop = 100\n")).crop == 100


def test_unknown_recipe_lists_the_shipped() -> None:
    with pytest.raises(UsageError, match="shipped"):
        load_recipe("no-such")


def test_a_share_that_is_none_is_refused() -> None:
    for share in ("0.0", "1.0"):
        with pytest.raises(UsageError, match="plume_share"):
            load_recipe("shipped", [f"plume_share={share}"])


def test_surroundings_that_no_bundle_flies_are_refused() -> None:
    assert load_recipe("shipped", ["exclude_near=0"]).exclude_near == 0
    for reach in ("-1", "1025"):
        with pytest.raises(UsageError, match="exclude_near"):
            load_recipe("shipped", [f"exclude_near={reach}"])
