from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from onboard.errors import OutputError
from onboard.training.denoising.__main__ import command
from onboard.training.denoising.data import CleanScenes
from onboard.training.denoising.module import load_network
from onboard.training.denoising.recipe import DenoisingRecipe
from onboard.training.denoising.run import train

RECIPE = DenoisingRecipe(scenes=2, size=32, patch=16, steps=4, batch=1, checkpoint_steps=2)


def test_a_training_goes_on_where_it_was_stopped(
    scenes: CleanScenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = scenes.files[0].parent
    whole = train(RECIPE, tmp_path / "whole", scenes=folder, workers=1)

    from onboard.training.denoising import data

    full = data.NoisyPatches.batch

    def broken(self: data.NoisyPatches, number: int) -> data.Sample:
        if number == 3:
            raise ValueError(number)
        return full(self, number)

    monkeypatch.setattr(data.NoisyPatches, "batch", broken)
    with pytest.raises(ValueError, match="3"):
        train(RECIPE, tmp_path / "parts", scenes=folder, workers=1)
    monkeypatch.undo()
    resumed = train(RECIPE, tmp_path / "parts", scenes=folder, workers=1)
    assert json.loads((tmp_path / "parts/report.json").read_text())["steps_of_this_run"] == 2
    first, second = (load_network(path).state_dict() for path in (whole, resumed))
    assert all(torch.allclose(first[key], second[key], atol=1e-6) for key in first)


def test_a_folder_of_an_older_recipe_goes_on(scenes: CleanScenes, tmp_path: Path) -> None:
    older = {name: value for name, value in asdict(RECIPE).items() if name != "precision"}
    (tmp_path / "recipe.json").write_text(json.dumps(older))
    assert train(RECIPE, tmp_path, scenes=scenes.files[0].parent, workers=1).is_file()


def test_another_trainings_folder_is_left_alone(scenes: CleanScenes, tmp_path: Path) -> None:
    for text, words in (("{}", "another training"), ("{", "damaged")):
        (tmp_path / "recipe.json").write_text(text)
        with pytest.raises(OutputError, match=words):
            train(RECIPE, tmp_path, scenes=scenes.files[0].parent, workers=1)


def test_wrong_settings_end_with_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--out", str(tmp_path), "--patch", "60"])
    assert result.exit_code == 2
    assert "multiple of 8" in result.output
