from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.gas import sources
from onboard.scenes.gas.sources import ALL_EMISSIONS, DETECTED_EMISSIONS, Emissions

KINDS = [NumpyRandom, TorchRandom]


@pytest.mark.parametrize("kind", KINDS)
def test_rates_follow_their_distribution(kind: Any) -> None:
    even = np.log(host(ALL_EMISSIONS.draw(kind(1), (40_000,))))
    low, high = np.log(20.0), np.log(20_000.0)
    assert even.min() >= low - 1e-5
    assert even.max() <= high + 1e-5
    np.testing.assert_allclose(
        np.quantile(even, [0.25, 0.5, 0.75]), np.linspace(low, high, 5)[1:4], atol=0.08
    )
    found = host(DETECTED_EMISSIONS.draw(kind(1), (40_000,)))
    assert np.median(found) == pytest.approx(DETECTED_EMISSIONS.median, rel=0.04)
    assert found.min() >= 20
    assert found.max() <= 20_000
    # What lies outside of the range does not pile up at its ends.
    assert np.count_nonzero(found >= 19_999) < 4


@pytest.mark.parametrize(
    "bad", [{"low": 0.0}, {"low": 10.0, "high": 5.0}, {"median": -1.0}, {"spread": -0.1}]
)
def test_rates_that_are_no_distribution_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="emission rates"):
        Emissions(**bad)


@pytest.mark.parametrize("kind", KINDS)
def test_winds_differ_more_between_scenes_than_within(kind: Any) -> None:
    speed, direction = (host(a) for a in sources.draw_winds(kind(2), (500,), 4))
    assert speed.shape == direction.shape == (500, 4)
    assert speed.min() >= 1
    assert speed.max() <= 10
    assert direction.min() >= 0
    assert direction.max() <= 2 * np.pi + 1e-5
    logs = np.log(speed)
    assert logs.std(axis=1).mean() < 0.5 * logs.mean(axis=1).std()
    assert np.median(speed) == pytest.approx(sources.MEDIAN_WIND_M_S, rel=0.1)


def test_reach_grows_with_the_rate_and_ends_with_age() -> None:
    rate = np.asarray([20, 500, 2000, 20_000], np.float32)
    reach = sources.visible_reach(rate, np.full(4, 5, np.float32))
    assert (np.diff(reach) > 0).all()
    assert reach[0] == pytest.approx(sources.REACH_RANGE_M[0])
    assert reach[-1] == pytest.approx(sources.REACH_RANGE_M[1])
    calm = sources.visible_reach(rate, np.ones(4, np.float32))
    assert calm[-1] == pytest.approx(sources.LONGEST_LIFE_S)


def test_mass_is_emission_times_length_over_wind() -> None:
    rate, wind = np.asarray([1800.0], np.float32), np.asarray([3.0], np.float32)
    length = sources.visible_reach(rate, wind) * (1 - sources.FADE / 2)
    np.testing.assert_allclose(sources.plume_mass(rate, wind), 0.5 * length / 3.0, rtol=1e-6)
