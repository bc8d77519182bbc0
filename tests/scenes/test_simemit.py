from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError, UsageError
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.simemit import (
    SETS,
    BenchmarkCapture,
    benchmark_name,
    benchmark_set,
    check_frozen,
    fingerprint,
    frozen_fingerprints,
    recipe_of,
    same_fingerprint,
    shrunk,
)
from onboard.scenes.surface.climates import climate_names
from onboard.sensors import load_sensor


def small(name: str, part: str = "test") -> BenchmarkCapture:
    chosen = next(capture for capture in benchmark_set(part) if capture.name == name)
    return shrunk(chosen, 48, 40)


def test_sets_are_as_described() -> None:
    assert benchmark_name() == "SimEMIT-1 revision 2"
    test, validation = benchmark_set("test"), benchmark_set("validation")
    assert (len(test), len(validation)) == (24, 8)
    assert set(Counter(c.recipe.climate for c in test).values()) == {6}
    assert len({c.recipe.climate for c in test}) == 4
    for part in (test, validation):
        bare = Counter(c.recipe.climate for c in part if c.recipe.plumes == 0)
        rest = Counter(c.recipe.climate for c in part if c.recipe.plumes > 0)
        assert bare == rest
        assert {str(c.recipe.climate) for c in part} <= set(climate_names())
        assert {(c.recipe.lines, c.recipe.samples) for c in part} == {(1280, 1242)}


def test_no_seed_and_no_name_comes_twice() -> None:
    every = [capture for part in SETS for capture in benchmark_set(part)]
    assert len({c.recipe.seed for c in every}) == len(every)
    assert len({c.name for c in every}) == len(every)


def test_parameters_of_the_test_differ_from_training() -> None:
    train, test = benchmark_set("train")[0].recipe, benchmark_set("test")
    assert all(c.recipe.emission_kg_h != train.emission_kg_h for c in test)
    assert all(c.recipe.smile_nm > train.smile_nm for c in test)
    assert all(c.recipe.shift_nm != train.shift_nm for c in test)


def test_fields_are_checked_against_the_recipe() -> None:
    assert recipe_of({"seed": 3, "emission_kg_h": [30.0, 60.0]}).emission_kg_h == (30.0, 60.0)
    assert recipe_of({"seed": 3, "smile_nm": 1}).smile_nm == 1.0
    with pytest.raises(UsageError, match="moon_phase"):
        recipe_of({"seed": 3, "moon_phase": 0.5})
    with pytest.raises(UsageError, match="seed"):
        recipe_of({"lines": 10})
    for bad in ({"lines": "many"}, {"smile_nm": True}, {"emission_kg_h": [1.0]}, {"plumes": 1.5}):
        with pytest.raises(UsageError, match=next(iter(bad))):
            recipe_of({"seed": 3, **bad})
    with pytest.raises(UsageError, match="set"):
        benchmark_set("holdout")


def test_a_table_may_use_every_field() -> None:
    recipe = SceneRecipe(seed=5)
    values = {f.name: getattr(recipe, f.name) for f in fields(recipe) if getattr(recipe, f.name) is not None}
    table = {"sets": {"test": {"shared": {"plumes": 2}, "captures": [{"name": "one", **values}]}}}
    assert benchmark_set("test", table)[0].recipe == recipe


def test_a_capture_keeps_its_fingerprint_and_no_other_has_it() -> None:
    sensor = load_sensor("emit")
    one, other = small("test-farmland-1"), small("test-farmland-3")
    print_of = fingerprint(build_scene(one.recipe, sensor))
    again = build_scene(one.recipe, sensor)
    known = {one.name: json.loads(json.dumps(print_of))}
    assert check_frozen(one, again, known)
    assert not check_frozen(other, again, known)
    with pytest.raises(CaptureError, match="test-farmland-1"):
        check_frozen(one, build_scene(other.recipe, sensor), known)
    assert np.isfinite(print_of["radiance"]).all()


def test_rounding_is_forgiven_and_change_is_not() -> None:
    known = {"truth": [1000.0, 50.0], "radiance": [1.0, 0.5]}
    assert same_fingerprint(known, {"truth": [1000.0, 51.0], "radiance": [1.0001, 0.5]})
    assert not same_fingerprint(known, {"truth": [1000.0, 60.0], "radiance": [1.0, 0.5]})
    assert not same_fingerprint(known, {"truth": [1000.0, 50.0], "radiance": [1.01, 0.5]})
    assert not same_fingerprint(known, {"truth": [1000.0], "radiance": [1.0, 0.5]})


def test_fingerprints_are_read(tmp_path: Path) -> None:
    assert frozen_fingerprints(tmp_path / "none.json") == {}
    (tmp_path / "some.json").write_text('{"a": {"truth": [1.0], "radiance": []}}')
    assert frozen_fingerprints(tmp_path / "some.json")["a"]["truth"] == [1.0]
    assert set(frozen_fingerprints()) <= {c.name for part in SETS for c in benchmark_set(part)}
