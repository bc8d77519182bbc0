from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from onboard.replay import summary
from onboard.replay.player import Playback
from onboard.replay.selection import Selection
from tests.replay.stand_in import StandIn


def playback() -> Playback:
    seconds = np.full(128, 0.001)
    seconds[63::64] = 0.065
    return Playback(seconds, flush_seconds=0.01, lags=np.full(128, 0.1))


def test_times_are_set_against_the_instruments() -> None:
    part = summary.time_part(playback(), line_period_s=0.00926, strip_lines=64)
    assert part["processing_s"] == pytest.approx(126 * 0.001 + 2 * 0.065 + 0.01)
    assert part["realtime_factor"] == pytest.approx(11.85 * 128 / 1280 / part["processing_s"], rel=1e-3)
    assert part["line_ms"]["max"] == pytest.approx(65.0)
    assert part["strip_ms"]["p50"] == pytest.approx(63 + 65)
    assert part["deadline_misses"] == 0
    assert part["deadline"]["allowance_ms"] == pytest.approx(64 * 9.26)


def test_products_and_what_was_dropped_are_told() -> None:
    match = SimpleNamespace(identical=False, worst_mismatch_nm=1.23456)
    part = summary.product_part(playback(), Selection(("methane",), {"minerals": "no bands"}), match)
    assert part["dropped_products"] == {"minerals": "no bands"}
    assert part["bands_resampled"] is True
    assert part["worst_mismatch_nm"] == 1.2346
    json.dumps(part, allow_nan=False)


def test_memory_is_in_mebibytes_and_plausible() -> None:
    part = summary.memory_part(StandIn(1).health())
    assert 20 < part["peak_rss_mib"] < 10_000
    assert part["arena_mib"] == 1.0
    assert part["allocations_after_open"] == 0


def test_peak_memory_grows_with_what_is_touched() -> None:
    before = summary.peak_rss_bytes()
    block = np.ones(before // 8 + (8 << 20))
    assert summary.peak_rss_bytes() >= before + (32 << 20)
    assert block[0] == 1


def test_versions_name_all_that_took_part() -> None:
    found = summary.versions()
    assert set(found) == {"onboard", "onnxruntime", "numpy", "python"}
    assert found["numpy"] == np.__version__


def test_the_head_and_bundle_are_plain() -> None:
    capture = SimpleNamespace(path=Path("c.nc"), granule="g", lines=1, samples=2, bands=3)
    head = summary.head_part(capture, "board")
    assert head["format"] == "onboard-run-1"
    assert head["target"] == "board"
    part = summary.bundle_part(StandIn(1).bundle, Path("x/b.onb"), "ab")
    assert part == {
        "file": "b.onb",
        "name": "stand-in",
        "version": "1",
        "sequence": 7,
        "key": "00",
        "key_name": None,
        "sha256": "ab",
    }
