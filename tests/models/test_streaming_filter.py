from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.models.filter_tables import FilterTables
from onboard.models.streaming_filter import StreamingMatchedFilter
from onboard.models.teaching import teaching_pixels

BANDS = 12
ALPHAS = np.array([0.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])


def tables() -> FilterTables:
    depth = 1e-5 * np.array([0.1, 1.2, 0.4, 0.2, 1.5, 0.9, 0.1, 0.7, 1.4, 0.2, 0.3, 1.1])
    curve = -2.0 * (1.0 - np.exp(-0.5 * ALPHAS[:, None] * depth))
    return FilterTables(ALPHAS, curve, np.full(BANDS, 0.5), np.full(BANDS, 1e-3), np.full(BANDS, 0.5))


def ground(rng: np.random.Generator, lines: int, samples: int) -> np.ndarray:
    """Log radiance of a ground with brightness, a tilt and noise."""
    bright = rng.normal(0.0, 0.2, (lines, samples, 1))
    tilt = rng.normal(0.0, 0.05, (lines, samples, 1)) * np.linspace(-1, 1, BANDS)
    return (bright + tilt + rng.normal(0.0, 0.002, (lines, samples, BANDS))).astype(np.float32)


def test_finds_the_enhancement_that_was_put_in() -> None:
    rng, gas = np.random.default_rng(1), tables()
    log = ground(rng, 96, 64)
    truth = np.zeros((96, 64))
    truth[40:48, 30:38] = 6000.0
    for row, column in zip(*np.nonzero(truth), strict=True):
        log[row, column] += [
            np.interp(truth[row, column], ALPHAS, curve) for curve in gas.log_transmittance.T
        ]
    found = StreamingMatchedFilter(gas, samples=64).absorb(log, np.ones((96, 64), bool), 0)
    inside, outside = found.enhancement[truth > 0], found.enhancement[truth == 0]
    assert inside.mean() == pytest.approx(6000.0, rel=0.1)
    assert abs(outside.mean()) < 50.0
    assert found.sigma[truth == 0].mean() == pytest.approx(outside.std(), rel=0.3)


def test_excluded_plume_does_not_darken_its_own_columns() -> None:
    rng, gas = np.random.default_rng(2), tables()
    log = ground(rng, 96, 32)
    log[20:60, 10] += gas.log_transmittance[4].astype(np.float32)
    found = StreamingMatchedFilter(gas, samples=32).absorb(log, np.ones((96, 32), bool), 0)
    assert np.nanmean(found.enhancement[20:60, 10]) == pytest.approx(4000.0, rel=0.15)


def with_halo(rng: np.random.Generator, gas: FilterTables) -> tuple[np.ndarray, np.ndarray]:
    """A ground with a plume of 6000 ppm m, and gas too faint to be seen all around it."""
    log, truth = ground(rng, 96, 96), np.zeros((96, 96))
    truth[16:80, 24:56], truth[40:56, 36:44] = 250.0, 6000.0
    shift = [np.interp(truth, ALPHAS, curve) for curve in gas.log_transmittance.T]
    return (log + np.stack(shift, axis=2)).astype(np.float32), truth


def test_gas_around_a_plume_does_not_pull_the_means() -> None:
    biases = {}
    for near in (0, 24):
        gas = replace(tables(), exclude_near=near)
        log, truth = with_halo(np.random.default_rng(4), gas)
        found = StreamingMatchedFilter(gas, samples=96).absorb(log, np.ones((96, 96), bool), 0)
        biases[near] = abs(float((found.enhancement - truth)[truth == 250.0].mean()))
        if near:
            assert not found.keep[truth == 250.0].any()
            assert found.keep[:, 90:].mean() > 0.95
    assert biases[24] < 0.3 * biases[0]


def test_surroundings_stay_where_they_are_nearly_everything() -> None:
    plain, wide = tables(), replace(tables(), exclude_near=200)
    log, _ = with_halo(np.random.default_rng(5), plain)
    valid = np.ones((96, 96), bool)
    found = [StreamingMatchedFilter(gas, samples=96).absorb(log, valid, 0) for gas in (plain, wide)]
    np.testing.assert_array_equal(found[0].enhancement, found[1].enhancement)
    np.testing.assert_array_equal(found[0].keep, found[1].keep)


def test_invalid_pixels_neither_give_nor_take() -> None:
    rng = np.random.default_rng(3)
    log = ground(rng, 96, 16)
    valid = np.ones((96, 16), bool)
    valid[5:9] = False
    spoiled = log.copy()
    spoiled[5:9] = 3.0
    one = StreamingMatchedFilter(tables(), samples=16).absorb(log, valid, 0)
    other = StreamingMatchedFilter(tables(), samples=16).absorb(spoiled, valid, 0)
    np.testing.assert_array_equal(one.enhancement, other.enhancement)
    assert np.isnan(one.enhancement[5:9]).all()


def test_dark_pixels_do_not_shift_their_columns() -> None:
    rng = np.random.default_rng(4)
    log = ground(rng, 96, 16)
    dark = log.copy()
    dark[10:50, 3] = -3.5 + rng.normal(0.0, 0.5, (40, BANDS))
    ones = np.ones((96, 16), bool)
    clean = StreamingMatchedFilter(tables(), samples=16).absorb(log, ones, 0)
    found = StreamingMatchedFilter(tables(), samples=16).absorb(dark, ones, 0)
    assert not found.keep[10:50, 3].any()
    shift = found.enhancement[60:, 3].mean() - clean.enhancement[60:, 3].mean()
    assert abs(shift) < clean.enhancement[60:, 3].std()


def test_where_all_is_dark_all_pixels_teach() -> None:
    valid = np.ones((20, 8), bool)
    brightness = np.full((20, 8), -3.5, np.float32)
    assert teaching_pixels(valid, brightness).all()
    brightness[:4] = 0.0
    assert teaching_pixels(valid, brightness).sum() == 32


def test_nothing_valid_gives_nothing_and_no_error() -> None:
    log = np.zeros((10, 8, BANDS), np.float32)
    found = StreamingMatchedFilter(tables(), samples=8).absorb(log, np.zeros((10, 8), bool), 0)
    assert np.isnan(found.enhancement).all()
    assert np.isfinite(found.weights).all()


def two_grounds(rng: np.random.Generator, lines: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Log radiance of quiet ground, and in blocks of ground whose clutter looks much like gas."""
    log = ground(rng, lines, samples)
    labels = ((np.arange(lines)[:, None] // 8 + np.arange(samples)[None, :] // 8) % 2).astype(np.uint8)
    like_gas = tables().target / np.abs(tables().target).max()
    wild = labels[..., None] * rng.normal(0.0, 0.05, (lines, samples, 1)) * like_gas
    return (log + wild - 0.02 * labels[..., None] * like_gas).astype(np.float32), labels


def with_classes(count: int) -> FilterTables:
    return replace(tables(), classes=count)


def test_clutter_of_other_ground_no_longer_hides_gas() -> None:
    log, labels = two_grounds(np.random.default_rng(5), 96, 512)
    valid = np.ones(labels.shape, bool)
    plain = StreamingMatchedFilter(tables(), samples=512).absorb(log, valid, 0)
    classed = StreamingMatchedFilter(with_classes(2), samples=512).absorb(log, valid, 0, labels=labels)
    quiet = labels == 0
    off = [float(np.sqrt((found.enhancement[quiet] ** 2).mean())) for found in (classed, plain)]
    assert off[0] < 0.5 * off[1]
    # One clutter stands for all ground: what differs by class is the noise that its filter lets through.
    whole = float(np.sqrt((classed.enhancement[classed.keep] ** 2).mean()))
    assert classed.sigma.mean() == pytest.approx(whole, rel=0.2)


def test_gas_over_a_class_of_ground_comes_back_whole() -> None:
    log, labels = two_grounds(np.random.default_rng(6), 96, 64)
    gas = with_classes(2)
    truth = np.zeros(labels.shape)
    truth[40:46, 30:38] = 6000.0
    for row, column in zip(*np.nonzero(truth), strict=True):
        log[row, column] += [
            np.interp(truth[row, column], ALPHAS, curve) for curve in gas.log_transmittance.T
        ]
    found = StreamingMatchedFilter(gas, samples=64).absorb(log, truth >= 0, 0, labels=labels)
    inside = (truth > 0) & (labels == 0)
    assert found.enhancement[inside].mean() == pytest.approx(6000.0, rel=0.15)


def test_a_class_of_few_pixels_is_judged_as_all_ground() -> None:
    rng = np.random.default_rng(7)
    log, valid = ground(rng, 96, 64), np.ones((96, 64), bool)
    labels = np.zeros((96, 64), np.uint8)
    labels[50, 20:23] = 1
    plain = StreamingMatchedFilter(tables(), samples=64).absorb(log, valid, 0)
    classed = StreamingMatchedFilter(with_classes(2), samples=64).absorb(log, valid, 0, labels=labels)
    few = labels == 1
    np.testing.assert_allclose(classed.enhancement[few], plain.enhancement[few], atol=30.0)
    np.testing.assert_allclose(classed.sigma[few], plain.sigma[few], rtol=0.1)


def test_lines_one_by_one_or_together_teach_classes_the_same_ground() -> None:
    log, labels = two_grounds(np.random.default_rng(8), 256, 32)
    valid = np.ones(labels.shape, bool)
    runner = StreamingMatchedFilter(with_classes(2), samples=32)
    for first in range(0, 256, 64):
        part = slice(first, first + 64)
        last = runner.absorb(log[part], valid[part], first, labels=labels[part])
    assert runner.state.classes is not None
    np.testing.assert_allclose(runner.state.classes.count.sum(), runner.state.count)
    np.testing.assert_allclose(runner.state.classes.scatter.sum(axis=0), runner.state.scatter, rtol=1e-9)
    whole = StreamingMatchedFilter(with_classes(2), samples=32).absorb(log, valid, 0, labels=labels)
    off = last.enhancement - whole.enhancement[192:]
    assert np.abs(off).mean() < 0.1 * whole.enhancement.std()


@pytest.mark.parametrize("classes", [0, 2])
def test_labels_and_classes_belong_together(classes: int) -> None:
    labels = None if classes else np.zeros((8, 16), np.uint8)
    runner = StreamingMatchedFilter(with_classes(classes), samples=16)
    with pytest.raises(UsageError, match="labels"):
        runner.absorb(np.zeros((8, 16, BANDS), np.float32), np.ones((8, 16), bool), 0, labels=labels)


def test_dead_bands_do_not_blind_the_filter() -> None:
    """Filled from its neighbours a band denies all gas; known as dead it costs little."""
    rng, gas = np.random.default_rng(6), tables()
    log, valid = ground(rng, 96, 64), np.ones((96, 64), bool)
    log[40:48, 30:38] += gas.log_transmittance[4].astype(np.float32)
    whole = StreamingMatchedFilter(gas, samples=64).absorb(log, valid, 0).enhancement
    log[..., 4] = 0.5 * (log[..., 3] + log[..., 5])
    dead = np.zeros((96, BANDS), bool)
    blind = StreamingMatchedFilter(gas, samples=64).absorb(log, valid, 0).enhancement
    dead[:, 4] = True
    told = StreamingMatchedFilter(gas, samples=64).absorb(log, valid, 0, dead=dead)
    plume = np.s_[40:48, 30:38]
    assert blind[plume].mean() < 0.2 * whole[plume].mean()
    assert told.enhancement[plume].mean() == pytest.approx(whole[plume].mean(), rel=0.1)
    assert abs(told.weights[4]) < 1e-3 * np.abs(told.weights).max()
