from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.models.ground_classes import CLASS_SCALE, GroundClasses, ground_classes, sees_classes
from onboard.sensors import load_sensor


def book(centres: list[list[int]]) -> GroundClasses:
    return GroundClasses(np.arange(len(centres[0])), np.array(centres, np.int16))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 30), classes=st.integers(1, 20), bands=st.integers(1, 16))
def test_every_pixel_gets_its_nearest_centre(seed: int, classes: int, bands: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(-4096, 3073, (classes, bands)).astype(np.int16)
    log = rng.uniform(-4.0, 3.0, (5, 7, bands)).astype(np.float32)
    found = GroundClasses(np.arange(bands), centres).assign(log)
    counts = np.rint(log * CLASS_SCALE).astype(np.int64)
    distance = ((counts[:, :, None] - centres.astype(np.int64)) ** 2).sum(axis=-1)
    np.testing.assert_array_equal(found, distance.argmin(axis=-1))


def test_of_equals_the_first_wins() -> None:
    assert book([[100, 0], [-100, 0], [100, 0]]).assign(np.zeros(2, np.float32)) == 0


def test_the_farthest_corners_do_not_overflow() -> None:
    two = GroundClasses(np.arange(16), np.array([[3072] * 16, [-4096] * 16], np.int16))
    ends = np.array([[-4.0] * 16, [3.0] * 16], np.float32)
    np.testing.assert_array_equal(two.assign(ends), [1, 0])


def test_the_shipped_codebook_looks_where_the_air_is_clear() -> None:
    sensor = load_sensor("emit")
    shipped = ground_classes(sensor.centres)
    looked = sensor.centres[shipped.bands]
    assert len(shipped) == 16
    assert not (
        (looked > 2150) | ((looked > 1340) & (looked < 1500)) | ((looked > 1780) & (looked < 1990))
    ).any()
    level = shipped.centres.mean(axis=1)
    assert (np.diff(level) >= 0).all()


def test_ground_of_all_kinds_falls_into_many_classes() -> None:
    shipped = ground_classes(load_sensor("emit").centres)
    own = shipped.centres.astype(np.float32) / np.float32(CLASS_SCALE)
    np.testing.assert_array_equal(shipped.assign(own), np.arange(16))


@pytest.mark.parametrize(
    ("bands", "centres"),
    [
        ([0, 0], [[1, 2]]),
        ([0], [[1, 2]]),
        ([0, 1], [[1, 4000]]),
        ([0, 1], [[0, 0]] * 65),
        ([0, 1], []),
    ],
)
def test_what_cannot_be_flown_is_refused(bands: list[int], centres: list[list[int]]) -> None:
    with pytest.raises(UsageError, match="codebook"):
        GroundClasses(np.array(bands), np.array(centres, np.int16).reshape(-1, 2))


def test_a_table_too_coarse_is_refused() -> None:
    with pytest.raises(UsageError, match="codebook"):
        ground_classes(np.array([500.0, 1000.0, 2000.0]))


def test_a_table_sees_the_classes_where_it_has_bands_for_all_of_them() -> None:
    centres = load_sensor("emit").centres
    assert sees_classes(centres)
    assert not sees_classes(centres[centres > 1500])
    assert not sees_classes(np.delete(centres, np.flatnonzero(np.abs(centres - 860) < 11)))
