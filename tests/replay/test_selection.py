from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.captures import band_match
from onboard.errors import CaptureError, UsageError
from onboard.flight.limits import Limits
from onboard.replay.selection import (
    Selection,
    select_products,
    warnings_before,
    warnings_of_bands,
    warnings_of_limits,
)
from onboard.sensors import load_sensor

REQUIRED = {"methane": [(2130.0, 2440.0)], "minerals": [(450.0, 1300.0), (2000.0, 2440.0)]}
SENSOR = load_sensor("emit")


def choose(low: float, high: float, wanted: tuple[str, ...] | None = None) -> Selection:
    keep = (SENSOR.centres >= low) & (SENSOR.centres <= high)
    centres, fwhm = SENSOR.centres[keep], SENSOR.fwhm[keep]
    match = band_match(centres, fwhm, SENSOR.centres, SENSOR.fwhm)
    return select_products(REQUIRED, wanted, match, centres, Path("c.nc"))


def test_all_bands_keep_all_products() -> None:
    assert choose(300, 2600) == Selection(("methane", "minerals"), {})


def test_a_product_without_its_bands_is_dropped_by_name_and_range() -> None:
    selection = choose(1500, 2600)
    assert selection.kept == ("methane",)
    assert "450-1300 nm" in selection.dropped["minerals"]


def test_no_product_left_is_refused_with_ranges() -> None:
    with pytest.raises(CaptureError, match=r"c\.nc.*wavelengths.*2130-2440 nm.*remedy"):
        choose(400, 1000)


def test_what_was_not_asked_for_is_not_missed() -> None:
    assert choose(300, 2600, ("minerals",)) == Selection(("minerals",), {})
    with pytest.raises(CaptureError, match="every product asked for"):
        choose(1500, 2600, ("minerals",))


def test_unknown_products_are_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"gold.*methane, minerals"):
        choose(300, 2600, ("gold",))


def test_warnings_name_dropped_products_mismatch_and_short_captures() -> None:
    shifted = band_match(SENSOR.centres + 1.5, SENSOR.fwhm, SENSOR.centres, SENSOR.fwhm)
    warnings = warnings_before(Selection(("methane",), {"minerals": "no bands"}), shifted, 10, SENSOR.centres)
    assert len(warnings) == 3
    assert "minerals is dropped: no bands" in warnings[0]
    assert "worst mismatch" in warnings[1]
    assert "1.50 nm" in warnings[1]
    assert "only 10 lines" in warnings[2]


def test_a_fitting_capture_gives_no_warning() -> None:
    same = band_match(SENSOR.centres, SENSOR.fwhm, SENSOR.centres, SENSOR.fwhm)
    assert warnings_before(Selection(("methane",), {}), same, 32, SENSOR.centres) == []
    assert np.isclose(same.worst_mismatch_nm, 0)


def test_bands_too_far_apart_for_the_networks_are_told() -> None:
    same = band_match(SENSOR.centres, SENSOR.fwhm, SENSOR.centres, SENSOR.fwhm)
    for step, told in ((8.0, False), (10.0, True)):
        centres = np.arange(380.0, 2490.0, step)
        (found,) = warnings_before(Selection(("methane",), {}), same, 32, centres) or [""]
        assert ("false plumes" in found) is told
        assert warnings_before(Selection(("methane",), {}), same, 32, centres[::-1]) == (
            [found] if told else []
        )
        assert warnings_before(Selection(("minerals",), {}), same, 32, centres) == []


def test_lines_that_lack_bands_are_told_of() -> None:
    assert not warnings_of_bands(0, 0)
    (warning,) = warnings_of_bands(64, 5)
    assert "64 lines lack bands as a whole, up to 5" in warning


def test_bundles_that_flight_would_refuse_are_told_of() -> None:
    now = 1_800_000_000.0
    assert not warnings_of_limits(Limits(), "host", now)
    assert not warnings_of_limits(Limits(1_800_000_001, "orin"), "orin", now)
    assert not warnings_of_limits(Limits(0, "orin"), "host", now)
    expired, other = warnings_of_limits(Limits(1_577_836_800, "orin"), "x86-64-v4", now)
    assert "expired on 2020-01-01" in expired
    assert "is for orin" in other
    assert "x86-64-v4 refuses" in other
    assert "9999" not in str(warnings_of_limits(Limits(2**63), "host", now))
