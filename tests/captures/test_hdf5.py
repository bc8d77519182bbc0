from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from onboard.captures.hdf5 import find_dataset, open_hdf5
from onboard.errors import CaptureError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        file["group/values"] = np.arange(3)
        file["soft"] = h5py.SoftLink("/group/values")
        file["broken"] = h5py.SoftLink("/nowhere")
        file["outside"] = h5py.ExternalLink("other.nc", "/values")
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource("other.nc", "values", (3,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("kept_outside", (3,), "i8", external=[("other.bin", 0, 24)])
    return path


def test_data_within_the_file_are_found(path: Path) -> None:
    with open_hdf5(path) as file:
        for name in ("group/values", "soft"):
            found = find_dataset(file, name, path)
            assert found is not None
            assert list(found[()]) == [0, 1, 2]
        assert find_dataset(file, "absent", path) is None
        assert find_dataset(file, "group/absent", path) is None
        assert find_dataset(file, "group/values/deeper", path) is None


@pytest.mark.parametrize("name", ["group", "broken", "outside", "virtual", "kept_outside"])
def test_anything_else_is_refused_by_name(path: Path, name: str) -> None:
    with open_hdf5(path) as file, pytest.raises(CaptureError, match=rf"a\.nc.*{name}"):
        find_dataset(file, name, path)


def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(b"text")
    for name in ("a.nc", "none.nc"):
        with pytest.raises(CaptureError, match="remedy"):
            open_hdf5(tmp_path / name)
