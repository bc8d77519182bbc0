"""A netCDF-4 file that is written strip by strip, and thrown away if anything fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py

from onboard.replay.guarded_file import GuardedFile
from onboard.replay.run_folder import output_error


class GuardedHdf5:
    """Base of writers: opens the file with room reserved, lets ``define`` lay it out, closes it.

    Args:
        path: The file.
        reserve: Bytes set aside on the disk.

    Raises:
        OutputError: The file cannot be written (also from every method).
    """

    def __init__(self, path: Path, reserve: int) -> None:
        self.path = path
        self._disk = GuardedFile(path, reserve)
        with self.guard():
            self._file = h5py.File(self._disk, "w", libver=("earliest", "v110"), track_order=True)
        try:
            with self.guard():
                self.define()
        except BaseException:
            self._abandon()
            raise

    def define(self) -> None:
        """Lay out the new file: attributes, dimensions, variables."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._abandon()
            return
        with self.guard():
            self._file.close()
            self._disk.close()

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Turn what goes wrong with the file inside into ``OutputError``."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            self._disk.check()
            raise output_error(error, self.path) from error
        self._disk.check()

    def _abandon(self) -> None:
        # The file is thrown away: what closing it says of a full disk has been said before.
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            self._file.close()
        self._disk.close()
