"""The plan of a training, and graphs held against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from export.onnx import ExportError, Graph
from export.plan import check_graphs, plan_of_run
from export.run_folder import TrainedRun, load_run
from onboard.models.filter_tables import FilterSettings
from tests.export.samples import sample_plan, write_run_folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    return load_run(write_run_folder(tmp_path_factory.mktemp("plan") / "run"))


def test_shapes_constants_and_thresholds_come_together(run: TrainedRun) -> None:
    plan = plan_of_run(run, inference_bytes=4096, known=(2, 3))
    assert (plan.bands, plan.mf_bands) == (285, len(run.tables.mf_bands))
    assert (plan.body_lines, plan.strip_lines, plan.halo_lines) == (128, 64, 32)
    assert plan.channels == run.network.body.channels == 32
    assert plan.memory_lines == FilterSettings().memory_lines
    assert plan.event_min_pixels == 9
    assert (plan.known_lines, plan.known_samples, plan.inference_bytes) == (2, 3, 4096)


def test_constants_that_the_training_chose_win(run: TrainedRun) -> None:
    changed = replace(run, point={**run.point, "kappa": 5.0})
    assert plan_of_run(changed, inference_bytes=1).kappa == 5.0


def test_a_missing_threshold_is_named(run: TrainedRun) -> None:
    point = {name: value for name, value in run.point.items() if name != "plume_threshold"}
    with pytest.raises(ExportError, match="plume_threshold"):
        plan_of_run(replace(run, point=point), inference_bytes=1)


STEM = Graph("stem", b"", "log_radiance", (16, 12), "features", (16, 5), {}, 0.0)
BODY = Graph("body", b"", "features", (1, 9, 16, 16), "logits", (1, 4, 16, 16), {}, 0.0)


def test_graphs_that_fit_pass() -> None:
    check_graphs(sample_plan(), STEM, BODY)


@pytest.mark.parametrize(
    ("stem", "body", "field"),
    [
        (replace(STEM, input_shape=(16, 13)), BODY, "log_radiance"),
        (replace(STEM, output_shape=(16, 6)), BODY, "stem: features"),
        (STEM, replace(BODY, input_shape=(1, 10, 16, 16)), "body: features"),
        (STEM, replace(BODY, output_shape=(1, 4, 16, 8)), "logits"),
    ],
)
def test_graphs_that_contradict_the_plan_are_named(stem: Graph, body: Graph, field: str) -> None:
    with pytest.raises(ExportError, match=field):
        check_graphs(sample_plan(), stem, body)
