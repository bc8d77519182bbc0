from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from onboard.errors import OutputError
from onboard.scenes import simulate as room
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.simulate import capture_path, simulate, start_time
from onboard.scenes.truth import read_truth
from onboard.sensors import load_sensor

RECIPE = SceneRecipe(seed=4, lines=70, samples=30, plumes=3, flagged_lines=2)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_recipe_gives_the_same_bytes_at_another_time(tmp_path: Path) -> None:
    one = simulate(tmp_path / "a.nc", RECIPE, workers=1)
    # HDF5 would stamp objects with the second they were made in.
    time.sleep(1.1)
    two = simulate(tmp_path / "b.nc", RECIPE, workers=3)
    assert digest(one.capture) == digest(two.capture)
    assert digest(one.truth) == digest(two.truth)
    other = simulate(tmp_path / "c.nc", replace(RECIPE, seed=5))
    assert digest(other.capture) != digest(one.capture)


def test_the_file_holds_the_scene_and_its_truth(tmp_path: Path) -> None:
    written = simulate(tmp_path / "a.nc", RECIPE)
    scene = build_scene(RECIPE, load_sensor("emit"))
    with h5py.File(written.capture) as file:
        np.testing.assert_array_equal(file["radiance"][...], scene.radiance_block(0, 70))
        assert file.attrs["simulation_seed"] == 4
    np.testing.assert_array_equal(read_truth(written.truth).plume_id, scene.truth.plume_id)
    assert written.flagged_lines == 2
    assert written.plumes == 3
    assert written.plume_pixels == int((scene.truth.plume_id > 0).sum())


def test_a_folder_gets_a_name_as_the_archive_gives(tmp_path: Path) -> None:
    assert capture_path(tmp_path, 0).name == "EMIT_L1B_RAD_001_20230401T182000_2309101_001.nc"
    names = {capture_path(tmp_path, seed).name for seed in range(500)}
    assert len(names) == 500
    assert capture_path(tmp_path / "x.nc", 0) == tmp_path / "x.nc"
    (tmp_path / "folder.nc").mkdir()
    assert capture_path(tmp_path / "folder.nc", 0).parent == tmp_path / "folder.nc"
    assert start_time(0).isoformat() == "2023-04-01T18:20:00+00:00"


def test_an_existing_capture_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    simulate(tmp_path / "a.nc", RECIPE)
    before = digest(tmp_path / "a.nc")
    with pytest.raises(OutputError, match="--overwrite"):
        simulate(tmp_path / "a.nc", replace(RECIPE, seed=9))
    assert digest(tmp_path / "a.nc") == before
    simulate(tmp_path / "a.nc", replace(RECIPE, seed=9), overwrite=True)
    assert digest(tmp_path / "a.nc") != before


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    with (
        patch.object(room, "_write", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OutputError, match="No space"),
    ):
        simulate(tmp_path / "a.nc", RECIPE)
    assert list(tmp_path.iterdir()) == []
