from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from onboard.errors import OutputError
from onboard.replay.guarded_hdf5 import GuardedHdf5


class Numbers(GuardedHdf5):
    def define(self) -> None:
        """Lay out one variable."""
        self._file.create_dataset("numbers", (8,), np.float32)

    def put(self, values: np.ndarray) -> None:
        with self.guard():
            self._file["numbers"][...] = values


def test_what_was_put_is_read_back(tmp_path: Path) -> None:
    with Numbers(tmp_path / "x.nc", 1 << 16) as file:
        file.put(np.arange(8.0))
    with h5py.File(tmp_path / "x.nc") as read:
        assert read["numbers"][...].tolist() == list(range(8))


def test_a_fault_of_the_library_is_an_output_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"x\.nc"),
        Numbers(tmp_path / "x.nc", 1 << 16) as file,
        file.guard(),
    ):
        raise RuntimeError("no room")


def test_any_other_fault_passes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Numbers(tmp_path / "x.nc", 1 << 16):
        raise KeyError("not ours")


def test_a_file_in_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="none"):
        Numbers(tmp_path / "none" / "x.nc", 1 << 16)
