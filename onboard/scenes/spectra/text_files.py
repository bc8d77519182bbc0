"""Small text files of a library: found, read with limits, and their numbers checked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from onboard.errors import CaptureError
from onboard.scenes.response import Float64

MOST_FILES = 50_000
MOST_BYTES = 4 * 2**20


def text_files(path: Path) -> list[Path]:
    """Return a text file, or the ``.txt`` and ``.asc`` files below a folder in order of their names.

    Raises:
        CaptureError: the path cannot be read, or holds too many files for a library.
    """
    if not path.is_dir():
        return [path]
    try:
        found = sorted(item for item in path.rglob("*") if item.suffix.lower() in (".txt", ".asc"))
    except OSError as error:
        raise CaptureError("a folder of spectra cannot be read", file=path, found=str(error)) from error
    if len(found) > MOST_FILES:
        raise CaptureError(
            "a folder holds too many text files for a spectral library",
            file=path,
            found=len(found),
            expected=f"at most {MOST_FILES}",
        )
    return found


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, Latin-1, as old libraries are written.

    Raises:
        CaptureError: the file cannot be read, is too large for a spectrum, or holds zero bytes.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CaptureError("a spectrum cannot be read", file=path, found=str(error)) from error
    if len(raw) > MOST_BYTES or b"\0" in raw:
        raise CaptureError(
            "a file of a spectral library is no text of a spectrum",
            file=path,
            found="zero bytes" if b"\0" in raw else f"over {MOST_BYTES} bytes",
            expected=f"text of at most {MOST_BYTES} bytes",
        )
    return raw.decode("latin-1").splitlines()


def columns(path: Path, lines: list[str], first: int, count: int) -> Float64:
    """Return the numbers (rows, count) of lines from ``first`` on; empty lines are passed over.

    Raises:
        CaptureError: a line without ``count`` numbers, or no line at all.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(lines[first:], first + 1):
        parts = line.split()
        if not parts:
            continue
        try:
            if len(parts) < count:
                raise ValueError("too few")
            row = [float(text) for text in parts[:count]]
            if not all(map(math.isfinite, row)):
                raise ValueError("not finite")
            rows.append(row)
        except ValueError:
            raise CaptureError(
                "a spectrum holds a line that is not its numbers",
                file=path,
                field=f"line {number}",
                found=line[:60],
                expected=f"{count} finite numbers",
            ) from None
    if not rows:
        raise CaptureError("a spectrum holds no numbers", file=path, found="none", expected=f"{count} a line")
    return np.array(rows)
