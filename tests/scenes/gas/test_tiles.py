from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.gas.labels import LabelRule
from onboard.scenes.gas.sources import KG_PER_PPM_M_M2, plume_mass
from onboard.scenes.gas.tiles import tile_plumes

KINDS = [NumpyRandom, TorchRandom]


@pytest.mark.parametrize("kind", KINDS)
def test_tables_say_what_the_maps_show(kind: Any) -> None:
    drawn = tile_plumes(kind(1), 12, 64, 72, 3, chance=0.7)
    enhancement, plume_id = host(drawn.enhancement), host(drawn.plume_id)
    assert enhancement.shape == plume_id.shape == (12, 64, 72)
    assert enhancement.dtype == np.float32
    assert plume_id.dtype == np.int32
    assert (enhancement >= 0).all()
    assert (enhancement[plume_id > 0] >= LabelRule().threshold_ppm_m).all()
    mass = enhancement.sum(axis=(1, 2), dtype=np.float64) * 3600 * KG_PER_PPM_M_M2
    np.testing.assert_allclose(host(drawn.ime).sum(axis=1), mass, rtol=1e-3, atol=1e-3)
    counts = np.stack([(plume_id == k).sum(axis=(1, 2)) for k in (1, 2, 3)], axis=1)
    np.testing.assert_array_equal(host(drawn.pixels), counts)
    there = host(drawn.there)
    for table in (drawn.emission, drawn.wind, drawn.peak, drawn.ime, drawn.pixels):
        assert host(table).shape == (12, 3)
        assert not host(table)[~there].any()
    assert (host(drawn.emission)[there] >= 20).all()
    assert 0.4 < there.mean() < 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_no_plume_holds_more_than_was_emitted(kind: Any) -> None:
    drawn = tile_plumes(kind(2), 40, 128, 128, 2, chance=1.0, emission_range=(200.0, 20_000.0))
    emission, wind, ime = (host(a) for a in (drawn.emission, drawn.wind, drawn.ime))
    share = ime / plume_mass(emission, wind)
    assert (share <= 1.001).all()
    # Plumes of a few hundred kg/h lie wholly in a tile, unless they were put at its edge.
    small = emission < 600
    assert np.median(share[small]) > 0.9


def test_a_key_gives_the_same_tiles() -> None:
    for kind in KINDS:
        one, same, other = (host(tile_plumes(kind(s), 2, 32, 32, 2).enhancement) for s in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)


def test_odds_of_none_leave_tiles_empty() -> None:
    drawn = tile_plumes(NumpyRandom(4), 3, 16, 16, 2, chance=0.0)
    assert not drawn.enhancement.any()
    assert not drawn.plume_id.any()
    assert not drawn.peak.any()


def test_libraries_agree_in_distribution() -> None:
    peaks = [np.sort(host(tile_plumes(k(7), 150, 48, 48, 2, chance=1.0).peak).ravel()) for k in KINDS]
    a, b = (np.log(np.quantile(p, [0.3, 0.5, 0.8]) + 1) for p in peaks)
    np.testing.assert_allclose(a, b, atol=0.6)


@pytest.mark.parametrize("bad", [{"n": 0}, {"most": 0}, {"chance": 1.5}, {"pixel_m": 0.0}])
def test_tiles_without_sense_are_refused(bad: dict[str, Any]) -> None:
    figures: dict[str, Any] = {"n": 1, "lines": 8, "samples": 8, "most": 1, **bad}
    with pytest.raises(UsageError, match="tiles of plumes"):
        tile_plumes(NumpyRandom(0), **figures)


def test_no_value_goes_to_the_host_on_the_way() -> None:
    seen: list[str] = []

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    with Watch():  # type: ignore[no-untyped-call]
        tile_plumes(TorchRandom(5), 2, 32, 32, 3)
    assert any("bmm" in name for name in seen)
    waits = ("_local_scalar_dense", "nonzero", "masked_select", "unique")
    assert not [name for name in seen if any(w in name for w in waits)]
