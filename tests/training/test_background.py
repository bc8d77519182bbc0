from __future__ import annotations

import numpy as np
import pytest

from onboard.models.filter_tables import FilterSettings
from onboard.models.streaming_filter import StreamingMatchedFilter
from onboard.sensors import load_sensor
from onboard.training.background import (
    Background,
    column_means,
    ground_labels,
    swath_covariance,
    swath_ground,
)
from onboard.training.tables import make_tables
from tests.models.test_streaming_filter import BANDS, ground, tables


def test_covariance_is_that_of_deviations_from_column_means() -> None:
    rng = np.random.default_rng(1)
    log = rng.normal(0.0, 0.1, (400, 64, 3)) + rng.normal(0.0, 1.0, (1, 64, 3))
    counts = np.rint(log * 4096).astype(np.int16)
    np.testing.assert_allclose(np.diag(swath_covariance(counts)), 0.01, rtol=0.1)


def test_what_does_not_teach_leaves_no_trace() -> None:
    rng = np.random.default_rng(3)
    counts = np.rint(rng.normal(0.0, 400.0, (200, 32, 3))).astype(np.int16)
    spoilt, teaches = counts.copy(), rng.random((200, 32)) > 0.3
    teaches[:, 5] = False
    spoilt[~teaches] = -16384
    means, lines = column_means(spoilt, teaches)
    np.testing.assert_array_equal(lines, teaches.sum(axis=0))
    assert not means[5].any()
    np.testing.assert_allclose(means[6], counts[teaches[:, 6], 6].mean(axis=0) / 4096, atol=1e-4)
    np.testing.assert_allclose(np.diag(swath_covariance(spoilt, teaches)), (400 / 4096) ** 2, rtol=0.2)


def test_a_patch_is_judged_by_its_capture_s_clutter() -> None:
    """Rare clutter that only this patch has must stand out, as it would in flight."""
    rng, gas = np.random.default_rng(2), tables()
    log = ground(rng, 96, 16)
    rare = 0.03 * np.array([0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], np.float32)
    log[30:60] -= rare
    valid, bands = np.ones((96, 16), bool), np.arange(BANDS)
    covariance = swath_covariance(np.rint(ground(rng, 400, 64) * 4096).astype(np.int16))
    known = Background(covariance, np.zeros((16, BANDS), np.float32), np.zeros(16, np.float32))
    alone = StreamingMatchedFilter(gas, samples=16).absorb(log, valid, 0)
    runner = StreamingMatchedFilter(gas, samples=16)
    runner.state = known.statistics(bands, FilterSettings())
    within = runner.absorb(log, valid, 0)
    contrast = [abs(f.enhancement[30:60].mean() - f.enhancement[:30].mean()) for f in (alone, within)]
    assert contrast[1] > 1.5 * contrast[0]


def test_means_on_arrival_count_as_lines() -> None:
    known = Background(
        np.eye(BANDS, dtype=np.float32), np.full((4, BANDS), 0.5, np.float32), np.full(4, 192, np.float32)
    )
    state = known.statistics(np.arange(BANDS), FilterSettings())
    assert state.weight == pytest.approx(192.0)
    assert state.mean == pytest.approx(0.5)
    assert state.count == 512 * 4 / 4


def test_classes_of_a_swath_hold_what_the_whole_swath_holds() -> None:
    rng = np.random.default_rng(4)
    known = make_tables(load_sensor("emit"))
    counts = np.rint(rng.normal(0.0, 400.0, (64, 96, 285))).astype(np.int16)
    counts[:, 48:, known.class_bands] += 4000
    teaches = rng.random((64, 96)) > 0.2
    found = swath_ground(counts, teaches, known)
    assert found is not None
    assert found.share.sum() == pytest.approx(1.0, abs=1e-5)
    assert np.count_nonzero(found.share > 0.01) > 1
    whole = swath_covariance(counts[:, :, known.mf_bands], teaches)
    together = np.einsum("c,ckl->kl", found.share, found.second)
    np.testing.assert_allclose(np.diag(together), np.diag(whole), rtol=0.02)
    state = found.statistics(1000.0)
    assert state.count.sum() == pytest.approx(1000.0)
    np.testing.assert_allclose(state.total, state.count[:, None] * found.mean, rtol=1e-5)


def test_without_a_codebook_there_are_no_classes() -> None:
    bare = make_tables(load_sensor("emit"), ground=False)
    counts = np.zeros((8, 8, 285), np.int16)
    assert swath_ground(counts, np.ones((8, 8), bool), bare) is None


def test_changes_of_the_ground_change_its_class() -> None:
    book = make_tables(load_sensor("emit")).ground
    assert book is not None
    counts = np.zeros((2, 3, 285), np.int16)
    dark = np.full((2, 3, len(book.bands)), -2.5, np.float32)
    assert (ground_labels(counts, book) > ground_labels(counts, book, dark)).all()
