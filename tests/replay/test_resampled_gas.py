"""What resampling does to methane's lines is what the filter is told to look for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from bench.flights import fly_scene
from onboard.captures import band_match
from onboard.flight import default_bundle_path
from onboard.flight.bundle import read_container
from onboard.flight.contents import Contents, read_contents
from onboard.replay.resampled_gas import resampled_gas
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.sensors import Sensor, load_sensor

EMIT = load_sensor("emit")


@pytest.fixture(scope="module")
def contents() -> Contents:
    return read_contents(read_container(default_bundle_path()))


def coarse(step: float) -> Sensor:
    centres = np.arange(380.0, 2493.0, step)
    noise = {f"noise_{k}": np.interp(centres, EMIT.centres, getattr(EMIT, f"noise_{k}")) for k in "abc"}
    return replace(EMIT, name="coarse", centres=centres, fwhm=np.full(centres.size, 1.05 * step), **noise)


def gas_of(sensor: Sensor, contents: Contents) -> npt.NDArray[np.float32] | None:
    match = band_match(sensor.centres, sensor.fwhm, contents.centres, contents.fwhm)
    return resampled_gas(match, sensor.centres, sensor.fwhm, contents)


def test_nothing_resampled_needs_no_other_lines(contents: Contents) -> None:
    assert gas_of(EMIT, contents) is None


def test_lines_are_what_a_resampled_flat_spectrum_shows(contents: Contents) -> None:
    sensor = replace(EMIT, centres=EMIT.centres + 2.0)
    found = gas_of(sensor, contents)
    assert found is not None
    assert found.shape == contents.log_transmittance.shape
    assert not found[0].any()
    assert (np.diff(found, axis=0) <= 0).all()
    # Close to the bundle's own, and not the same.
    own = contents.log_transmittance
    assert np.corrcoef(found[2], own[2])[0, 1] > 0.98
    assert np.abs(found[2] - own[2]).max() > 0.02 * np.abs(own[2]).max()


def test_bands_that_a_capture_lacks_keep_the_bundle_s_lines(contents: Contents) -> None:
    keep = (EMIT.centres < 2200) | (EMIT.centres > 2300)
    fields = ("centres", "fwhm", "noise_a", "noise_b", "noise_c")
    found = gas_of(replace(EMIT, **{name: getattr(EMIT, name)[keep] for name in fields}), contents)
    assert found is not None
    assert np.isfinite(found).all()
    assert (found <= 0).all()


def test_gas_is_retrieved_from_bands_further_apart_than_the_bundle_s() -> None:
    """Without it, a grid of 10 nm showed a ninth of the gas, and no plume at all."""
    recipe = SceneRecipe(seed=901, lines=160, samples=160, climate="semi-arid", plumes=2,
                         emission_kg_h=(15_000.0, 20_000.0))  # fmt: skip
    slopes = {}
    for name, sensor in (("emit", EMIT), ("coarse", coarse(10.0))):
        scene = build_scene(recipe, sensor)
        (flown,) = fly_scene(scene)
        gas = np.asarray(scene.truth.ch4_enhancement, np.float64)
        seen = np.isfinite(flown.enhancement) & (gas > 1000)
        slopes[name] = float(flown.enhancement[seen].mean() / gas[seen].mean())
    assert slopes["emit"] > 0.4
    assert slopes["coarse"] > 0.6 * slopes["emit"]
