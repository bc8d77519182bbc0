from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.spectra import absorbers

NM = np.arange(360.0, 2521.0, 5.0)


def test_water_absorbs_as_published() -> None:
    # Kou et al. 1993 and Wieliczka et al. 1989, read at their maxima and minima, 1/cm.
    at = np.array([975.0, 1195.0, 1450.0, 1926.0, 2205.0])
    np.testing.assert_allclose(absorbers.water(at), [0.487, 1.28, 30.5, 130.0, 18.0], rtol=0.05)
    curve = absorbers.water(NM)
    assert NM[np.argmax(curve)] == pytest.approx(1926.0, abs=5)
    assert curve.min() > 0


@pytest.mark.parametrize(
    ("name", "centre"), [("dry_matter", 2095), ("clay", 1912), ("carbonate", 2330), ("organic_matter", 360)]
)
def test_absorbers_peak_where_published_at_about_one(name: str, centre: float) -> None:
    curve = getattr(absorbers, name)(NM)
    assert NM[np.argmax(curve)] == pytest.approx(centre, abs=6)
    assert curve.max() == pytest.approx(1.0, abs=0.1)
    assert curve.min() >= 0


def test_iron_darkens_blue_and_900_nm() -> None:
    curve = absorbers.iron_oxide(NM)
    assert curve[NM == 450][0] > 0.9
    assert curve[NM == 900][0] > 2 * curve[NM == 780][0]
    assert curve[NM > 1500].max() < 0.01


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 0.05), st.floats(0.0, 0.05), st.floats(0.0, 1.0))
def test_wetter_soil_is_darker(one: float, other: float, share: float) -> None:
    rho = np.linspace(0.05, 0.6, NM.size)[None, :]
    thin, thick = sorted((one, other))
    less, more = (absorbers.wetted(rho, np.array([film]), np.array([share]), NM) for film in (thin, thick))
    assert np.all(more <= less + 1e-12)
    assert np.all(less <= rho + 1e-12)
    assert more.min() >= 0
    np.testing.assert_allclose(absorbers.wetted(rho, np.array([thick]), np.zeros(1), NM), rho)


def test_wetting_halves_a_soil_in_the_visible() -> None:
    rho = np.full((1, NM.size), 0.3)
    wet = absorbers.wetted(rho, np.array([0.001]), np.ones(1), NM)
    assert 0.4 < wet[0, 30] / 0.3 < 0.7
