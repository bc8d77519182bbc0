from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import CaptureError
from onboard.scenes.spectra import text_files as module
from onboard.scenes.spectra.text_files import columns, read_lines, text_files


def test_text_files_are_found_in_order_below_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.txt", "sub/a.asc", "c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [f.name for f in text_files(tmp_path)] == ["b.txt", "a.asc"]
    assert text_files(tmp_path / "c.csv") == [tmp_path / "c.csv"]
    monkeypatch.setattr(module, "MOST_FILES", 1)
    with pytest.raises(CaptureError, match="too many"):
        text_files(tmp_path)


def test_what_is_no_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\xe4 1\r\n2".encode("latin-1"))
    assert read_lines(path) == ["ä 1", "2"]
    path.write_bytes(b"a\0b")
    with pytest.raises(CaptureError, match="zero bytes"):
        read_lines(path)
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    path.write_bytes(b"a" * 11)
    with pytest.raises(CaptureError, match="over 10 bytes"):
        read_lines(path)
    with pytest.raises(CaptureError, match="cannot be read"):
        read_lines(tmp_path / "none.txt")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=6), st.integers(1, 3))
def test_lines_are_numbers_or_refused(lines: list[str], count: int) -> None:
    try:
        found = columns(Path("x"), lines, 0, count)
    except CaptureError:
        return
    assert found.shape[1] == count
    assert np.all(np.isfinite(found))


def test_columns_beyond_those_asked_for_are_passed_over() -> None:
    np.testing.assert_array_equal(columns(Path("x"), ["head", "1 2 3", "", "4 5"], 1, 2), [[1, 2], [4, 5]])
