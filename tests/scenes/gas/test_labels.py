from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import UsageError
from onboard.scenes.arrays import NumpyRandom, TorchRandom, host
from onboard.scenes.gas.labels import LabelRule, label_gas, label_tiles

KINDS = [NumpyRandom, TorchRandom]
RULE = LabelRule()


@pytest.mark.parametrize("kind", KINDS)
def test_patches_stand_and_specks_fall(kind: Any) -> None:
    own = np.zeros((1, 1, 20, 20), np.float32)
    own[0, 0, 2:4, 2:5] = 1000
    own[0, 0, 10:12, 10:12] = 5000
    own[0, 0, 15, 1:4] = 999
    number = label_tiles(kind(0).asarray(own), RULE)
    expected = np.zeros((20, 20), bool)
    expected[2:4, 2:5] = True
    np.testing.assert_array_equal(host(number)[0], expected)
    assert host(number).dtype == np.int32
    np.testing.assert_array_equal(label_gas(own[0, 0], RULE), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_most_of_the_gas_has_the_pixel(kind: Any) -> None:
    own = np.zeros((2, 3, 12, 12), np.float32)
    own[0, 0, 2:8, 2:8] = 1500
    own[0, 2, 5:11, 5:11] = 3000
    # A strong speck adds its gas to a plume that stands, and stands with it.
    own[0, 1, 3, 3] = 9000
    number = host(label_tiles(kind(0).asarray(own), RULE))
    assert not number[1].any()
    assert set(np.unique(number[0])) == {0, 1, 2, 3}
    assert np.argwhere(number[0] == 2).tolist() == [[3, 3]]
    assert (number[0, 5:11, 5:11] == 3).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gas_of_two_faint_plumes_is_gas(kind: Any) -> None:
    own = np.zeros((1, 2, 12, 12), np.float32)
    own[0, 0, 2:8, 2:8] = 600
    own[0, 1, 4:10, 4:10] = 700
    number = host(label_tiles(kind(0).asarray(own), RULE))[0]
    expected = np.zeros((12, 12), np.int32)
    expected[4:8, 4:8] = 2
    np.testing.assert_array_equal(number, expected)


def test_tiles_and_captures_agree_on_all_but_thin_patches() -> None:
    rng = np.random.default_rng(1)
    smooth = rng.random((60, 60)).astype(np.float32)
    for _ in range(3):
        smooth = sum(np.roll(smooth, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9  # type: ignore[assignment]
    own = 2000 * smooth / np.quantile(smooth, 0.8) - 1000
    tile = host(label_tiles(own[None, None], RULE))[0] > 0
    whole = label_gas(own, RULE)
    assert whole.sum() > 200
    assert np.count_nonzero(tile != whole) < 0.03 * whole.sum()


def test_a_single_file_keeps_its_inner_pixels_in_a_tile() -> None:
    own = np.zeros((1, 1, 9, 20), np.float32)
    own[0, 0, 4, 3:11] = 2000
    number = label_tiles(own, RULE)
    assert np.flatnonzero(number[0, 4]).tolist() == [5, 6, 7, 8]
    assert label_gas(own[0, 0], RULE).sum() == 8


@pytest.mark.parametrize(("threshold", "least"), [(0.0, 5), (-1.0, 5), (1000.0, 0), (1000.0, 26)])
def test_a_rule_without_sense_is_refused(threshold: float, least: int) -> None:
    with pytest.raises(UsageError, match="label rule"):
        LabelRule(threshold, least)
