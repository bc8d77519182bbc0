from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.captures import flags as known
from onboard.errors import UsageError
from onboard.scenes.arrays import host, like
from onboard.scenes.instrument import frames


@given(st.integers(1, 400), st.integers(0, 500), st.integers(1, 64), st.integers(0, 99))
def test_as_many_lines_are_lost_as_asked(lines: int, count: int, frame: int, seed: int) -> None:
    flags = frames.draw_line_flags(np.random.default_rng(seed), lines, count, frame)
    assert flags.shape == (lines,)
    assert flags.dtype == np.float32
    assert np.count_nonzero(flags) == min(count, lines - 1)
    assert set(np.unique(flags)) <= {0.0, *frames.FRAME_FLAGS, frames.CORRUPT_LINE}


def test_frames_are_lost_whole_and_lines_singly() -> None:
    flags = frames.draw_line_flags(np.random.default_rng(1), 1280, 5 * 32 + 7)
    by_frame = flags.reshape(40, 32)
    whole = np.isin(by_frame, frames.FRAME_FLAGS)
    assert (whole.all(axis=1) == whole.any(axis=1)).all()
    assert whole.all(axis=1).sum() == 5
    assert (flags == frames.CORRUPT_LINE).sum() == 7


@pytest.mark.parametrize("numbers", [(0, 1, 32), (10, -1, 32), (10, 1, 0)])
def test_impossible_counts_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError):
        frames.draw_line_flags(np.random.default_rng(1), *numbers)


def test_values_are_those_that_readers_know() -> None:
    for value in (frames.FILL, frames.CLOUDY, frames.CORRUPT_LINE, *frames.FRAME_FLAGS):
        assert value in known.FLAGS


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_flags_fill_all_bands_and_leave_the_rest(library: str) -> None:
    place = pytest.importorskip("torch").zeros(()) if library == "torch" else np.zeros(())
    radiance = np.random.default_rng(1).random((3, 4, 5), dtype=np.float32)
    marks = np.zeros((3, 4), np.float32)
    marks[1, 2] = frames.CLOUDY
    result = host(frames.flagged(like(radiance, place), like(marks, place)))
    assert (result[1, 2] == frames.CLOUDY).all()
    np.testing.assert_array_equal(result[marks == 0], radiance[marks == 0])


def test_frames_under_cloud_are_found_and_thin_edges_are_not() -> None:
    opacity = np.zeros((80, 10), np.float32)
    opacity[:32] = 0.7
    opacity[32:64] = 0.2
    opacity[64:, 0] = 0.7
    cloudy = frames.cloudy_frames(opacity)
    assert cloudy[:32].all()
    assert not cloudy[32:].any()
    assert frames.cloudy_pixels(opacity).sum() == 32 * 10 + 16
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(frames.cloudy_frames(like(opacity, torch.zeros(()))), cloudy)
