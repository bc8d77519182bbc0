from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.captures.envi_header import MAX_FIELDS, MAX_HEADER_BYTES, parse_header, read_header
from onboard.errors import CaptureError

PATH = Path("scene.hdr")
GOOD = """ENVI
description = {
  spread over
  lines }
Samples = 3
LINES = 4
bands   = 2
data type = 4
interleave = BIL
byte order = 0
wavelength  units = Micrometers
wavelength = {0.4,
  0.5}
fwhm = { 0.01 0.01 }
; a comment
data ignore value = -9999
"""


def parse(text: str) -> object:
    return parse_header(text.encode(), PATH)


def test_a_good_header_is_read() -> None:
    header = parse_header(GOOD.encode(), PATH)
    assert (header.samples, header.lines, header.bands, header.offset) == (3, 4, 2, 0)
    assert header.dtype == np.dtype("<f4")
    assert header.interleave == "bil"
    assert header.data_bytes == 96
    np.testing.assert_array_equal(header.wavelengths, [0.4, 0.5])
    np.testing.assert_array_equal(header.fwhm, [0.01, 0.01])
    assert header.wavelength_units == "Micrometers"
    assert header.gains is None
    assert header.ignore_value == -9999.0
    assert header.fields["description"].split() == ["spread", "over", "lines"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_byte_order_mark(ending: str) -> None:
    data = ("\ufeff" + GOOD.replace("\n", ending)).encode()
    assert parse_header(data, PATH).bands == 2


@pytest.mark.parametrize(
    ("marks", "good", "word"),
    [
        ("1, 0", [True, False], ""),
        ("1, 2", [True, True], ""),
        ("0, 0", [True, True], ""),
        ("1, 1, 0", [True, True], "3 numbers"),
        ("1, nan", [True, True], "not finite"),
        ("1, x", [True, True], "ignored"),
    ],
)
def test_bad_bands_are_known_and_nonsense_is_ignored(
    marks: str, good: list[bool], word: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = parse_header(f"{GOOD}\nbbl = {{{marks}}}\n".encode(), PATH).good
    assert found.tolist() == good
    assert word in caplog.text
    assert bool(caplog.text) == bool(word)


def test_byte_order_applies_to_the_type() -> None:
    text = GOOD.replace("byte order = 0", "byte order = 1").replace("data type = 4", "data type = 12")
    assert parse_header(text.encode(), PATH).dtype == np.dtype(">u2")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("ENVI", "ENVY", "no ENVI header"),
        ("Samples = 3", "", "samples"),
        ("Samples = 3", "Samples = 0", "samples"),
        ("Samples = 3", "Samples = -3", "samples"),
        ("Samples = 3", "Samples = 3.5", "'3.5'"),
        ("Samples = 3", "Samples = " + "9" * 5000, "samples"),
        ("Samples = 3", "Samples = ٣", "samples"),
        ("LINES = 4", "LINES = 99999999999", "lines"),
        ("bands   = 2", "bands = 5000", "bands"),
        ("bands   = 2", "bands = 3", "2 numbers"),
        ("bands   = 2", "bands = 2\nbands = 4", "twice"),
        ("data type = 4", "data type = 6", "data type"),
        ("interleave = BIL", "interleave = bib", "bil or bip or bsq"),
        ("byte order = 0", "byte order = 2", "byte order"),
        ("byte order = 0", "byte order = 0\nheader offset = -1", "header offset"),
        ("  0.5}", "  0.5", "wavelength"),
        ("{ 0.01 0.01 }", "{ 0.01 0.01 ", "within braces"),
        ("{ 0.01 0.01 }", "{ 0.01 wide }", "fwhm"),
        ("ignore value = -9999", "ignore value = none", "'none'"),
        ("ignore value = -9999", "ignore value = inf", "finite"),
        ("; a comment", "data gain values = {1, nan}", "not finite"),
        ("; a comment", "data gain values = {1}", "1 numbers"),
    ],
)
def test_a_bad_header_is_refused_by_field(old: str, new: str, word: str) -> None:
    assert old in GOOD
    with pytest.raises(CaptureError, match=r"scene\.hdr") as caught:
        parse(GOOD.replace(old, new))
    assert word in str(caught.value)
    assert len(str(caught.value)) < 600


def test_too_large_or_too_many_fields() -> None:
    with pytest.raises(CaptureError, match="too large"):
        parse_header(b"ENVI\n" + b"x" * MAX_HEADER_BYTES, PATH)
    many = "".join(f"key{i} = 1\n" for i in range(MAX_FIELDS + 1))
    with pytest.raises(CaptureError, match="too many"):
        parse("ENVI\n" + many)


def test_unreadable_header(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        read_header(tmp_path / "none.hdr")


@given(st.binary(max_size=400))
def test_any_bytes_give_a_capture_error(data: bytes) -> None:
    for prefix in (b"", b"ENVI\n"):
        with pytest.raises(CaptureError):
            parse_header(prefix + data, PATH)


@given(st.data())
def test_any_damage_gives_a_header_or_a_capture_error(data: st.DataObject) -> None:
    text = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.integers(0, 12))
        text[place : place + drop] = data.draw(st.binary(max_size=12))
    try:
        header = parse_header(bytes(text), PATH)
    except CaptureError:
        return
    assert header.lines >= 1
    assert header.dtype.itemsize in (1, 2, 4, 8)
    assert header.wavelengths is None or header.wavelengths.shape == (header.bands,)
