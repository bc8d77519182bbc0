"""Outputs that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from onboard.errors import OutputError

PART = ".part"
NO_RESERVATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@contextmanager
def whole_files(paths: Sequence[Path], *, overwrite: bool, needs_bytes: int = 0) -> Iterator[list[Path]]:
    """Give temporary siblings to write to; rename them to ``paths`` if all went well.

    The last of ``paths`` appears last, so that it never stands there without its companions.

    Args:
        paths: The outputs.
        overwrite: Whether to replace what lies there.
        needs_bytes: Room that is asked for on the disk before anything is written.

    Yields:
        The temporary paths, in order.

    Raises:
        OutputError: If an output exists and may not be replaced, its folder cannot be made or written, or
            the disk is full. Nothing is left behind then.
    """
    parts = [path.with_name(f".{path.name}.{os.getpid()}{PART}") for path in paths]
    try:
        for path in paths:
            _prepare(path, overwrite)
        _room(parts[-1], needs_bytes)
        yield parts
        for part, path in zip(parts, paths, strict=True):
            part.replace(path)
    except (OSError, RuntimeError) as error:
        # HDF5 reports a full disk as OSError while it writes and as RuntimeError while it closes.
        raise OutputError(
            "an output cannot be written",
            file=paths[-1],
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="check the folder's permissions and the free space, or name another place",
        ) from error
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _prepare(path: Path, overwrite: bool) -> None:
    """Make the folder, and refuse to replace without leave."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise OutputError("an output is a folder", file=path, remedy="name a file, or remove the folder")
    if path.exists() and not overwrite:
        raise OutputError(
            "an output exists already", file=path, remedy="give --overwrite, or name another place"
        )
    if not os.access(path.parent, os.W_OK):
        raise OutputError(
            "a folder cannot be written", file=path.parent, remedy="name a folder that you may write to"
        )


def _room(part: Path, needs_bytes: int) -> None:
    """Refuse to begin what cannot end: HDF5 has been seen to crash on a full disk."""
    folder = part.parent
    free = shutil.disk_usage(folder).free
    if free >= needs_bytes:
        _try_out(part, needs_bytes)
    else:
        raise OutputError(
            "the disk is too full",
            file=folder,
            field="free space",
            found=f"{free / 1e6:.0f} MB",
            expected=f"{needs_bytes / 1e6:.0f} MB",
            remedy="free space, or name a place on another disk",
        )


def _try_out(part: Path, needs_bytes: int) -> None:
    """Have the disk set the room aside for a moment; quotas and limits show only so."""
    with part.open("wb") as file:
        if needs_bytes > 0 and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, needs_bytes)
            except OSError as error:
                if error.errno not in NO_RESERVATION:
                    raise
    part.unlink()
