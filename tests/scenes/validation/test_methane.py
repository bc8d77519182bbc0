from dataclasses import replace

import numpy as np
import pytest

from onboard.scenes.validation.figures import INSIDE, MISSING, OUTSIDE
from onboard.scenes.validation.methane import (
    background_figures,
    count_patches,
    methane_of_study,
    slope,
    slope_figures,
    thinned,
)
from tests.scenes.validation.samples import methane, small_study


def test_the_slope_of_a_line_is_found_whatever_its_offset() -> None:
    x = np.linspace(0, 1000, 50, dtype=np.float32)
    assert slope(x, 0.8 * x + 37) == pytest.approx(0.8)
    assert np.isnan(slope(x[:5], x[:5]))


def test_patches_are_counted_from_five_pixels_on() -> None:
    mask = np.zeros((20, 20), np.bool_)
    mask[2, 2:7] = mask[10, 3:7] = mask[15:18, 12:15] = True
    assert count_patches(mask) == 2


def test_points_are_thinned_evenly() -> None:
    assert thinned(0).size == 0
    np.testing.assert_array_equal(thinned(3, 10), [0, 1, 2])
    kept = thinned(100_000, 1000)
    assert (kept[0], kept[-1], kept.size) == (0, 99_999, 1000)


def test_both_filters_see_a_study() -> None:
    found = methane_of_study(small_study())
    assert 100 < found.sigma < 1500
    assert found.background.shape == found.filtered.shape == (192, 32)
    assert found.truth.shape == found.retrieved.shape
    assert (found.truth >= 1000).all()


def test_backgrounds_are_judged_by_their_climate() -> None:
    figures = {figure.key: figure for figure in background_figures(methane())}
    assert figures["sigma_arid-bright"].verdict == INSIDE
    assert figures["sigma_dark-vegetated"].verdict == OUTSIDE
    assert "sun 30 degrees" in figures["sigma_arid-bright"].note


def test_the_slope_is_judged_over_all_climates() -> None:
    figures = {figure.key: figure for figure in slope_figures(methane())}
    assert figures["mag1c_slope"].value == pytest.approx(0.95, abs=1e-3)
    assert figures["mag1c_slope"].verdict == INSIDE
    assert figures["mag1c_recovered"].value == pytest.approx(0.95, abs=0.02)
    half = [replace(one, retrieved=0.5 * one.retrieved) for one in methane()]
    assert slope_figures(half)[0].verdict == OUTSIDE
    none = [replace(one, truth=one.truth[:0], retrieved=one.retrieved[:0]) for one in methane()]
    assert slope_figures(none)[0].verdict == MISSING
