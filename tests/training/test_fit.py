from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onboard.training.adapters.mixture import MixedBatches, SceneSource
from onboard.training.adapters.training import all_sources
from onboard.training.dataset import drawn
from onboard.training.fit import CHECKPOINT, fit, phases
from onboard.training.pool import Pool
from onboard.training.recipe import DataRecipe, Recipe
from onboard.training.tables import FlightTables


@given(st.integers(1, 10_000), st.integers(0, 5))
def test_phases_rise_to_the_last_step(steps: int, rounds: int) -> None:
    ends = phases(Recipe(name="r", steps=steps, mining_rounds=rounds))
    assert ends == sorted(ends)
    assert ends[-1] == steps
    assert len(ends) == rounds + 1


def test_a_patch_is_drawn_as_often_as_it_weighs() -> None:
    rng, weights = np.random.default_rng(1), np.array([1.0, 4.0, 0.0, 5.0], np.float32)
    counts = np.bincount([drawn(rng, weights) for _ in range(4000)], minlength=4)
    np.testing.assert_allclose(counts / 4000, weights / 10.0, atol=0.03)


@pytest.mark.parametrize("model", ["linescan", "hyper_segformer"])
def test_a_training_stopped_in_a_phase_goes_on_alike(
    tmp_path: Path, pool: Pool, tables: FlightTables, model: str
) -> None:
    """Stopping at a checkpoint, between phases or within one, must not change what is learned.

    SegFormer drops paths at random: the same ones after a stop.
    """
    shape: dict[str, Any] = {"model": model, "batch": 1, "crop": 32}
    often: dict[str, Any] = {"checkpoint_steps": 2, "mining_rounds": 1}
    states = []
    for name, stops in (("whole", [4]), ("stopped", [2, 4])):
        out = tmp_path / name
        out.mkdir()
        for steps in stops:
            torch.manual_seed(3)
            recipe = Recipe(name="r", steps=4, **shape, **often)
            if steps < recipe.steps:
                fit_until(steps, recipe, out, tables, pool)
            else:
                module = fit(recipe, out, tables, pool, [], interactive=False)
        states.append(module.network.state_dict())
        assert int(torch.load(out / CHECKPOINT, weights_only=False)["global_step"]) == 4
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def fit_until(stop: int, recipe: Recipe, out: Path, tables: FlightTables, pool: Pool) -> None:
    """Fit, but fall over at a step, as a machine does."""
    from onboard.training.module import LinescanTraining

    original = LinescanTraining.training_step

    def falling(self: LinescanTraining, batch: dict[str, torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step >= stop:
            raise RuntimeError("power lost")
        return original(self, batch, index)

    LinescanTraining.training_step = falling  # type: ignore[method-assign]
    try:
        with pytest.raises(RuntimeError, match="power lost"):
            fit(recipe, out, tables, pool, [], interactive=False)
    finally:
        LinescanTraining.training_step = original  # type: ignore[method-assign]


def test_scenes_among_data_sets_are_mined_as_alone(
    tmp_path: Path, pool: Pool, tables: FlightTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.zeros(len(pool), np.float32)
    weights[-1] = 1.0
    monkeypatch.setattr("onboard.training.fit.mined_weights", lambda *_: weights)
    drawn_from: list[SceneSource] = []

    def noted(sources: list[SceneSource], *rest: Any, **more: Any) -> MixedBatches:
        drawn_from.extend(sources)
        return MixedBatches(sources, *rest, **more)

    monkeypatch.setattr("onboard.training.fit.MixedBatches", noted)
    recipe = Recipe(
        name="r",
        steps=2,
        batch=1,
        crop=32,
        mining_rounds=1,
        continuum_sigma=0.1,
        data=(DataRecipe("scenes"),),
    )
    sources = all_sources(recipe, {}, tables, pool)
    fit(recipe, tmp_path, tables, pool, sources, interactive=False)
    assert [source.continuum_sigma for source in drawn_from] == [0.1, 0.1]
    assert drawn_from[0].weights is None
    assert drawn_from[1].weights is weights
