from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from onboard.errors import OutputError, UsageError
from onboard.training.recipe import PoolRecipe, Recipe
from onboard.training.run import train


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("linescan", {"foo": 1}),
        ("linescan", {"widths": 5}),
        ("linescan", {"widths": [16, 32]}),
        ("linescan", {"mineral_features": 40}),
        ("hyper_segformer", {"tasks": "weather"}),
        ("hyper_starcop", {"foo": 1}),
        ("none", {}),
    ],
)
def test_settings_that_make_no_network_are_refused_before_anything_is_written(
    run_folder: Path, small: PoolRecipe, model: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        train(Recipe(name="tiny", model=model, settings=settings, crop=32, pool=small), run_folder)
    assert not run_folder.exists()


@pytest.mark.slow
def test_trains_stops_and_goes_on(run_folder: Path, small: PoolRecipe) -> None:
    recipe = Recipe(name="tiny", steps=4, batch=1, crop=32, checkpoint_steps=3, mining_rounds=1, pool=small)
    metrics = train(recipe, run_folder, workers=1)
    assert 0.0 <= metrics["test"]["plume_auprc"] <= 1.0
    assert len(json.loads((run_folder / "operating_point.json").read_text())["mineral_thresholds"]) == 10
    assert int(torch.load(run_folder / "last.ckpt", weights_only=False)["global_step"]) == 4
    assert np.load(run_folder / "mined-1.npy").shape == (small.train * small.windows,)
    first = torch.load(run_folder / "model.pt", weights_only=True)["state"]
    later = train(recipe, run_folder, workers=1)
    assert later["seconds"]["training"] > metrics["seconds"]["training"] > 0
    again = torch.load(run_folder / "model.pt", weights_only=True)["state"]
    for key, value in first.items():
        # Calibration is fitted again; rounding of its arithmetic is all that may differ.
        torch.testing.assert_close(again[key], value, rtol=1e-4, atol=1e-6)
    with pytest.raises(OutputError, match="another training"):
        train(dataclasses.replace(recipe, steps=5), run_folder, workers=1)
