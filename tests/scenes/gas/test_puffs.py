from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.gas.puffs import (
    EDGE_PPM_M,
    Puffs,
    blow,
    fade_edges,
    pixel_shares,
    rasterise,
    ruffle,
)
from onboard.scenes.gas.sources import KG_PER_PPM_M_M2, Sources, plume_mass
from onboard.scenes.gas.turbulence import draw_wind_history

KINDS = [NumpyRandom, TorchRandom]


def blown(random: Any, rate: float, wind: float, turn: float, kind: int, count: int = 1) -> Puffs:
    def full(value: float, dtype: str = "float32") -> Any:
        return random.asarray(np.full(count, value), dtype)

    sources = Sources(full(rate), full(wind), full(turn), full(kind, "int64"))
    veer, gust = (draw_wind_history(random, (count,)) for _ in range(2))
    return blow(random, sources, veer, gust, puffs=96)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(20, 20_000),
    st.floats(1, 10),
    st.floats(0, 6.3),
    st.sampled_from([0, 1, 2]),
    st.integers(0, 2**31),
)
def test_puffs_hold_the_mass_that_was_emitted(q: float, u: float, turn: float, kind: int, seed: int) -> None:
    puffs = blown(NumpyRandom(seed), q, u, turn, kind)
    mass = puffs.amount.sum(dtype=np.float64) * KG_PER_PPM_M_M2 * 3600
    assert mass == pytest.approx(float(plume_mass(np.float32(q), np.float32(u))), rel=1e-4)
    assert (puffs.amount >= 0).all()
    assert (puffs.sigma >= 20 / 60 * 0.99).all()
    for values in (puffs.line, puffs.sample, puffs.sigma):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gas_goes_with_the_wind_and_spreads(kind: Any) -> None:
    for turn in (0.0, np.pi / 2, np.pi):
        puffs = blown(kind(4), 3000, 5, turn, 0, count=200)
        ahead = host(puffs.sample) * np.cos(turn) + host(puffs.line) * np.sin(turn)
        aside = host(puffs.line) * np.cos(turn) - host(puffs.sample) * np.sin(turn)
        assert ahead[:, -1].mean() > 3 * abs(aside[:, -1].mean())
        assert (np.diff(ahead.mean(axis=0)) > 0).all()
        assert aside[:, 80].std() > aside[:, 30].std() > 0
        sigma = host(puffs.sigma).mean(axis=0)
        assert sigma[90] > 2 * sigma[10]


def test_light_wind_bends_plumes_more() -> None:
    bends = []
    for wind in (1.5, 9.0):
        puffs = blown(NumpyRandom(8), 5000, wind, 0.0, 0, count=300)
        ways = np.arctan2(puffs.line[:, 80] - puffs.line[:, 40], puffs.sample[:, 80] - puffs.sample[:, 40])
        bends.append(np.sqrt(1 - np.abs(np.exp(1j * ways).mean())))
    assert bends[0] > 1.5 * bends[1]


def test_release_is_intermittent() -> None:
    puffs = blown(NumpyRandom(9), 3000, 4, 0.0, 0, count=50)
    young = puffs.amount[:, 5:50]
    rate = young / np.diff(np.linspace(0, 1, 97) ** 1.8)[5:50]
    assert (rate.std(axis=1) / rate.mean(axis=1)).mean() > 0.15


def test_lines_and_areas_leak_over_their_extent() -> None:
    point, line, area = (blown(NumpyRandom(10), 1000, 3, 0.0, kind, count=200) for kind in range(3))
    scatter = [
        np.hypot(np.diff(p.line, axis=1), np.diff(p.sample, axis=1))[:, :5].mean() for p in (point, line)
    ]
    assert scatter[1] > 2 * scatter[0]
    assert area.sigma[:, 0].mean() > 1.3 * point.sigma[:, 0].mean()


@given(st.floats(-3, 12), st.floats(0.5, 4))
def test_shares_of_a_puff_add_up(centre: float, sigma: float) -> None:
    edges = np.arange(-40, 60, dtype=np.float32) - np.float32(0.5)
    shares = pixel_shares(np.asarray([centre], np.float32), np.asarray([sigma], np.float32), edges)[0]
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    middle = (shares * np.arange(-40, 59)).sum()
    assert middle == pytest.approx(centre, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_grid_keeps_what_puffs_hold(kind: Any) -> None:
    random = kind(3)
    one = random.asarray(np.ones((2, 3, 1)))
    puffs = Puffs(one * 0, one * 2, one, one * 500)
    edges = (random.asarray(np.arange(41) - 0.5), random.asarray(np.arange(51) - 0.5))
    middle = random.asarray(np.full((2, 3), 20.0))
    field = host(rasterise(puffs, middle, middle, edges))
    assert field.shape == (2, 3, 40, 50)
    np.testing.assert_allclose(field.sum(axis=(-2, -1)), 500, rtol=1e-4)
    assert np.unravel_index(field[0, 0].argmax(), (40, 50)) == (20, 22)
    texture = random.asarray(np.random.default_rng(0).lognormal(0, 0.5, (2, 1, 40, 50)))
    rough = host(ruffle(rasterise(puffs, middle, middle, edges), texture))
    np.testing.assert_allclose(rough.sum(axis=(-2, -1)), 500, rtol=1e-4)
    assert np.abs(rough - field).max() > 1


def test_edges_fade_to_zero_without_a_step() -> None:
    field = np.linspace(0, 30, 3001, dtype=np.float32)
    faded = fade_edges(field)
    assert not faded[field <= EDGE_PPM_M].any()
    assert np.diff(faded).max() < 0.1
    np.testing.assert_allclose(faded[field >= 2 * EDGE_PPM_M], field[field >= 2 * EDGE_PPM_M], rtol=1e-6)
