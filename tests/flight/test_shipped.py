"""The shipped bundle on a scene it has never seen: what it finds must not depend on how lines arrive."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from onboard.flight import FlightSession, PlumeEvent, default_bundle_path
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import Scene, build_scene
from onboard.sensors import load_sensor

LINES, SAMPLES = 230, 320
Flown = tuple[dict[str, npt.NDArray[np.generic]], list[PlumeEvent]]


@pytest.fixture(scope="module")
def scene() -> Scene:
    recipe = SceneRecipe(
        seed=77, lines=LINES, samples=SAMPLES, plumes=4, climate="arid-bright", emission_kg_h=(8e3, 2e4)
    )
    return build_scene(recipe, load_sensor("emit"))


@pytest.fixture(scope="module")
def radiance(scene: Scene) -> npt.NDArray[np.float32]:
    return scene.radiance_block(0, LINES)


def fly(radiance: npt.NDArray[np.float32], group: int) -> Flown:
    with FlightSession(default_bundle_path(), samples=SAMPLES) as session:
        blocks, events = [], []
        for first in range(0, len(radiance), group):
            blocks += session.push(radiance[first : first + group])
            events += session.poll_events()
        blocks += session.flush()
        events += session.poll_events()
    names = [field.name for field in dataclasses.fields(blocks[0])]
    names = [name for name in names if isinstance(getattr(blocks[0], name), np.ndarray)]
    lines_axis = {name: 1 if name == "mineral_probability" else 0 for name in names}
    whole = {
        name: np.concatenate([getattr(block, name) for block in blocks], axis=lines_axis[name])
        for name in names
    }
    return whole, events


def test_grouping_changes_neither_products_nor_events(radiance: npt.NDArray[np.float32]) -> None:
    products, events = fly(radiance, 1)
    assert events
    for group in (64, LINES):
        other_products, other_events = fly(radiance, group)
        for name, values in products.items():
            np.testing.assert_array_equal(values, other_products[name], err_msg=name)
        assert other_events == events


def test_strong_plumes_are_found_and_sized(scene: Scene, radiance: npt.NDArray[np.float32]) -> None:
    products, events = fly(radiance, 64)
    truth = scene.plumes.plume_id > 0
    found = products["plume_mask"].astype(bool)
    f1 = 2 * np.count_nonzero(found & truth) / (np.count_nonzero(found) + np.count_nonzero(truth))
    assert f1 > 0.5
    strongest = max(events, key=lambda event: event.peak_enhancement)
    true = float(scene.plumes.enhancement[strongest.peak_line, strongest.peak_sample])
    assert strongest.peak_enhancement == pytest.approx(true, rel=0.35)
