"""From reflectance to a product's radiance, as tiles and as lines of captures go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.scenes.air.adjacency import environment
from onboard.scenes.air.bank import LightBank
from onboard.scenes.air.clouds import build_clouds
from onboard.scenes.air.light import air_fields, radiance
from onboard.scenes.arrays import NumpyRandom, Random, TorchRandom, host
from onboard.scenes.instrument.bank import DetectorBank
from onboard.scenes.instrument.detector import observe
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
PICK = (SENSOR.centres > 2004) & (SENSOR.centres < 2478)
CENTRES, FWHM = SENSOR.centres[PICK], SENSOR.fwhm[PICK]
NOISE = np.stack([SENSOR.noise_a, SENSOR.noise_b, SENSOR.noise_c])[:, PICK]
BANDS = CENTRES.size
SHAPE = (2, 24, 32)


def banks(random: Random) -> tuple[LightBank, DetectorBank]:
    return (
        LightBank.build(random.child("light"), CENTRES, FWHM, count=8),
        DetectorBank.build(random.child("detector"), CENTRES, NOISE, SHAPE[2], count=1),
    )


def tiles(random: Random, lights: LightBank, detectors: DetectorBank) -> Any:
    light = lights.draw(random, 2)
    ground = random.uniform((*SHAPE, BANDS), 0.1, 0.5)
    maps, height = random.normal((*SHAPE, 8)), 0.1 * random.normal(SHAPE)
    clouds = build_clouds(random, SHAPE, (0.0, 0.3), sun_zenith_deg=light.sun_zenith_deg)
    assert clouds is not None
    lit, path = radiance(
        light,
        ground,
        air_fields(light, maps, height, gas=height),
        environment=environment(ground, light.near),
        shade=1 + height,
        shadow=clouds.light,
        aerosol=maps[..., -1],
        cloud=clouds.opacity,
    )
    return observe(detectors.draw(random, 2), lit + path, random.normal((*SHAPE, BANDS)))


@pytest.mark.parametrize("kind", [NumpyRandom, TorchRandom])
def test_tiles_are_radiance_and_follow_their_key(kind: Any) -> None:
    made = banks(kind(1))
    one, same, other = (host(tiles(kind(k), *made)) for k in (2, 2, 3))
    assert one.shape == (*SHAPE, BANDS)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    assert 0 < np.median(one) < 3
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_no_value_goes_to_the_host_on_the_way() -> None:
    pytest.importorskip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: list[str] = []

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    made = banks(TorchRandom(1))
    with Watch():  # type: ignore[no-untyped-call]
        tiles(TorchRandom(2), *made)
    assert any("bmm" in name for name in seen)
    waits = ("_local_scalar_dense", "nonzero", "masked_select", "unique")
    assert not [name for name in seen if any(w in name for w in waits)]
