from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from onboard.errors import OutputError
from onboard.scenes.outputs import whole_files


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def write(paths: list[Path], **options: object) -> None:
    with whole_files(paths, **{"overwrite": False, **options}) as parts:  # type: ignore[arg-type]
        for part in parts:
            part.touch()
            part.write_text("new")


def test_outputs_appear_together_in_a_new_folder(tmp_path: Path) -> None:
    paths = [tmp_path / "new/a.truth.nc", tmp_path / "new/a.nc"]
    write(paths, needs_bytes=1000)
    assert leftovers(tmp_path / "new") == ["a.nc", "a.truth.nc"]


def test_nothing_is_replaced_without_leave(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_text("old")
    with pytest.raises(OutputError, match="--overwrite") as caught:
        write([path])
    assert caught.value.exit_code == 3
    assert path.read_text() == "old"
    write([path], overwrite=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "no space"), RuntimeError("HDF5 cannot close"), ValueError()]
)
def test_a_failure_leaves_nothing_and_keeps_the_old(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a.nc"
    path.write_text("old")
    expected = ValueError if isinstance(error, ValueError) else OutputError
    with patch.object(Path, "write_text", side_effect=error), pytest.raises(expected):
        write([path], overwrite=True)
    assert leftovers(tmp_path) == ["a.nc"]
    assert path.read_text() == "old"


def test_too_little_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too full") as caught:
        write([tmp_path / "a.nc"], needs_bytes=1 << 60)
    assert caught.value.field == "free space"
    assert leftovers(tmp_path) == []


def test_a_quota_shows_when_room_is_reserved(tmp_path: Path) -> None:
    full = OSError(errno.EDQUOT, "quota exceeded")
    with patch("os.posix_fallocate", side_effect=full), pytest.raises(OutputError, match="quota"):
        write([tmp_path / "a.nc"], needs_bytes=100)
    assert leftovers(tmp_path) == []
    with patch("os.posix_fallocate", side_effect=OSError(errno.EOPNOTSUPP, "no")):
        write([tmp_path / "a.nc"], needs_bytes=100)
    assert leftovers(tmp_path) == ["a.nc"]


def test_a_folder_in_the_way_or_a_file_for_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nc").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write([tmp_path / "a.nc"], overwrite=True)
    (tmp_path / "b").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write([tmp_path / "b/c.nc"])


@pytest.mark.parametrize("by_permission", [True, False])
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path, by_permission: bool) -> None:
    # Root may write anywhere, so the answer of the system is put in its mouth.
    if by_permission:
        trick = patch.object(os, "access", return_value=False)
    else:
        trick = patch.object(Path, "mkdir", side_effect=PermissionError(errno.EACCES, "denied"))
    with trick, pytest.raises(OutputError, match=str(tmp_path)):
        write([tmp_path / "a.nc"])
    assert leftovers(tmp_path) == []
