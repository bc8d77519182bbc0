from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboard.captures import open_capture
from onboard.errors import CaptureError
from tests.captures.files import cube, write_envi, write_l1b


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    with open_capture(write_l1b(tmp_path / "capture.bin")) as capture:
        assert capture.format == "emit-l1b"
    with open_capture(str(write_envi(tmp_path, cube()))) as capture:
        assert capture.format == "envi"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("none.nc", None, "cannot be opened"),
        ("nul\0.nc", None, "cannot be opened"),
        ("empty.nc", b"", "an empty file"),
        ("empty.img", b"", "an empty file"),
        ("empty.hdr", b"", "no ENVI header"),
        ("page.nc", b"<html>login</html>", "<html>lo"),
        ("old.nc", b"CDF\x01" + b"\0" * 40, "netCDF-3"),
        ("half.nc", b"\x89HDF\r\n\x1a\n" + b"\0" * 3, "remedy"),
        ("picture.tif", b"II*\0" + b"\0" * 40, "no ENVI header beside it"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, name: str, content: bytes | None, word: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    assert word in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="a folder"):
        open_capture(tmp_path)


# The same damage each time: what a C library makes of another is for a fuzzer to find, not for this suite.
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=20))
def test_damaged_netcdf_opens_or_is_refused(tmp_path: Path, places: list[tuple[float, int]]) -> None:
    data = bytearray(write_l1b(tmp_path / "a.nc").read_bytes())
    for place, change in places:
        data[int(place * (len(data) - 1))] ^= change
    path = tmp_path / "b.nc"
    path.write_bytes(bytes(data))
    try:
        with open_capture(path) as capture:
            for block in capture.blocks(3):
                assert block.radiance.shape[2] == capture.bands
            location = capture.location()
            if location is not None:
                assert location.lon.shape == (capture.lines, capture.samples)
    except CaptureError:
        pass
