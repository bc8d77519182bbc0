"""Sizes, arithmetic and training for a card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from export.card_network import network_section, samples_seen, table_of, training_section
from export.run_folder import TrainedRun, load_run
from onboard.errors import CaptureError
from onboard.models.cost import linescan_cost
from tests.support.cards import trained_folder

TEXTS = {"scenes": "simulated", "library": "two parts"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    return load_run(trained_folder(tmp_path_factory.mktemp("network") / "run", "steps=20", "batch=4"))


def test_arithmetic_is_that_of_the_network(run: TrainedRun) -> None:
    section = network_section(run)
    cost = linescan_cost(run.network, len(run.tables.centres), len(run.tables.mf_bands))
    macs = section["macs_a_pixel"]
    assert macs["methane_and_minerals"] == cost.all_tasks
    assert sum(
        macs[name] for name in ("stem", "matched_filter", "methane_body", "mineral_body")
    ) == pytest.approx(cost.all_tasks)
    assert section["parameters"]["as_trained"] == sum(p.numel() for p in run.network.parameters())
    assert section["architecture"] == "linescan"
    json.dumps(section)


def test_training_is_told_as_its_files_have_it(run: TrainedRun) -> None:
    section = training_section(run, TEXTS)
    assert section["samples_seen"] == 80
    assert section["recipe"]["seed"] == run.recipe["seed"]
    assert section["patches"]["train"] == run.recipe["pool"]["train"]
    assert section["seconds"] == 1200.0
    assert section["seconds_of_last_run"] == {"patches": 60.0, "judging": 30.0}
    assert section["scenes"] == "simulated"


def test_what_a_recipe_does_not_say_stays_open(run: TrainedRun) -> None:
    section = training_section(replace(run, recipe={"name": "x"}, metrics={}), TEXTS)
    assert section["samples_seen"] is None
    assert section["patches"] is None
    assert section["scenes"] is None
    assert section["seconds"] is None
    assert section["seconds_of_last_run"] is None


def test_time_that_older_trainings_kept_is_their_last_run_s(run: TrainedRun) -> None:
    older = replace(run, metrics={"seconds": {"patches": 1.0, "training": 2.0, "judging": 3.0}})
    section = training_section(older, TEXTS)
    assert section["seconds"] is None
    assert section["seconds_of_last_run"] == {"patches": 1.0, "training": 2.0, "judging": 3.0}


def test_paths_of_the_machine_that_trained_stay_out(run: TrainedRun) -> None:
    recipe = {**run.recipe, "data": [{"name": "tiles", "path": "/home/somebody", "share": 1.0}]}
    section = training_section(replace(run, recipe=recipe), TEXTS)
    assert section["data"] == [{"name": "tiles", "share": 1.0}]
    assert "somebody" not in json.dumps(section)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", "many"),
        ("steps", 0),
        ("batch", True),
        ("batch", 2.5),
        ("pool", 3),
        ("data", "tiles"),
        ("data", [1]),
    ],
)
def test_a_recipe_of_the_wrong_kind_is_refused(run: TrainedRun, field: str, value: Any) -> None:
    with pytest.raises(CaptureError) as caught:
        training_section(replace(run, recipe={**run.recipe, field: value}), TEXTS)
    assert caught.value.field == field


def test_steps_without_a_batch_are_no_number() -> None:
    assert samples_seen({"steps": 5}) is None
    assert samples_seen({"steps": 5, "batch": 2}) == 10
    assert table_of({}, "pool") == {}


def test_a_denoiser_is_counted_at_its_window(run: TrainedRun, small_denoiser: Path) -> None:
    from export.card_network import denoiser_section
    from export.denoiser import load_denoiser
    from onboard.models.cost import measure
    from onboard.training.denoising.data import band_table

    found = load_denoiser(small_denoiser)
    section = denoiser_section(found, run.tables)
    bands = len(run.tables.mf_bands)
    baked = found.network.baked(band_table("emit", run.tables.mf_bands, "log"))
    lines, samples = section["window"]
    assert section["macs_a_pixel"] == measure(baked, (1, bands + 1, lines, samples)).macs_a_pixel
    assert section["parameters"] == sum(p.numel() for p in found.network.parameters())
