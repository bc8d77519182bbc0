from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from onboard.errors import OutputError
from onboard.replay.guarded_file import GuardedFile


def test_hdf5_writes_the_same_through_it(tmp_path: Path) -> None:
    data = np.random.default_rng(0).random((100, 50))
    disk = GuardedFile(tmp_path / "a.h5", reserve=10_000_000)
    with h5py.File(disk, "w") as file:
        file.create_dataset("a", data=data, chunks=(10, 50))
    disk.close()
    disk.check()
    assert (tmp_path / "a.h5").stat().st_size < 60_000
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["a"][...], data)


def test_room_is_really_set_aside(tmp_path: Path) -> None:
    disk = GuardedFile(tmp_path / "a", reserve=1_000_000)
    assert (tmp_path / "a").stat().st_blocks * 512 >= 1_000_000
    disk.close()
    assert (tmp_path / "a").stat().st_size == 0


def test_a_full_disk_is_named_at_once(tmp_path: Path) -> None:
    with (
        patch("os.posix_fallocate", side_effect=OSError(errno.ENOSPC, "full")),
        pytest.raises(OutputError, match="disk is full"),
    ):
        GuardedFile(tmp_path / "a", reserve=1)


def test_a_disk_that_cannot_reserve_is_used_all_the_same(tmp_path: Path) -> None:
    with patch("os.posix_fallocate", side_effect=OSError(errno.EOPNOTSUPP, "no")):
        GuardedFile(tmp_path / "a", reserve=1).close()
    assert (tmp_path / "a").exists()


def test_a_failed_write_is_hidden_from_the_caller_and_raised_by_check(tmp_path: Path) -> None:
    disk = GuardedFile(tmp_path / "a")
    with patch("os.pwrite", side_effect=OSError(errno.ENOSPC, "full")):
        assert disk.write(memoryview(b"abc")) == 3
    with pytest.raises(OutputError, match="disk is full"):
        disk.check()
    disk.close()


def test_it_behaves_like_a_file(tmp_path: Path) -> None:
    disk = GuardedFile(tmp_path / "a", reserve=4096)
    disk.write(memoryview(b"0123456789"))
    assert disk.seek(0, os.SEEK_END) == 10
    assert disk.seek(-4, os.SEEK_CUR) == 6
    buffer = bytearray(b"......")
    disk.readinto(memoryview(buffer))
    assert bytes(buffer) == b"6789\0\0"
    disk.truncate(5)
    disk.close()
    disk.close()
    assert (tmp_path / "a").read_bytes() == b"01234"
