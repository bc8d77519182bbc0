from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.training.denoising.data import emit_noise
from onboard.training.denoising.noise import CASES, scaled

Array = npt.NDArray[np.float32]
BANDS, LINES, SAMPLES = 30, 40, 60
SEEDS = st.integers(0, 2**32 - 1)


def flat(level: float = 0.5) -> Array:
    return np.full((BANDS, LINES, SAMPLES), level, np.float32)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("case", CASES)
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_noise_follows_from_its_seed_and_leaves_the_cube_alone(case: str, seed: int) -> None:
    cube = flat()
    noisy = CASES[case](cube, rng(seed))
    assert np.array_equal(noisy, CASES[case](cube, rng(seed)))
    assert not np.array_equal(noisy, CASES[case](cube, rng(seed + 1)))
    assert (cube == 0.5).all()
    assert noisy.dtype == np.float32
    assert noisy.shape == cube.shape


@pytest.mark.parametrize("sigma", [30, 50, 70])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_gaussian_sigma_is_on_a_scale_of_255(sigma: int, seed: int) -> None:
    noise = CASES[f"gaussian {sigma}"](flat(), rng(seed)) - 0.5
    assert noise.std(axis=(1, 2)) == pytest.approx(sigma / 255, rel=0.12)
    assert abs(float(noise.mean())) < 0.01


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_each_band_has_one_of_four_sigmas(seed: int) -> None:
    spread = (CASES["non-iid"](flat(), rng(seed)) - 0.5).std(axis=(1, 2)) * 255
    apart = np.abs(spread[:, None] - np.array([10.0, 30.0, 50.0, 70.0])).min(axis=1)
    assert (apart < 0.12 * spread).all()
    assert len(set(np.round(spread / 20))) > 1


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_stripes_shift_a_third_of_the_bands_in_few_columns(seed: int) -> None:
    added = CASES["stripe"](flat(), rng(seed)) - CASES["non-iid"](flat(), rng(seed))
    hit = np.abs(added) > 1e-6
    assert np.count_nonzero(hit.any(axis=(1, 2))) == 10
    columns = hit.any(axis=1)[hit.any(axis=(1, 2))].sum(axis=1)
    assert columns.min() >= 3
    assert columns.max() <= 9
    assert np.ptp(added, axis=1).max() < 1e-5
    assert np.abs(added).max() <= 0.25 + 1e-6


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_deadlines_are_columns_of_zeros(seed: int) -> None:
    noisy = CASES["deadline"](flat(), rng(seed))
    dead = (noisy == 0).all(axis=1)
    assert np.count_nonzero(dead.any(axis=1)) == 10
    assert set(dead[dead.any(axis=1)].sum(axis=1)) <= set(range(3, 10))


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_impulses_are_salt_and_pepper_of_four_amounts(seed: int) -> None:
    noisy = CASES["impulse"](flat(), rng(seed))
    hit = (noisy == 0) | (noisy == 1)
    share = hit.mean(axis=(1, 2))
    loud = share > 0.01
    assert np.count_nonzero(loud) == 10
    assert (np.abs(share[loud][:, None] - np.array([0.1, 0.3, 0.5, 0.7])).min(axis=1) < 0.05).all()
    assert float((noisy[hit] == 1).mean()) == pytest.approx(0.5, abs=0.06)


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_mixture_has_each_kind_on_its_own_third(seed: int) -> None:
    mixed, plain = CASES["mixture"](flat(), rng(seed)), CASES["non-iid"](flat(), rng(seed))
    changed = np.abs(mixed - plain) > 1e-6
    dead = (mixed == 0).all(axis=1).any(axis=1)
    impulses = (mixed == 1).mean(axis=(1, 2)) > 0.01
    assert changed.any(axis=(1, 2)).all()
    assert dead.sum() == 10
    assert impulses.sum() == 10
    assert not (dead & impulses).any()


@given(st.floats(-1e3, 1e3), st.floats(0.1, 1e3))
@settings(deadline=None)
def test_cubes_are_scaled_by_their_own_extremes(low: float, span: float) -> None:
    cube = np.linspace(low, low + span, 24, dtype=np.float32).reshape(2, 3, 4)
    found = scaled(cube)
    assert found.min() == 0
    assert found.max() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("cube", [np.ones((2, 3, 4)), np.full((2, 3, 4), np.nan)])
def test_cubes_of_nothing_cannot_be_scaled(cube: Array) -> None:
    with pytest.raises(UsageError, match="cannot be scaled"):
        scaled(cube)


BAND_NUMBERS = np.arange(230, 270)


def test_emit_noise_is_that_of_its_model() -> None:
    model = emit_noise("emit", BAND_NUMBERS)
    clean = np.zeros((BAND_NUMBERS.size, 24, 40), np.float32)
    seen, valid = model.see(clean, rng(3))
    again, _ = model.see(clean, rng(3))
    assert np.array_equal(seen, again)
    # From line to line only noise changes, and lost lines repeat the one before.
    good = valid.all(axis=1)
    steps = np.diff(seen[:, good], axis=1).std(axis=1) / np.sqrt(2)
    assert np.median(steps / model.usual()[:, None]) == pytest.approx(1, rel=0.15)


def test_emit_lines_are_lost_as_copies_and_columns_die_over_runs() -> None:
    model = emit_noise("emit", BAND_NUMBERS)
    clean = np.zeros((BAND_NUMBERS.size, 16, 24), np.float32)
    lost = dead = 0
    for seed in range(12):
        seen, valid = model.see(clean, rng(seed))
        assert (valid.all(axis=1) | ~valid.any(axis=1)).all()
        for line in np.flatnonzero(~valid[:, 0]):
            assert np.array_equal(seen[:, line], seen[:, line - 1])
            lost += 1
        dead += int((seen <= -3.99).all(axis=1).any(axis=0).sum())
    assert lost > 0
    assert dead > 0


def test_more_noise_is_more_noise() -> None:
    model = emit_noise("emit", BAND_NUMBERS)
    clean = np.zeros((BAND_NUMBERS.size, 16, 24), np.float32)
    quiet, loud = (np.median(np.abs(model.see(clean, rng(1), times)[0])) for times in (1.0, 3.0))
    assert loud > 2 * quiet
