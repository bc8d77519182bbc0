from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboard.errors import OutputError
from onboard.replay.run_folder import RUN_FORMAT, is_run_folder, new_run_folder, output_error, write_json


def make_run(out: Path, mark: str, *, overwrite: bool = False) -> None:
    with new_run_folder(out, overwrite=overwrite) as folder:
        (folder / "mark").write_text(mark)
        write_json(folder / "summary.json", {"format": RUN_FORMAT})


def fail_inside(out: Path) -> None:
    with new_run_folder(out, overwrite=True) as folder:
        (folder / "a").write_text("x")
        raise ValueError("inside")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk takes root")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_run_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "new" / "run"
    with new_run_folder(out) as folder:
        assert not out.exists()
        (folder / "a").write_text("x")
    assert [entry.name for entry in out.iterdir()] == ["a"]
    assert [entry.name for entry in out.parent.iterdir()] == ["run"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"):
        fail_inside(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_what_came_there_meanwhile_is_not_touched(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def write_there() -> None:
        out.mkdir()
        (out / "thesis.txt").write_text("x")

    with pytest.raises(OutputError, match="no run of ours"), new_run_folder(out):
        write_there()
    assert [entry.name for entry in out.iterdir()] == ["thesis.txt"]
    other = tmp_path / "other"
    with pytest.raises(OutputError, match="already holds a run"), new_run_folder(other):
        make_run(other, "theirs")
    assert (other / "mark").read_text() == "theirs"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other", "run"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    make_run(out, "1")
    assert is_run_folder(out)


def test_a_run_is_replaced_only_on_request(tmp_path: Path) -> None:
    out = tmp_path / "run"
    make_run(out, "1")
    with pytest.raises(OutputError, match="--overwrite"):
        make_run(out, "2")
    assert (out / "mark").read_text() == "1"
    make_run(out, "2", overwrite=True)
    assert (out / "mark").read_text() == "2"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_an_error_while_overwriting_keeps_the_old_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    make_run(out, "1")
    with pytest.raises(ValueError, match="inside"):
        fail_inside(out)
    assert (out / "mark").read_text() == "1"


@pytest.mark.parametrize("summary", [None, "{}", "not json", '{"format": "another-tool"}', "[]"])
def test_a_folder_that_is_no_run_is_never_touched(tmp_path: Path, summary: str | None) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter.txt").write_text("years of work")
    if summary is not None:
        (out / "summary.json").write_text(summary)
    with pytest.raises(OutputError, match=r"no run of ours.*chapter\.txt"):
        make_run(out, "2", overwrite=True)
    assert (out / "chapter.txt").read_text() == "years of work"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(OutputError, match="not a folder"):
        make_run(tmp_path / "run", "1", overwrite=True)


def test_a_parent_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        make_run(tmp_path / "file" / "run", "1")


def test_too_little_room_is_said_beforehand(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="no space"),
        new_run_folder(tmp_path / "run", needed_bytes=1 << 60),
    ):
        pytest.fail("must not be entered")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_leaves_nothing(small_disk: Path) -> None:
    with pytest.raises(OutputError, match="disk is full"), new_run_folder(small_disk / "run") as folder:
        write_json(folder / "summary.json", {"filler": "x" * 1_000_000})
    assert list(small_disk.iterdir()) == []


def test_json_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 2}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "x"), "disk is full"),
        (OSError("unable to write (errno = 28, error message = 'No space left on device')"), "disk is full"),
        (OSError(errno.EACCES, "x"), "Permission denied"),
        (RuntimeError("HDF5 says no"), "HDF5 says no"),
    ],
)
def test_failed_writes_are_put_into_words(error: OSError | RuntimeError, words: str) -> None:
    assert words in str(output_error(error, Path("f")))
