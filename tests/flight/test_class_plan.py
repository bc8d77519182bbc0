"""``classes.bin`` in both readers: Python's and, through a signed bundle, the core's."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.errors import BundleError
from onboard.flight import FlightSession
from onboard.flight.class_plan import CLASSES_PART, ClassPlan, unpack_class_plan
from tests.support.bundles import TEST_SEED, build_test_bundle

BANDS = 24


def book(classes: int = 3, bands: int = 3, seed: int = 0) -> ClassPlan:
    random = np.random.default_rng(seed)
    centres = random.integers(-4096, 3073, (classes, bands)).astype(np.int16)
    return ClassPlan(random.permutation(BANDS)[:bands].astype(np.int64), centres)


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


GOOD = words(1, 3, 2, 0, 23) + struct.pack("<3h", -4096, 0, 3072) + b"\0\0"
BAD = [
    (b"", "length"),
    (GOOD[:7], "length"),
    (GOOD[:-1], "length"),
    (GOOD + bytes(4), "length"),
    (words(0) + GOOD[4:], "classes"),
    (words(65) + GOOD[4:], "classes"),
    (words(0xFFFFFFFF) + GOOD[4:], "classes"),
    (words(1, 0) + GOOD[8:], "bands"),
    (words(1, 17) + GOOD[8:], "bands"),
    (words(1, 3, 24) + GOOD[12:], "band_index"),
    (words(1, 3, 0) + GOOD[12:], "band_index"),
    (GOOD[:20] + struct.pack("<h", -4097) + GOOD[22:], "centres"),
    (GOOD[:24] + struct.pack("<h", 3073) + GOOD[26:], "centres"),
    (GOOD[:-1] + b"\1", "padding"),
]


@given(classes=st.integers(1, 64), bands=st.integers(1, 16), seed=st.integers(0, 9))
def test_values_survive_the_file(classes: int, bands: int, seed: int) -> None:
    plan = book(classes, bands, seed)
    part = plan.pack(BANDS)
    assert len(part) % 4 == 0
    assert 8 + 4 * bands + 2 * classes * bands <= len(part) < 8 + 4 * bands + 2 * classes * bands + 4
    again = unpack_class_plan(part, BANDS)
    assert np.array_equal(again.bands, plan.bands)
    assert np.array_equal(again.centres, plan.centres)


def test_a_part_is_laid_out_as_said() -> None:
    plan = ClassPlan(np.array([2, 0, 23]), np.array([[-4096, 0, 3072]], np.int16))
    assert plan.pack(BANDS) == GOOD


@pytest.mark.parametrize(("part", "field"), BAD)
def test_other_parts_are_refused(part: bytes, field: str) -> None:
    with pytest.raises(BundleError, match=rf"{CLASSES_PART}: {field}"):
        unpack_class_plan(part, BANDS, "x.onb")


@pytest.mark.parametrize(("part", "field"), [case for case in BAD if case[0]])
def test_the_core_refuses_the_same(part: bytes, field: str) -> None:
    bundle = build_test_bundle(bands=BANDS, key=TEST_SEED, parts={CLASSES_PART: part})
    with pytest.raises(BundleError, match=rf"{CLASSES_PART}: {field}"):
        FlightSession(bundle.data, samples=8, trusted_keys=[bundle.public_key])


def test_what_cannot_be_flown_is_not_packed() -> None:
    with pytest.raises(BundleError, match="band_index"):
        book().pack(2)
