from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from onboard.cli.main import cli, main
from onboard.sensors import load_sensor
from onboard.training.adapters.mixture import MixedBatches
from onboard.training.adapters.training import all_sources, open_sets
from onboard.training.module import LinescanTraining
from onboard.training.recipe import DataRecipe, Recipe
from onboard.training.tables import FlightTables, make_tables

RECIPE = """
steps = 4
batch = 2
crop = 32
checkpoint_steps = 2
[pool]
swath = 160
lines = 96
samples = 64
windows = 2
train = 2
validation = 1
test = 1
"""
METHANE = ("oxhyper-synthetic-ch4", "oxhyper-real-ch4", "starcop")


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    file = tmp_path / "tiny.toml"
    file.write_text(RECIPE, encoding="utf-8")
    return str(file)


def onboard_train(recipe: str, out: Path, *changes: str) -> Result:
    return CliRunner().invoke(cli, ["train", recipe, *changes, "--out", str(out), "--workers", "1", "--json"])


def metrics_of(out: Path) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    found: dict[str, dict[str, dict[str, dict[str, object]]]] = json.loads((out / "metrics.json").read_text())
    return found


@pytest.mark.parametrize("name", [*METHANE, "oxhyper-minerals", "emit-l2b"])
def test_every_set_trains_from_the_command_line(home: Path, tmp_path: Path, recipe: str, name: str) -> None:
    out = tmp_path / "run"
    result = onboard_train(recipe, out, f"data={name}:{home / name}", "steps=2")
    assert result.exit_code == 0, result.output
    assert int(torch.load(out / "last.ckpt", weights_only=False)["global_step"]) == 2
    test = metrics_of(out)["data"][name]["test"]
    assert ("plume_f1" in test) == (name in METHANE)
    assert ("mineral_macro_f1" in test) == (name not in METHANE)
    assert not (out / "pool").exists()
    thresholds = json.loads((out / "operating_point.json").read_text())["mineral_thresholds"]
    assert len(thresholds) == 10


@pytest.mark.slow
def test_sets_mix_with_scenes_and_a_stopped_training_goes_on(home: Path, tmp_path: Path, recipe: str) -> None:
    out = tmp_path / "run"
    data = ("data=scenes,share=0.5", f"data=starcop:{home / 'starcop'}")
    result = onboard_train(recipe, out, *data, f"data=oxhyper-minerals:{home / 'oxhyper-minerals'}")
    assert result.exit_code == 0, result.output
    metrics = metrics_of(out)
    assert set(metrics["data"]) == {"starcop", "oxhyper-minerals"}
    assert "plume_auprc" in metrics["test"]
    first = torch.load(out / "model.pt", weights_only=True)["state"]
    again = onboard_train(recipe, out, *data, f"data=oxhyper-minerals:{home / 'oxhyper-minerals'}")
    assert again.exit_code == 0, again.output
    second = torch.load(out / "model.pt", weights_only=True)["state"]
    for key, value in first.items():
        # Calibration is fitted again; rounding of its arithmetic is all that may differ.
        torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-6)


def test_mistakes_end_in_a_sentence_and_leave_nothing_behind(
    home: Path, tmp_path: Path, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    for change, code, words in (
        ("data=starkop:/x", 2, "unknown data set"),
        ("data=starcop", 2, "has no path"),
        (f"data=starcop:{tmp_path / 'gone'}", 3, "not there"),
        (f"data=starcop:{home / 'oxhyper-minerals'}", 3, "no AVIRIS-NG bands"),
        ("stepz=3", 2, "unknown recipe key"),
        ("steps=many", 2, "wrong kind"),
    ):
        assert main(["train", recipe, change, "--out", str(out)]) == code
        assert words in capsys.readouterr().err
        assert not out.exists()


@pytest.mark.parametrize("name", ["oxhyper-synthetic-ch4", "oxhyper-minerals"])
def test_a_few_steps_lower_the_loss(home: Path, name: str) -> None:
    torch.manual_seed(0)
    tables: FlightTables = make_tables(load_sensor("emit"))
    recipe = Recipe(name="tiny", batch=2, crop=64, data=(DataRecipe(name, str(home / name)),))
    sources = all_sources(recipe, open_sets(recipe), tables, None)
    module = LinescanTraining(recipe, tables, sources)
    module.log_dict = lambda *args, **kwargs: None  # type: ignore[method-assign]
    batch = MixedBatches(sources, (1.0,), recipe).batch(0)
    optimizer = torch.optim.AdamW(module.network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
