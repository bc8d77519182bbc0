from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.training.overrides import overridden
from onboard.training.recipe import DataRecipe, load_recipe


@given(st.integers(1, 10**6), st.floats(1e-6, 1.0))
def test_numbers_arrive_as_they_were_written(steps: int, rate: float) -> None:
    found = overridden({"steps": 1, "batch": 3}, [f"steps={steps}", f"learning_rate={rate!r}"])
    assert found == {"steps": steps, "batch": 3, "learning_rate": rate}


def test_tables_inside_are_reached_and_the_recipe_is_left_alone() -> None:
    table = {"pool": {"train": 9, "seed": 1}}
    assert overridden(table, ["pool.train=3", "settings.static_features=8"]) == {
        "pool": {"train": 3, "seed": 1},
        "settings": {"static_features": 8},
    }
    assert table == {"pool": {"train": 9, "seed": 1}}


def test_data_sets_replace_the_recipes() -> None:
    found = overridden(
        {"data": [{"name": "starcop", "path": "/s"}]},
        ["data=oxhyper-minerals:/a:b", "data=scenes,share=0.25"],
    )
    assert found["data"] == [
        {"name": "oxhyper-minerals", "path": "/a:b"},
        {"name": "scenes", "share": 0.25},
    ]


@pytest.mark.parametrize("text", ["steps", "=3", "pool=1"])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        overridden({"pool": {"train": 1}}, [text, "pool.train=3"])


def test_recipes_take_data_from_toml_and_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'steps = 5\n[[data]]\nname = "scenes"\n[[data]]\nname = "starcop"\npath = "/s"\nshare = 2\n'
    )
    recipe = load_recipe(str(file), ["batch=7"])
    assert recipe.batch == 7
    assert recipe.data == (DataRecipe("scenes"), DataRecipe("starcop", "/s", 2))
    assert load_recipe(str(file), ["data=emit-l2b:/e"]).data == (DataRecipe("emit-l2b", "/e"),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["data=nothing:/x"], "unknown data set"),
        (["data=starcop"], "no path"),
        (["data=scenes", "data=scenes"], "named twice"),
        (["data=scenes,share=0"], "no data set has a share"),
        (["data=scenes,share=much"], "wrong kind"),
        (["data=scenes,share=-1"], "negative"),
        (["sensor=3"], "wrong kind"),
    ],
)
def test_changes_are_checked_as_the_recipe_is(changes: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_recipe("shipped", changes)
