from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models.feature_fit import (
    DIAGNOSES,
    Diagnosis,
    Feature,
    continuum_removed,
    feature_fit,
    window_bands,
)
from onboard.scenes.library import load_library
from onboard.sensors import load_sensor

SENSOR = load_sensor("emit")
LIBRARY = load_library()
SPECTRA = LIBRARY.reflectance(SENSOR.centres, SENSOR.fwhm)
REFERENCES = {name: SPECTRA[LIBRARY.members(name)] for name in MINERALS}
NM = np.arange(2000.0, 2400.0, 10.0)
FEATURE = Feature((2050, 2080), (2300, 2330))
BELL = np.exp(-0.5 * ((NM - 2200) / 30) ** 2)


def spectrum(depth: float, slope: float, brightness: float) -> np.ndarray:
    line = brightness * (1 + slope * (NM - 2190) / 140)
    return np.asarray(line * (1 - depth * BELL), np.float32)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 0.6), st.floats(-0.3, 0.3), st.floats(0.1, 1.0))
def test_continuum_goes_and_the_feature_stays(depth: float, slope: float, brightness: float) -> None:
    found = continuum_removed(spectrum(depth, slope, brightness), NM, FEATURE)
    assert found.shape == (window_bands(NM, FEATURE).size,)
    np.testing.assert_allclose(found.min(), 1 - depth, atol=0.01)
    np.testing.assert_allclose(found[:2], 1.0, atol=0.01)


def test_score_is_the_depth_of_a_perfect_match() -> None:
    known = {"clay": Diagnosis(2, (FEATURE,))}
    image = np.stack([spectrum(d, 0.1, 0.3) for d in (0.0, 0.1, 0.2)])[None]
    scores = feature_fit(image, NM, {"clay": spectrum(0.4, 0.0, 0.5)[None]}, diagnoses=known)
    assert scores.shape == (1, 1, 3)
    np.testing.assert_allclose(scores[0, 0], [0.0, 0.1, 0.2], atol=0.01)


def test_a_peak_is_no_feature() -> None:
    known = {"clay": Diagnosis(2, (FEATURE,))}
    image = spectrum(-0.2, 0.0, 0.3)[None, None]
    assert feature_fit(image, NM, {"clay": spectrum(0.4, 0.0, 0.5)[None]}, diagnoses=known)[0, 0, 0] == 0


def test_own_samples_win_their_group() -> None:
    right: dict[str, float] = {}
    for name in MINERALS:
        scores = feature_fit(REFERENCES[name][None], SENSOR.centres, REFERENCES)[:, 0]
        rows = [i for i, other in enumerate(MINERALS) if DIAGNOSES[other].group == DIAGNOSES[name].group]
        winner = np.asarray(rows)[scores[rows].argmax(axis=0)]
        right[name] = float((winner == MINERALS.index(name)).mean())
    assert np.mean(list(right.values())) > 0.7, right


def test_one_mineral_a_group_remains() -> None:
    image = REFERENCES["kaolinite"][None]
    alone = feature_fit(image, SENSOR.centres, REFERENCES)
    every = feature_fit(image, SENSOR.centres, REFERENCES, exclusive=False)
    second = [i for i, name in enumerate(MINERALS) if DIAGNOSES[name].group == 2]
    assert ((alone[second] > 0).sum(axis=0) <= 1).all()
    np.testing.assert_array_equal(alone.max(axis=0), every.max(axis=0))
    assert (every >= alone).all()


def test_unknown_and_dark_pixels_score_nothing() -> None:
    image = np.repeat(REFERENCES["calcite"][:1][None], 3, axis=1).copy()
    image[0, 1] = np.nan
    image[0, 2] *= 0.001
    scores = feature_fit(image, SENSOR.centres, REFERENCES)
    assert scores[0, 0, 0] > 0
    assert not scores[:, 0, 1:].any()


def test_wrong_use_is_refused() -> None:
    image = np.ones((1, 1, NM.size), np.float32)
    with pytest.raises(UsageError, match="references"):
        feature_fit(image, NM, {"quartz": image[0]})
    with pytest.raises(UsageError, match="shoulder"):
        feature_fit(image, NM, {"goethite": image[0]})
    with pytest.raises(UsageError, match="bands"):
        window_bands(np.array([2060.0, 2310.0]), FEATURE)
