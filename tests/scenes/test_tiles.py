from __future__ import annotations

import multiprocessing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes import at_sensor as steps
from onboard.scenes.arrays import host
from onboard.scenes.surface.climates import climate_names
from onboard.scenes.tiles import TileMaker, TileRecipe, methane_bands
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
BANDS = methane_bands(SENSOR)
RECIPE = TileRecipe(seed=7, lines=32, samples=48)


def maker(backend: Any = "numpy", **changes: Any) -> TileMaker:
    return TileMaker(SENSOR, replace(RECIPE, **changes), bands=BANDS, backend=backend)


@pytest.fixture(scope="module")
def usual() -> TileMaker:
    return maker()


def made_elsewhere(numbers: list[int]) -> list[np.ndarray[Any, Any]]:
    """Make batches in a process of its own."""
    own = maker()
    return [host(own.make(number, 2).radiance) for number in numbers]


def test_bands_are_those_of_the_published_methane_sets() -> None:
    centres = SENSOR.centres[BANDS]
    assert BANDS.size == 86
    assert (centres < 700).sum() == 3
    assert ((centres > 1573) & (centres < 1700)).sum() + ((centres > 2004) & (centres < 2479)).sum() == 83


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_batch_has_everything(backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    tiles = maker(backend, plume_chance=1.0).make(3, 4)
    shape = (4, 32, 48)
    expected = {
        "radiance": ((*shape, 86), "float32"),
        "enhancement": (shape, "float32"),
        "plume_id": (shape, "int32"),
        "minerals": ((4, len(MINERALS), 32, 48), "float32"),
        "valid": (shape, "bool"),
    }
    for name, (wanted, kind) in expected.items():
        array = host(getattr(tiles, name))
        assert (array.shape, str(array.dtype)) == (wanted, kind), name
        assert np.isfinite(array).all()
    assert 0 <= host(tiles.minerals).min() <= host(tiles.minerals).max() <= 1
    assert host(tiles.enhancement).max() > 0
    assert 0.01 < np.median(host(tiles.radiance)) < 20
    assert set(tiles.climates) <= set(climate_names())
    assert host(tiles.plumes.there).all()


def test_a_batch_follows_from_seed_and_number_alone(usual: TileMaker) -> None:
    wanted = usual.make(5, 2)
    other = maker()
    other.make(2, 3)
    again = other.make(5, 2)
    for name in ("radiance", "enhancement", "plume_id", "minerals", "valid"):
        np.testing.assert_array_equal(getattr(wanted, name), getattr(again, name))
    assert wanted.climates == again.climates
    assert not np.array_equal(wanted.radiance, usual.make(6, 2).radiance)
    assert not np.array_equal(wanted.radiance, maker(seed=8).make(5, 2).radiance)


def test_workers_make_the_same_batches(usual: TileMaker) -> None:
    here = [usual.make(number, 2).radiance for number in range(4)]
    # Two workers that share the batches between them, each in another order.
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        (second, zeroth), (first, third) = pool.map(made_elsewhere, [[2, 0], [1, 3]], chunksize=1)
    for one, other in zip(here, (zeroth, first, second, third), strict=True):
        np.testing.assert_array_equal(one, other)


def test_numpy_and_torch_are_statistically_alike() -> None:
    pytest.importorskip("torch")
    figures = []
    for backend in ("numpy", "torch"):
        own = maker(backend, climates=("semi-arid",), lines=24, samples=24)
        made = [own.make(number, 48) for number in range(3)]
        means = np.concatenate([host(tiles.radiance).mean(axis=(1, 2)) for tiles in made])
        deviation = np.concatenate([host(tiles.radiance).std(axis=(1, 2)) for tiles in made])
        cover = np.concatenate([host(tiles.minerals).sum(axis=1).mean(axis=(1, 2)) for tiles in made])
        figures.append((means, deviation, cover[:, None]))
    for one, other in zip(*figures, strict=True):
        error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / len(one))
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 4.5 * error).all()
        low, high = (np.quantile(values, (0.2, 0.8), axis=0) for values in (one, other))
        np.testing.assert_allclose(low, high, rtol=0.5)


def test_plumes_darken_methane_bands_and_nothing_else() -> None:
    still = maker(plume_chance=0.0, clouds=0.0)
    windy = maker(plume_chance=1.0, clouds=0.0)
    before, after = still.make(1, 6), windy.make(1, 6)
    assert not before.plume_id.any()
    assert not before.enhancement.any()
    inside = after.enhancement > 3000
    outside = after.enhancement == 0
    assert inside.sum() > 20
    centres = SENSOR.centres[BANDS]
    strong = np.abs(centres - 2370) < 10
    ratio = after.radiance / np.maximum(before.radiance, 1e-3)
    assert np.median(ratio[inside][:, strong]) < 0.97
    assert np.median(ratio[inside][:, centres < 700]) == pytest.approx(1, abs=0.01)
    assert np.median(ratio[outside][:, strong]) == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(before.minerals, after.minerals)
    labelled = after.plume_id > 0
    assert (after.enhancement[labelled] >= windy.recipe.rule.threshold_ppm_m).all()


def test_thick_clouds_are_not_valid() -> None:
    cloudy, clear = maker(clouds=1.0, plume_chance=0.0), maker(clouds=0.0, plume_chance=0.0)
    over, under = cloudy.make(2, 8), clear.make(2, 8)
    assert under.valid.all()
    assert 0.02 < 1 - over.valid.mean() < 0.6
    visible = SENSOR.centres[BANDS] < 700
    hidden = ~over.valid
    assert np.median(over.radiance[hidden][:, visible]) > np.median(under.radiance[hidden][:, visible])
    assert isinstance(over.valid, np.ndarray)


def test_no_value_goes_to_the_host_where_batches_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: list[str] = []

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if any(word in str(func) for word in ("_local_scalar_dense", "nonzero", "item", "masked_select")):
                seen.append(str(func))
            return func(*args, **(kwargs or {}))

    own = maker("torch", clouds=0.5)
    with Watch():  # type: ignore[no-untyped-call]
        own.make(1, 3)
    assert seen, "in pieces, as on a CPU, they do"
    seen.clear()
    monkeypatch.setattr(steps, "takes_batches", lambda random: True)
    with Watch():  # type: ignore[no-untyped-call]
        tiles = own.make(1, 3)
    assert tiles.radiance.shape == (3, 32, 48, 86)
    assert seen == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lines": 4}, "lines"),
        ({"seed": -1}, "seed"),
        ({"plumes": 0}, "plumes"),
        ({"plume_chance": 1.2}, "plume_chance"),
        ({"clouds": -0.1}, "clouds"),
    ],
)
def test_recipes_that_make_no_tiles_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        replace(RECIPE, **changes)


def test_mistakes_are_refused(usual: TileMaker) -> None:
    with pytest.raises(UsageError, match="climate"):
        maker(climates=("atlantis",))
    with pytest.raises(UsageError, match="number"):
        usual.make(-1)
    with pytest.raises(UsageError, match="count"):
        usual.make(0, 0)
