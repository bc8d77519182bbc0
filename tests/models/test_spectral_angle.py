from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.models.spectral_angle import spectral_angle

NM = np.linspace(500.0, 2400.0, 60)
RNG = np.random.default_rng(3)
CLAY, ROCK, SOIL = (RNG.uniform(0.2, 0.8, (2, 60)).astype(np.float32) for _ in range(3))
KNOWN = {"clay": CLAY, "rock": ROCK}


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 2.0))
def test_brightness_does_not_matter(gain: float) -> None:
    score = spectral_angle((gain * CLAY[None]).astype(np.float32), NM, KNOWN)
    assert score.shape == (2, 1, 2)
    np.testing.assert_allclose(score[0], 0.0, atol=1e-3)
    assert (score[1] < -0.2).all()


def test_background_competes() -> None:
    image = np.stack([CLAY[0], SOIL[0], 0.5 * (CLAY[0] + SOIL[0])])[None]
    score = spectral_angle(image, NM, KNOWN, SOIL)[0, 0]
    assert score[0] > 0 > score[1]
    assert score[0] > score[2] > score[1]


def test_angle_is_the_textbook_one() -> None:
    image = np.zeros((1, 1, 60), np.float32)
    image[0, 0, 10] = 1.0
    other = np.zeros((1, 60), np.float32)
    other[0, 10] = other[0, 12] = 1.0
    assert spectral_angle(image, NM, {"clay": other})[0, 0, 0] == pytest.approx(-np.pi / 4, abs=1e-6)


def test_unknown_pixels_score_least() -> None:
    image = np.repeat(CLAY[:1][None], 3, axis=1).copy()
    image[0, 1, 5], image[0, 2] = np.nan, 0.0
    score = spectral_angle(image, NM, KNOWN)
    np.testing.assert_allclose(score[:, 0, 1:], -np.pi)


def test_wrong_use_is_refused() -> None:
    image = np.ones((1, 1, 60), np.float32)
    with pytest.raises(UsageError, match="references"):
        spectral_angle(image, NM, {"clay": CLAY[:0]})
    with pytest.raises(UsageError, match="bands"):
        spectral_angle(image, NM, KNOWN, windows=((1.0, 2.0),))
