from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.captures import RawLines
from onboard.errors import CaptureError, UsageError
from tests.captures.files import BANDS, SAMPLES, cube


class Trickle(io.BytesIO):
    """A pipe that delivers at most 7 bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7 if size is None or size < 0 else min(size, 7))


@given(st.integers(1, 9), st.integers(1, 12))
def test_lines_arrive_whole_however_they_come(lines: int, step: int) -> None:
    truth = cube(lines)
    stream = RawLines(Trickle(truth.astype("<f4").tobytes()), SAMPLES, BANDS)
    parts = [(block.first_line, block.radiance.copy()) for block in stream.blocks(step)]
    assert [first for first, _ in parts] == list(range(0, lines, step))
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), truth)
    assert stream.lines_read == lines


def test_a_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(cube(3).tobytes())
    stream = RawLines.open(tmp_path / "a.raw", SAMPLES, BANDS)
    assert sum(len(block.radiance) for block in stream.blocks(2)) == 3
    stream.close()
    with pytest.raises(CaptureError, match="cannot be opened"):
        RawLines.open(tmp_path / "none.raw", SAMPLES, BANDS)


@pytest.mark.parametrize(("cut", "word"), [(3, "ends within a line"), (10**9, "holds no line")])
def test_streams_that_end_early_are_refused(cut: int, word: str) -> None:
    data = cube(4).tobytes()
    stream = RawLines(io.BytesIO(data[: max(0, len(data) - cut)]), SAMPLES, BANDS)
    with pytest.raises(CaptureError, match=f"{word}.*{SAMPLES} samples x {BANDS} bands"):
        list(stream.blocks(2))


def test_non_finite_values_are_named_or_kept() -> None:
    data = cube(4)
    data[3, 1, 2] = np.nan
    with pytest.raises(CaptureError, match="line 3, sample 1, band 2"):
        list(RawLines(io.BytesIO(data.tobytes()), SAMPLES, BANDS).blocks(3))
    kept = RawLines(io.BytesIO(data.tobytes()), SAMPLES, BANDS).blocks(3, non_finite="keep")
    assert sum(len(block.radiance) for block in kept) == 4


def test_wrong_use_is_refused() -> None:
    with pytest.raises(CaptureError, match="samples"):
        RawLines(io.BytesIO(), 0, BANDS)
    with pytest.raises(UsageError):
        next(RawLines(io.BytesIO(), SAMPLES, BANDS).blocks(0))
