from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onboard.scenes import at_sensor as steps
from onboard.scenes.air.light import radiance
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.instrument.detector import observe
from onboard.scenes.methane import attenuation, methane_table
from onboard.scenes.spectra.mixing import mix
from onboard.scenes.tiles import TileMaker, TileRecipe, methane_bands
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
BANDS = methane_bands(SENSOR)[::2]
RECIPE = TileRecipe(seed=4, lines=40, samples=32, clouds=1.0, plume_chance=0.5)
COUNT = 3


@contextmanager
def what_is_handed_over(maker: TileMaker) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """Catch what ``at_sensor`` is called with while tiles are made."""
    from onboard.scenes import tiles

    found: list[tuple[Any, dict[str, Any]]] = []

    def catch(*values: Any, **named: Any) -> Any:
        found.append((values, named))
        return steps.at_sensor(*values, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "at_sensor", catch)
        yield found


@pytest.fixture(scope="module")
def numpy_case() -> tuple[Any, ...]:
    return caught("numpy")


def caught(backend: Any) -> tuple[Any, ...]:
    maker = TileMaker(SENSOR, RECIPE, bands=BANDS, backend=backend)
    with what_is_handed_over(maker) as found:
        maker.make(2, COUNT)
    ((_, ground, enhancement, gas, clouds), _) = found[0]
    assert clouds is not None
    return ground, enhancement, gas, clouds


class Silent:
    """Chance that draws no noise."""

    def __init__(self, random: Any) -> None:
        self.random, self.device = random, getattr(random, "device", "cpu")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.random, name)

    def normal(self, shape: tuple[int, ...]) -> Any:
        return 0.0 * self.random.uniform(shape)


def plain(random: Any, ground: steps.TileGround, enhancement: Any, gas: Any, clouds: Any) -> Any:
    """The same by whole batches, as the modules say it, with nothing left out and nothing in place."""
    xp, surface = random.xp, ground.surface
    reflectance = mix(xp.moveaxis(ground.shares, 1, -1), ground.reflectance, ground.albedo, surface.intimacy)
    around = steps.look_around(ground, 60.0)
    lit, path = radiance(
        ground.light,
        reflectance,
        steps.changes(ground),
        environment=around.all(),
        shade=surface.shade,
        shadow=clouds.light,
        aerosol=surface.modulation[:, -1],
        cloud=clouds.opacity,
    )
    lit = lit * xp.exp(attenuation(enhancement, gas)) + path
    return observe(ground.detector, lit, xp.zeros_like(lit))


@pytest.mark.parametrize("pixels", [32, 320, 4096])
def test_pieces_are_the_whole_whatever_their_size(
    numpy_case: tuple[Any, ...], pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PIXELS_AT_ONCE", pixels)
    seen = steps.at_sensor(Silent(NumpyRandom(1)), *numpy_case)  # type: ignore[arg-type]
    monkeypatch.setattr(steps, "takes_batches", lambda random: True)
    whole = steps.at_sensor(Silent(NumpyRandom(1)), *numpy_case)  # type: ignore[arg-type]
    expected = plain(NumpyRandom(1), *numpy_case)
    assert seen.shape == (COUNT, 40, 32, BANDS.size)
    assert seen.dtype == np.float32
    quantum = float(numpy_case[0].detector.quantum.max())
    for found in (seen, whole):
        # Rounding may take a value to the next count, or a repair to another, equally good donor.
        gap = np.abs(found - expected)
        assert (gap < 1e-4).mean() > 0.995
        assert np.quantile(gap, 0.999) <= 2 * quantum


def test_numpy_and_torch_agree(numpy_case: tuple[Any, ...]) -> None:
    pytest.importorskip("torch")
    ground, enhancement, gas, clouds = caught("torch")
    seen = host(steps.at_sensor(Silent(TorchRandom(1)), ground, enhancement, gas, clouds))  # type: ignore[arg-type]
    light = replace(ground.light, **{k: host(v) for k, v in vars(ground.light).items()})
    surface = replace(
        ground.surface,
        provinces=numpy_case[0].surface.provinces,
        **{k: host(getattr(ground.surface, k)) for k in ("intimacy", "shade", "elevation_m", "modulation")},
    )
    whole = ground.detector
    detector = replace(
        whole,
        elements=None,
        **{k: host(getattr(whole, k)) for k in ("shear", "gain", "offset", "noise", "full_scale", "quantum")},
    )
    moved = replace(
        ground,
        surface=surface,
        light=light,
        detector=detector,
        **{k: host(getattr(ground, k)) for k in ("shares", "reflectance", "albedo")},
    )
    air = replace(clouds, opacity=host(clouds.opacity), light=host(clouds.light))
    table = methane_table(SENSOR.centres[BANDS], SENSOR.fwhm[BANDS])
    same = steps.at_sensor(Silent(NumpyRandom(1)), moved, host(enhancement), table, air)  # type: ignore[arg-type]
    assert (np.abs(seen - same) < 2e-4).mean() > 0.98


def test_methane_darkens_where_it_absorbs_and_nowhere_else(numpy_case: tuple[Any, ...]) -> None:
    ground, enhancement, gas, _ = numpy_case
    ground = replace(ground, detector=replace(ground.detector, elements=None))
    without = steps.at_sensor(Silent(NumpyRandom(1)), ground, 0.0 * enhancement, gas)  # type: ignore[arg-type]
    strong = np.zeros_like(enhancement)
    strong[:, 10:20, 8:16] = 20_000.0
    dimmed = steps.at_sensor(Silent(NumpyRandom(1)), ground, strong, gas)  # type: ignore[arg-type]
    ratio = dimmed[:, 10:20, 8:16].mean(axis=(0, 1, 2)) / without[:, 10:20, 8:16].mean(axis=(0, 1, 2))
    centres = SENSOR.centres[BANDS]
    assert ratio[np.argmin(np.abs(centres - 2370))] < 0.85
    assert ratio[centres < 700] == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_array_equal(
        np.delete(dimmed, np.s_[10:20], axis=1), np.delete(without, np.s_[10:20], axis=1)
    )


def test_a_tile_is_what_it_is_without_what_does_not_occur_in_it(numpy_case: tuple[Any, ...]) -> None:
    ground = numpy_case[0]
    one = steps.one_tile(ground, 1)
    assert one.shares.shape[1] < ground.shares.shape[1]
    np.testing.assert_allclose(one.shares.sum(axis=1), ground.shares[1:2].sum(axis=1), atol=1e-6)
    assert one.detector.noise.shape == (3, 32, BANDS.size)
    assert one.light.scale.shape == (1, 1, 32, BANDS.size)
