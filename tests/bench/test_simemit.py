from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.digests import bundle_digest
from bench.methods import Observation
from bench.simemit import freeze, main, read_thresholds, run, write_thresholds
from onboard.errors import CaptureError, UsageError
from onboard.replay.prediction import Prediction
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import Scene, build_scene
from onboard.scenes.simemit import benchmark_set, check_frozen, frozen_fingerprints, shrunk
from onboard.sensors import Sensor, load_sensor

built: list[str] = []
FILTER, BRIGHT = "column-filter", "tests.bench.test_simemit:brightness_method"


def brightness_method(seen: Observation) -> Prediction:
    """A method of another's: the brighter, the likelier a plume."""
    score = np.where(seen.valid, seen.radiance.mean(axis=2), np.float32(np.nan)).astype(np.float32)
    return Prediction(score, "score")


def counting_build(recipe: SceneRecipe, sensor: Sensor) -> Scene:
    built.append(str(recipe.seed))
    return build_scene(recipe, sensor)


def some(part: str, count: int = 2) -> list[Any]:
    return [shrunk(capture, 160, 64) for capture in benchmark_set(part)[:count]]


def test_validation_then_test_then_nothing_is_done_twice(tmp_path: Path) -> None:
    chosen = run("validation", some("validation"), [FILTER, BRIGHT], tmp_path, build=counting_build)
    gas = chosen["methods"][FILTER]["all"]
    assert 0 < gas["pixels"]["best_f1"] < 1
    assert gas["plumes"] is None
    built.clear()
    scored = run("test", some("test"), [FILTER, BRIGHT], tmp_path, build=counting_build)
    assert len(built) == 2
    groups = scored["methods"][FILTER]
    assert {"all", "with plumes", "without plumes", "arid-bright"} <= set(groups)
    assert groups["all"]["captures"] == 2
    assert groups["all"]["pixels"]["f1"] <= groups["all"]["pixels"]["best_f1"] + 1e-6
    assert groups["without plumes"]["plumes"]["labelled"] == 0
    assert not scored["frozen"]
    table = (tmp_path / "test" / "results.md").read_text()
    assert FILTER in table
    assert "NOT held" in table
    built.clear()
    again = run("test", some("test"), [FILTER, BRIGHT], tmp_path, build=counting_build)
    assert built == []
    assert again["methods"] == scored["methods"]
    limits = json.loads((tmp_path / "thresholds.json").read_text())
    limits[FILTER]["limits"]["plume"] = 50.0
    (tmp_path / "thresholds.json").write_text(json.dumps(limits))
    loose = run("test", some("test"), [FILTER, BRIGHT], tmp_path, build=counting_build)
    assert len(built) == 2
    assert loose["methods"][FILTER] != scored["methods"][FILTER]
    assert loose["methods"][BRIGHT] == scored["methods"][BRIGHT]


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    run("validation", some("validation", 1), [BRIGHT], tmp_path, build=counting_build)
    built.clear()
    run("validation", some("validation", 2), [BRIGHT], tmp_path, build=counting_build)
    assert built == [str(benchmark_set("validation")[1].recipe.seed)]


def test_the_test_set_needs_thresholds(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--set validation"):
        run("test", some("test", 1), [BRIGHT], tmp_path)
    result = CliRunner().invoke(main, ["--methods", BRIGHT, "--captures", "1", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "--set validation" in result.output


def test_damaged_scores_are_named(tmp_path: Path) -> None:
    capture = some("validation", 1)
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / f"{capture[0].name}.json").write_text("{")
    with pytest.raises(CaptureError, match="damaged"):
        run("validation", capture, [BRIGHT], tmp_path)


def test_thresholds_that_nothing_reaches_survive_the_file(tmp_path: Path) -> None:
    bare = [c for c in some("validation", 2) if c.recipe.plumes == 0]
    run("validation", bare, [BRIGHT], tmp_path)
    flown = bundle_digest(None)
    assert read_thresholds(tmp_path / "thresholds.json", [BRIGHT], flown)[BRIGHT].plume == np.inf
    with pytest.raises(UsageError):
        write_thresholds(tmp_path / "thresholds.json", [{"capture": "x", "methods": {}}], [BRIGHT], flown)


def test_thresholds_of_another_bundle_or_of_a_trial_are_refused(tmp_path: Path) -> None:
    run("validation", some("validation", 1), [FILTER, BRIGHT], tmp_path)
    file, flown = tmp_path / "thresholds.json", bundle_digest(None)
    assert set(read_thresholds(file, [FILTER, BRIGHT], flown)) == {FILTER, BRIGHT}
    # The filter knows no bundle.
    assert set(read_thresholds(file, [FILTER], "ab" * 32)) == {FILTER}
    with pytest.raises(UsageError, match="another bundle"):
        read_thresholds(file, [FILTER, BRIGHT], "ab" * 32)
    with pytest.raises(UsageError, match="of a trial"):
        read_thresholds(file, [FILTER], flown, whole=True)
    with pytest.raises(UsageError, match="of a trial"):
        run("test", benchmark_set("test")[:1], [FILTER], tmp_path)
    other = tmp_path / "other.onb"
    other.write_bytes(b"another")
    with pytest.raises(UsageError, match="another bundle"):
        run("test", some("test", 1), [BRIGHT], tmp_path, other)


def test_command_prints_the_tables(tmp_path: Path) -> None:
    arguments = ["--set", "validation", "--methods", BRIGHT, "--captures", "1", "--size", "64", "48"]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "| best F1 |" in result.output


def test_frozen_captures_are_known_again(tmp_path: Path) -> None:
    captures = some("test")
    freeze(captures, tmp_path / "frozen.json")
    known = frozen_fingerprints(tmp_path / "frozen.json")
    assert set(known) == {capture.name for capture in captures}
    first, second = (build_scene(capture.recipe, load_sensor("emit")) for capture in captures)
    assert check_frozen(captures[0], first, known)
    with pytest.raises(CaptureError):
        check_frozen(captures[0], second, known)
