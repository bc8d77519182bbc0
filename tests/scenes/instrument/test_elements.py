from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.scenes.arrays import NumpyRandom, host, like
from onboard.scenes.instrument import elements
from onboard.scenes.instrument.elements import BadElements

SHAPE = (5, 40, 60)


def spectra(seed: int = 1) -> np.ndarray:
    """Mixtures of three smooth spectra, so that every pixel has its like."""
    place = np.linspace(0, 1, SHAPE[-1])
    pure = np.stack([1 + place, 1.5 - place**2, 0.8 + 0.3 * np.sin(6 * place)])
    weights = np.random.default_rng(seed).dirichlet(np.ones(3), SHAPE[:-1])
    return (weights @ pure).astype(np.float32)


def bad_map(seed: int = 2, share: float = 0.02) -> np.ndarray:
    bad = np.random.default_rng(seed).random(SHAPE[1:]) < share
    bad[::2] = False
    return np.asarray(bad)


def test_bad_elements_are_filled_in_close_to_what_is_there() -> None:
    truth, bad = spectra(), bad_map()
    spoilt = np.where(bad, 99.0, truth).astype(np.float32)
    prepared = elements.bad_elements(bad, spoilt)
    assert prepared is not None
    result = elements.repair(spoilt.copy(), prepared)
    np.testing.assert_array_equal(result[:, ~bad], truth[:, ~bad])
    error = np.abs(result - truth)[:, bad]
    assert error.max() < 0.25
    assert error.mean() < 0.02
    assert (spoilt[:, bad] == 99).all()


def test_a_pixel_scaled_and_shifted_from_another_is_restored_exactly() -> None:
    truth = spectra()
    truth[:, 7] = 0.5 * truth[:, 20] + 0.1
    bad = np.zeros(SHAPE[1:], np.bool_)
    bad[7, 10:30] = True
    # Every other pixel is unlike this one.
    truth[:, :7] = truth[:, :7, ::-1]
    prepared = elements.bad_elements(bad, truth)
    assert prepared is not None
    own, donor = truth[:, 7], truth[:, 20]
    filled = elements.filled(own + bad[7] * 5, donor, bad[7].astype(np.float32), prepared.compared)
    np.testing.assert_allclose(filled, own, atol=1e-5)


def test_columns_that_are_bad_themselves_give_nothing() -> None:
    truth = spectra()
    bad = np.zeros(SHAPE[1:], np.bool_)
    bad[:30, 5] = True
    spoilt = np.where(bad, 1e4, truth).astype(np.float32)
    prepared = elements.bad_elements(bad, spoilt)
    assert prepared is not None
    assert elements.repair(spoilt.copy(), prepared).max() < 10


def test_lines_are_repaired_on_their_own() -> None:
    truth, bad = spectra(), bad_map()
    prepared = elements.bad_elements(bad, truth)
    assert prepared is not None
    whole = elements.repair(truth.copy(), prepared)
    for line in range(SHAPE[0]):
        np.testing.assert_allclose(elements.repair(truth[line].copy(), prepared), whole[line], atol=1e-6)


def test_scenes_of_a_batch_have_elements_of_their_own() -> None:
    truth = np.stack([spectra(1), spectra(2)])
    maps = [bad_map(3), bad_map(4, 0.01)]
    alone = [elements.bad_elements(bad, truth) for bad in maps]
    most = max(int(bad.any(axis=1).sum()) for bad in maps)
    order = np.stack([np.argsort(~bad.any(axis=1), kind="stable")[:most] for bad in maps])
    both = BadElements(np.stack(maps)[:, None].astype(np.float32), order, np.ones(SHAPE[-1], np.float32))
    result = elements.repair(truth.copy(), both)
    for i, one in enumerate(alone):
        assert one is not None
        np.testing.assert_allclose(result[i], elements.repair(truth[i].copy(), one), atol=1e-6)


def test_numpy_and_torch_agree() -> None:
    place = pytest.importorskip("torch").zeros(())
    truth, bad = spectra(), bad_map()
    results = []
    for there in (np.zeros(()), place):
        values = like(truth.copy(), there)
        prepared = elements.bad_elements(bad, values)
        assert prepared is not None
        results.append(host(elements.repair(values, prepared)))
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)


def test_no_bad_elements_need_no_repair() -> None:
    assert elements.bad_elements(np.zeros((4, 5), np.bool_), np.zeros(())) is None


def test_drawn_maps_have_the_statistics_of_the_measured_one() -> None:
    maps = np.concatenate([elements.draw_bad_elements(np.random.default_rng(s), 1242) for s in range(8)])
    assert maps.shape == (8 * 1242, 285)
    # EMIT_BadElements_20220307: 0.277 % of elements, 21 % of columns, mean over detectors.
    assert 0.0015 < maps.mean() < 0.0042
    assert 0.15 < maps.any(axis=1).mean() < 0.27
    sick = (maps.sum(axis=1) > 40).mean()
    assert 0.001 < sick < 0.015


@given(st.integers(1, 300), st.integers(0, 50))
def test_any_width_can_be_drawn(samples: int, seed: int) -> None:
    assert elements.draw_bad_elements(np.random.default_rng(seed), samples).shape == (samples, 285)


def test_the_filter_seam_is_not_compared() -> None:
    prepared = elements.bad_elements(bad_map(), NumpyRandom(1).asarray(0.0), seam=(10, 11))
    assert prepared is not None
    assert prepared.compared[[9, 10, 11, 12]].tolist() == [1, 0, 0, 1]
