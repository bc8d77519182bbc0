from __future__ import annotations

import numpy as np

from onboard.replay.quality import FLAGS, INVALID_BITS, QualityCounts, valid_pixels


def test_flags_are_distinct_bits() -> None:
    assert sum(FLAGS.values()) == 255
    void = ("no_data", "cloudy", "missing_frame", "corrupt", "non_finite")
    assert sum(FLAGS[name] for name in void) == INVALID_BITS


def test_counts_add_up_over_blocks() -> None:
    counts = QualityCounts()
    counts.add(np.array([[0, 1], [16, 128]], np.uint8))
    counts.add(np.array([[33, 64]], np.uint8))
    assert counts.as_dict() == {
        "pixels": 6,
        "valid": 4,
        "no_data": 2,
        "cloudy": 0,
        "missing_frame": 0,
        "corrupt": 0,
        "saturated": 1,
        "non_finite": 1,
        "repaired": 1,
        "immature_statistics": 1,
    }


def test_saturated_repaired_and_immature_pixels_stay_valid() -> None:
    quality = np.array([0, 1, 2, 4, 8, 16, 32, 64, 128], np.uint8)
    assert valid_pixels(quality).tolist() == [True, False, False, False, False, True, False, True, True]
