from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.detection_curve import Curve, figures, fit_curve, markdown, summarise
from onboard.errors import UsageError

RATES = np.asarray([100.0, 300.0, 700.0, 1060.0, 2500.0, 5000.0])


@settings(max_examples=15, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(1.0, 4.0))
def test_the_curve_that_made_the_counts_is_found(intercept: float, slope: float) -> None:
    true = Curve(intercept, slope)
    found = fit_curve(RATES, 4000 * true.at(RATES), np.full(RATES.size, 4000))
    assert found.slope == pytest.approx(slope, rel=0.03)
    assert found.rate(0.5) == pytest.approx(true.rate(0.5), rel=0.03)
    assert found.rate(0.9) == pytest.approx(true.rate(0.9), rel=0.05)


@given(st.floats(-3.0, 3.0), st.floats(0.2, 5.0), st.floats(0.05, 0.95))
def test_a_rate_is_where_its_share_is_found(intercept: float, slope: float, share: float) -> None:
    curve = Curve(intercept, slope)
    assert float(curve.at(curve.rate(share))) == pytest.approx(share, abs=1e-6)


def test_a_clean_step_stays_finite_and_nothing_found_has_no_rate() -> None:
    step = fit_curve(RATES, [0, 0, 0, 5, 5, 5], [5] * 6)
    assert 700 < step.rate(0.5) < 1060
    assert step.slope < 100
    assert Curve(-5.0, -1.0).rate(0.5) == math.inf
    with pytest.raises(UsageError, match="two rates"):
        fit_curve([500.0], [1], [2])


def releases(seed: int, curve: Curve) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "rate": float(rate),
            "peak": float(rate),
            "pixels": 3,
            "event": bool(rng.random() < curve.at(rate)),
            "mask": True,
        }
        for rate in np.repeat(RATES, 8)
    ]


def test_intervals_hold_the_fit_and_grow_with_fewer_cases() -> None:
    many = [row for seed in range(6) for row in releases(seed, Curve(0.0, 2.5))]
    found, few = figures(many, "event"), figures(many[:48], "event")
    low, high = found["rate_50_limits"]
    assert low < found["rate_50"] < high
    assert low < 1000 < high
    few_low, few_high = few["rate_50_limits"]
    assert high / low < few_high / few_low
    assert found["rates"][0]["cases"] == 48
    assert 0 < found["at_published_limits"][0] < found["at_published"] < found["at_published_limits"][1] < 1


def test_groups_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.detection_curve.DRAWS", 20)
    captures = [
        {"climate": climate, "releases": releases(seed, Curve(0.0, 2.0)), "false_events": seed}
        for seed, climate in enumerate(("arid-bright", "farmland"))
    ]
    groups = summarise(captures)
    assert list(groups) == ["all", "arid-bright", "farmland"]
    assert groups["all"]["false_events_a_capture"] == 0.5
    text = markdown(groups)
    assert "| all | event |" in text
    assert "| 1060 |" in text
    assert all(line.count("|") == text.splitlines()[0].count("|") for line in text.splitlines()[:4])
