from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onboard.captures import open_capture
from onboard.captures.blocks import has_data
from tests.captures.files import cube, write_envi, write_l1b

LINES = 640
BLOCK_BYTES = 16 * 20 * 12 * 4


def written(folder: Path, kind: str) -> Path:
    data = cube(LINES, 20, 12)
    if kind == "contiguous":
        return write_l1b(folder / "a.nc", data)
    if kind == "chunked":
        storage: dict[str, Any] = {"chunks": (10, 20, 12), "compression": "gzip"}
        return write_l1b(folder / "a.nc", data, **storage)
    return write_envi(folder, data, interleave=kind)


@pytest.mark.parametrize("kind", ["contiguous", "chunked", "bil", "bip", "bsq"])
def test_memory_does_not_grow_with_the_lines(tmp_path: Path, kind: str) -> None:
    with open_capture(written(tmp_path, kind)) as capture:
        capture.read_lines(0, 16)
        tracemalloc.start()
        lines = sum(len(block.radiance) for block in capture.blocks(16))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert lines == LINES
    assert peak < 3 * BLOCK_BYTES + 20_000


def test_an_abandoned_reading_can_start_again(tmp_path: Path) -> None:
    with open_capture(write_l1b(tmp_path / "a.nc")) as capture:
        assert next(capture.blocks(2)).first_line == 0
        assert [block.first_line for block in capture.blocks(4)] == [0, 4]


def test_closing_twice_does_no_harm(tmp_path: Path) -> None:
    for path in (write_l1b(tmp_path / "a.nc"), write_envi(tmp_path, cube())):
        capture = open_capture(path)
        capture.close()
        capture.close()


def test_a_pixel_with_one_good_band_is_data() -> None:
    block = np.full((2, 2, 3), -9999.0, np.float32)
    assert not has_data(block)
    block[1, 1] = np.nan, np.inf, -9990.0
    assert not has_data(block)
    block[1, 0, 2] = 0.0
    assert has_data(block)
