"""A run folder that appears whole or not at all, and never replaces what is not a run."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from onboard.errors import OutputError

RUN_FORMAT = "onboard-run-1"
SUMMARY = "summary.json"
PRODUCTS = "products.nc"
DENOISED = "denoised.nc"
EVENTS = "events.geojson"
EVALUATION = "evaluation.json"
QUICKLOOKS = "quicklook"


@contextmanager
def new_run_folder(out: Path, *, overwrite: bool = False, needed_bytes: int = 0) -> Iterator[Path]:
    """Give a folder beside ``out`` to write to; it becomes ``out`` when the block ends well.

    Args:
        out: Where the run is to lie.
        overwrite: Replace a run that lies there.
        needed_bytes: Room that the run takes at most, checked beforehand.

    Yields:
        The folder to write to, ``<out>.partial-<pid>``; it is removed if the block raises.

    Raises:
        OutputError: ``out`` exists and may not be replaced, cannot be written, or the disk is full.
    """
    out = out.resolve()
    check_replaceable(out, overwrite=overwrite)
    partial = out.with_name(f"{out.name}.partial-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if partial.is_dir():
            shutil.rmtree(partial)  # left by a killed process whose number we have now
        partial.mkdir()
    except OSError as error:
        raise output_error(error, partial) from error
    try:
        _check_room(partial, needed_bytes)
        yield partial
        # What came there meanwhile is not ours to remove.
        check_replaceable(out, overwrite=overwrite)
        _put_in_place(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_replaceable(out: Path, *, overwrite: bool) -> None:
    """Refuse an output folder that may not be taken.

    Raises:
        OutputError: It holds a run and ``overwrite`` is not set, or something that is no run.
    """
    if not out.exists() or _is_empty_folder(out):
        return
    if not out.is_dir():
        raise OutputError(
            "the output is not a folder",
            file=out,
            found="a file",
            expected="a folder name that is free",
            remedy="choose another --out",
        )
    if not is_run_folder(out):
        raise OutputError(
            "the output folder holds files that are no run of ours; they are not touched",
            file=out,
            found=", ".join(sorted(entry.name for entry in out.iterdir())[:5]),
            expected=f"no folder, an empty one, or an earlier run with its {SUMMARY}",
            remedy="choose another --out",
        )
    if not overwrite:
        raise OutputError(
            "the output folder already holds a run",
            file=out,
            found=SUMMARY,
            expected="a folder name that is free",
            remedy="choose another --out, or give --overwrite to replace the run",
        )


def is_run_folder(folder: Path) -> bool:
    """True if ``folder`` holds a summary that this program wrote."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and summary.get("format") == RUN_FORMAT


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise output_error(error, path) from error


def output_error(error: OSError | RuntimeError, path: Path) -> OutputError:
    """Put a failed write into words.

    Args:
        error: What the system or the HDF5 library raised.
        path: What was being written.
    """
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text or "quota exceeded" in text:
        return OutputError(
            "the disk is full; nothing was left behind",
            file=path,
            found="no space left on device",
            expected="room for the run folder",
            remedy="free space, or choose an --out on another disk",
        )
    return OutputError(
        "the output cannot be written",
        file=path,
        found=os.strerror(number) if number else text,
        expected="a folder that this user may write to",
        remedy="choose another --out, or correct its permissions",
    )


def _is_empty_folder(out: Path) -> bool:
    try:
        return out.is_dir() and not any(out.iterdir())
    except OSError as error:
        raise output_error(error, out) from error


def _check_room(folder: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OutputError(
            "the disk is too full for this run; nothing was left behind",
            file=folder,
            found=f"{free / 1e6:.1f} MB free, no space left on device for the run",
            expected=f"at least {needed_bytes / 1e6:.1f} MB",
            remedy="free space, or choose an --out on another disk",
        )


def _put_in_place(partial: Path, out: Path) -> None:
    old = out.with_name(f"{out.name}.old-{os.getpid()}")
    moved = False
    try:
        if out.exists() and not _is_empty_folder(out):
            out.replace(old)
            moved = True
        partial.replace(out)
    except OSError as error:
        if moved:
            old.replace(out)
        raise output_error(error, out) from error
    if moved:
        shutil.rmtree(old, ignore_errors=True)
