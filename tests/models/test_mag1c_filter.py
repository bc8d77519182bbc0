from __future__ import annotations

import sys

import numpy as np
import pytest

from onboard.errors import MissingExtraError, UsageError
from onboard.models.mag1c_filter import mag1c_filter
from onboard.scenes.methane import methane_curve
from tests.models.test_column_filter import CENTRES, FWHM, ground


@pytest.fixture
def _mag1c() -> None:
    pytest.importorskip("mag1c.mag1c", reason="mag1c is not installed")


@pytest.mark.usefixtures("_mag1c")
def test_a_plume_comes_out_in_ppm_m_and_bare_ground_near_zero() -> None:
    image = ground(1)
    true = np.zeros(image.shape[:2])
    true[100:120, 1:4] = 4000.0
    image *= np.exp(methane_curve(CENTRES, FWHM)(true))
    found = mag1c_filter(image, CENTRES, FWHM)
    assert found.enhancement.dtype == np.float32
    assert found.enhancement[true > 0].mean() == pytest.approx(4000.0, rel=0.15)
    assert (found.enhancement[true == 0] == 0).mean() > 0.5
    assert found.albedo.mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.usefixtures("_mag1c")
def test_without_iterations_it_is_a_signed_matched_filter() -> None:
    found = mag1c_filter(ground(2), CENTRES, FWHM, iterations=0).enhancement
    assert 0.4 < (found < 0).mean() < 0.6


@pytest.mark.usefixtures("_mag1c")
def test_invalid_pixels_leave_the_others_alone() -> None:
    image = ground(3)
    image[10:20, 3] = -9999.0
    found = mag1c_filter(image, CENTRES, FWHM).enhancement
    assert np.isnan(found).sum() == 10
    assert np.isnan(found[10:20, 3]).all()
    alone = mag1c_filter(np.delete(image[:, 3:4], slice(10, 20), axis=0), CENTRES, FWHM).enhancement
    np.testing.assert_allclose(np.delete(found[:, 3], slice(10, 20)), alone[:, 0], rtol=1e-3, atol=0.1)


@pytest.mark.usefixtures("_mag1c")
def test_groups_share_statistics_and_the_last_may_be_smaller() -> None:
    image = ground(4)
    grouped = mag1c_filter(image, CENTRES, FWHM, group=2, iterations=0).enhancement
    alone = mag1c_filter(image[:, 4:], CENTRES, FWHM, iterations=0).enhancement
    np.testing.assert_allclose(grouped[:, 4], alone[:, 0], rtol=1e-4, atol=0.1)
    assert np.isfinite(grouped).all()
    apart = mag1c_filter(image, CENTRES, FWHM, iterations=0).enhancement
    assert np.abs(grouped[:, 0] - apart[:, 0]).max() > 1.0


@pytest.mark.usefixtures("_mag1c")
def test_wrong_use_is_refused() -> None:
    image = ground(5, lines=20, samples=2)
    with pytest.raises(UsageError, match="radiance"):
        mag1c_filter(image, CENTRES[:-1], FWHM[:-1])
    with pytest.raises(UsageError, match="group"):
        mag1c_filter(image, CENTRES, FWHM, group=0)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mag1c", None)
    with pytest.raises(MissingExtraError, match="report"):
        mag1c_filter(ground(6, lines=20, samples=1), CENTRES, FWHM)
