from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onboard.training.dataset import drawn
from onboard.training.fit import CHECKPOINT, fit, phases
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
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


def test_a_training_stopped_in_a_phase_goes_on_alike(
    tmp_path: Path, pool: Pool, tables: FlightTables
) -> None:
    """Stopping at a checkpoint, between phases or within one, must not change what is learned."""
    states = []
    for name, stops in (("whole", [4]), ("stopped", [2, 4])):
        out = tmp_path / name
        out.mkdir()
        for steps in stops:
            torch.manual_seed(3)
            recipe = Recipe(name="r", steps=4, batch=1, crop=32, checkpoint_steps=2, mining_rounds=1)
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
