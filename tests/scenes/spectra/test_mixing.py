from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.scenes.arrays import NumpyRandom, Random, TorchRandom, host
from onboard.scenes.spectra.mixing import _blend, albedo_of, mix, reflectance_of

fractions = st.floats(0.0, 1.0, width=32)


@settings(max_examples=200, deadline=None)
@given(fractions)
def test_reflectance_and_albedo_are_inverse_and_bounded(value: float) -> None:
    r = np.array([value], np.float32)
    w = albedo_of(r)
    assert 0.0 <= w[0] <= 1.0
    # Near 1 a root meets the last digit of 1 - w.
    assert reflectance_of(w)[0] == pytest.approx(value, rel=1e-5, abs=1e-3 if value > 0.99 else 4e-5)
    assert albedo_of(reflectance_of(r))[0] == pytest.approx(value, rel=1e-5, abs=1e-6)


def test_the_relation_is_the_published_one() -> None:
    w = np.linspace(0.0, 1.0, 50)
    g = np.sqrt(1.0 - w)
    np.testing.assert_allclose(reflectance_of(w), (1.0 - g) / (1.0 + 2.0 * g), atol=1e-12)
    assert np.all(np.diff(albedo_of(w)) > 0)


def parts(random: Random, shape: tuple[int, ...], endmembers: int) -> tuple[object, object, object, object]:
    xp = random.xp
    weights = random.uniform((*shape, endmembers), 0.01, 1.0)
    weights = weights / xp.sum(weights, axis=-1, keepdims=True)
    reflectance = random.uniform((shape[0], endmembers, 9), 0.003, 0.95)
    return weights, reflectance, albedo_of(reflectance), random.uniform(shape)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12))
def test_mixtures_lie_between_their_parts_and_intimate_ones_are_darker(seed: int, endmembers: int) -> None:
    weights, reflectance, albedo, share = parts(NumpyRandom(seed), (2, 30), endmembers)
    mixed = mix(weights, reflectance, albedo, share)
    linear = mix(weights, reflectance, albedo, 0.0)
    intimate = mix(weights, reflectance, albedo, 1.0)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(linear, weights @ reflectance, atol=1e-6)  # type: ignore[operator]
    np.testing.assert_allclose(intimate, reflectance_of(weights @ albedo), atol=2e-5)  # type: ignore[operator]
    # Albedo is concave in reflectance: the dark grain wins.
    assert np.all(intimate <= linear + 1e-5)
    expected = linear + np.asarray(share)[..., None] * (intimate - linear)
    np.testing.assert_allclose(mixed, expected, atol=1e-6)
    assert mixed.min() >= 0
    assert mixed.max() <= 1


def test_every_shape_of_use_gives_the_same_pixels() -> None:
    random = NumpyRandom(3)
    weights, reflectance, albedo, share = (np.asarray(a) for a in parts(random, (2, 4, 5), 6))
    full = mix(weights, reflectance, albedo, share)
    assert full.shape == (2, 4, 5, 9)
    spread = mix(weights, reflectance[:, None], albedo[:, None], share)
    flat = mix(weights.reshape(2, 20, 6), reflectance, albedo, share.reshape(2, 20))
    line = mix(weights[1, 2], reflectance[1], albedo[1], share[1, 2])
    np.testing.assert_allclose(spread, full, atol=1e-6)
    np.testing.assert_allclose(flat.reshape(full.shape), full, atol=1e-6)
    np.testing.assert_allclose(line, full[1, 2], atol=1e-6)


def test_inputs_are_left_as_they_were_and_rounded_weights_make_no_nan() -> None:
    weights = np.array([[0.6, 0.401]], np.float32)
    reflectance = np.array([[1.0, 0.999], [1.0, 0.5]], np.float32)
    albedo = albedo_of(reflectance)
    kept = [a.copy() for a in (weights, reflectance, albedo)]
    assert np.all(np.isfinite(mix(weights, reflectance, albedo, 0.5)))
    for before, after in zip(kept, (weights, reflectance, albedo), strict=True):
        np.testing.assert_array_equal(before, after)


def test_numpy_and_torch_agree() -> None:
    pytest.importorskip("torch")
    random, torch_random = NumpyRandom(5), TorchRandom(5)
    given_parts = parts(random, (2, 40), 7)
    moved = [torch_random.asarray(a) for a in given_parts]
    np.testing.assert_allclose(host(mix(*moved)), mix(*given_parts), atol=2e-6)


def test_all_scenes_at_once_as_on_a_gpu_are_the_same_as_block_by_block() -> None:
    weights, reflectance, albedo, share = (np.asarray(a) for a in parts(NumpyRandom(8), (3, 5000), 4))
    whole = _blend(weights, reflectance, 1.0 - albedo, share[..., None])
    np.testing.assert_allclose(whole, mix(weights, reflectance, albedo, share), atol=2e-6)
