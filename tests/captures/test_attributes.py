from __future__ import annotations

import contextlib
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from onboard.captures import open_capture
from onboard.captures.attributes import text_attribute
from onboard.errors import CaptureError
from tests.captures.files import write_l1b


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.bytes_("nm"), "nm"),
        ("nm", "nm"),
        ([np.bytes_("nm")], "nm"),
        (["nm"], "nm"),
        ("µm", "µm"),
        (5.0, None),
        ([1, 2], None),
        (np.zeros(0, "S3"), None),
    ],
)
def test_text_however_it_is_stored(tmp_path: Path, value: object, text: str | None) -> None:
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.create_dataset("radiance", (1,), "f4").attrs["units"] = value
    with h5py.File(tmp_path / "a.nc") as file:
        assert text_attribute(file["radiance"], "units") == text
        assert text_attribute(file["radiance"], "other") is None


def test_very_long_text_is_cut(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.attrs["history"] = np.bytes_("x" * 30_000)
        assert len(text_attribute(file, "history") or "") == 20_000


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write_l1b(tmp_path / "a.nc", text=str)
    with open_capture(path):
        pass
    with h5py.File(path, "r+") as file:
        file["radiance"].attrs["units"] = "counts"
    with pytest.raises(CaptureError, match="counts"):
        open_capture(path)


def test_damaged_texts_of_variable_length_do_no_harm(tmp_path: Path) -> None:
    path = write_l1b(tmp_path / "a.nc", text=str)
    data = path.read_bytes()
    heap = data.index(b"GCOL")
    chance = random.Random(3)
    for _ in range(4):
        damaged = bytearray(data)
        for _ in range(40):
            damaged[heap + chance.randrange(400)] ^= chance.randrange(1, 256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(CaptureError), open_capture(path) as capture:
            assert capture.lines == 7
