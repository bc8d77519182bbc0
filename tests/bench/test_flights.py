from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.flights import Array, fly_scene, kept, number, plan_of, table
from bench.methods import flight_method
from bench.simemit import observe
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import Scene, build_scene
from onboard.scenes.simemit import BenchmarkCapture
from onboard.sensors import load_sensor

RECIPE = SceneRecipe(
    seed=3,
    lines=160,
    samples=64,
    climate="arid-bright",
    plumes=3,
    emission_kg_h=(15_000.0, 20_000.0),
    flagged_lines=1,
)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build_scene(RECIPE, load_sensor("emit"))


def test_flown_by_blocks_is_what_the_method_says(scene: Scene) -> None:
    shown = []
    (flown,) = fly_scene(scene, see=lambda block, first: shown.append((first, len(block))))
    whole = flight_method(observe(BenchmarkCapture("small", "test", RECIPE), scene, None))
    assert whole.plume_score is not None
    np.testing.assert_array_equal(flown.probability, whole.plume_score)
    assert shown == [(0, 64), (64, 64), (128, 32)]
    np.testing.assert_array_equal(np.isfinite(flown.enhancement), scene.valid != 0)
    for event, pixels in zip(flown.events, flown.event_pixels(), strict=True):
        assert pixels.sum() == event.area_pixels
        assert pixels[event.peak_line, event.peak_sample]


def test_changes_fly_side_by_side_and_gas_can_be_replaced(scene: Scene) -> None:
    def half(block: Array, first: int) -> Array:
        return block * np.float32(0.5)

    none = np.zeros((scene.lines, scene.samples), np.float32)
    plain, dimmed = fly_scene(scene, enhancement=none, changes=(None, half))
    assert not plain.mask.any()
    assert plain.probability.shape == dimmed.probability.shape
    assert not np.array_equal(plain.enhancement, dimmed.enhancement)


def test_results_are_kept_as_long_as_nothing_changed(tmp_path: Path) -> None:
    made = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"answer": len(made)}

    file = tmp_path / "deep" / "one.json"
    assert kept(file, {"a": (1, 2)}, make)["answer"] == 1
    assert kept(file, {"a": (1, 2)}, make)["answer"] == 1
    assert kept(file, {"a": (1, 3)}, make)["answer"] == 2
    file.write_text("{ damaged")
    assert kept(file, {"a": (1, 3)}, make)["answer"] == 3


@pytest.mark.parametrize("digest", ["world_digest", "flight_digest", "maker_digest"])
def test_results_of_another_simulator_or_core_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: str
) -> None:
    file = tmp_path / "one.json"
    assert kept(file, {}, lambda: {"answer": 1})["answer"] == 1
    monkeypatch.setattr(f"bench.flights.{digest}", lambda *_: "another")
    assert kept(file, {}, lambda: {"answer": 2})["answer"] == 2


def test_bundles_are_asked_for_their_plan() -> None:
    assert 0 < plan_of(None)["plume_threshold"] < 1


def test_tables() -> None:
    assert table(["a", "b"], [["1", number(None)]]) == "| a | b |\n| --- | --- |\n| 1 | - |\n"
    assert number(0.12345, 3) == "0.123"
