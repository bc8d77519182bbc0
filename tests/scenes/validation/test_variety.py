import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.validation.figures import INSIDE, OUTSIDE
from onboard.scenes.validation.variety import (
    EXAMPLES,
    Variety,
    check_variety,
    count_distinct,
    nearest_angles,
    variety_figures,
)
from tests.scenes.validation.samples import CLIMATES, pixels


def fan(angles: list[float]) -> np.ndarray:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)


def test_brightness_makes_no_difference() -> None:
    spectra = np.random.default_rng(0).uniform(0.1, 1, (5, 20)).astype(np.float32)
    assert (
        count_distinct(np.concatenate([spectra, 0.3 * spectra]), 0.01) == count_distinct(spectra, 0.01) == 5
    )


def test_spectra_closer_than_the_angle_count_once() -> None:
    assert count_distinct(fan([0.0, 0.02, 0.1, 0.11, 0.5]), 0.05) == 3


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1.5), min_size=1, max_size=600), st.floats(0.02, 0.5))
def test_no_more_fit_than_the_fan_is_wide(angles: list[float], least: float) -> None:
    count = count_distinct(fan(angles), least)
    # Kept spectra are at least ``least`` apart within a fan of max - min.
    assert 1 <= count <= 1 + int((max(angles) - min(angles)) / (least - 2e-3))


def test_the_nearest_other_spectrum_is_measured_across_chunks() -> None:
    angles = list(np.linspace(0.1, 1.4, 700))
    found = nearest_angles(fan(angles))
    np.testing.assert_allclose(found, 1.3 / 699, atol=4e-4)


def test_variety_gathers_every_climate() -> None:
    found = check_variety(pixels(2))
    assert found.spectra == 60
    assert 1 <= found.distinct <= 60
    assert {name: rows.shape[0] for name, rows in found.examples.items()} == dict.fromkeys(CLIMATES, EXAMPLES)


@pytest.mark.parametrize(("distinct", "verdict"), [(999, OUTSIDE), (1000, INSIDE)])
def test_a_thousand_distinct_spectra_are_asked_for(distinct: int, verdict: str) -> None:
    found = Variety(5000, distinct, np.full(5000, 0.03, np.float32), {})
    assert variety_figures(found)[0].verdict == verdict
