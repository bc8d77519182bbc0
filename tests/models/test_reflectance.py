from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.models.reflectance import apparent_reflectance

SCALE = np.array([10.0, 5.0, 1e-6, 2.0])
PATH = np.array([1.0, 0.2, 0.0, 0.01])
SPHERE = np.array([0.2, 0.1, 0.0, 0.02])


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 1.0))
def test_forward_model_is_undone(reflectance: float) -> None:
    radiance = (PATH + SCALE * reflectance / (1 - SPHERE * reflectance)).astype(np.float32)
    found = apparent_reflectance(radiance[None, None], SCALE, PATH, SPHERE)
    assert found.shape == (1, 1, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, 0, [0, 1, 3]], reflectance, rtol=1e-4)
    assert np.isnan(found[0, 0, 2])


def test_flags_stay_out_of_range() -> None:
    found = apparent_reflectance(np.full((2, 4), -9999.0, np.float32), SCALE, PATH)
    np.testing.assert_allclose(found[:, [0, 1, 3]], -0.1)


def test_other_bands_are_refused() -> None:
    with pytest.raises(UsageError, match="scale"):
        apparent_reflectance(np.ones((2, 3), np.float32), SCALE, PATH)
