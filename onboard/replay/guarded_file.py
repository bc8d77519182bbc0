"""A file for HDF5 whose failed writes reach us as Python errors, and never the HDF5 library.

HDF5 keeps half-open handles after a failed write, and has been seen to crash while dropping them
(1.14, signal 11 at exit on a full disk). So room is reserved before it starts, and should a write fail
all the same, it is remembered here and hidden from the library, whose file is thrown away anyway.
"""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

from onboard.replay.run_folder import output_error

NO_RESERVATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class GuardedFile(io.RawIOBase):
    """A new binary file, for h5py's ``fileobj`` driver.

    Args:
        path: Where to create it; an existing file is emptied.
        reserve: Bytes set aside on the disk; what is not used is given back by ``close``.

    Raises:
        OutputError: It cannot be created, or the disk has no such room.
    """

    def __init__(self, path: Path, reserve: int = 0) -> None:
        super().__init__()
        self.path = path
        self.error: OSError | None = None
        self._at = 0
        self._size = 0
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
            self._reserve(reserve)
        except OSError as error:
            self.close()
            raise output_error(error, path) from error

    def check(self) -> None:
        """Raise what went wrong since the file was opened.

        Raises:
            OutputError: A write failed.
        """
        if self.error is not None:
            raise output_error(self.error, self.path) from self.error

    def readable(self) -> bool:
        """True: HDF5 reads back what it wrote."""
        return True

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next read or write goes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; the end is that of the bytes written, not of those reserved."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill ``buffer``; what was never written reads as zeros, as HDF5 expects of its driver."""
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._size - self._at))
        got = os.preadv(self._fd, [view[:count]], self._at) if count else 0
        view[got:] = bytes(len(view) - got)
        self._at += len(view)
        return len(view)

    def write(self, data: memoryview, /) -> int:  # type: ignore[override]
        """Write all of ``data``; always tells the caller that it went well (see ``check``)."""
        view = memoryview(data).cast("B")
        done = 0
        try:
            while self.error is None and done < len(view):
                done += os.pwrite(self._fd, view[done:], self._at + done)
        except OSError as error:
            self.error = error
        self._at += len(view)
        self._size = max(self._size, self._at)
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the size; the disk follows when the file is closed."""
        self._size = self._at if size is None else size
        return self._size

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """Give back the room that was not used, and close."""
        if self.closed or self._fd < 0:
            super().close()
            return
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            self.error = self.error or error
        finally:
            os.close(self._fd)
            self._fd = -1
            super().close()

    def _reserve(self, size: int) -> None:
        if size <= 0 or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._fd, 0, size)
        except OSError as error:
            if error.errno not in NO_RESERVATION:
                raise
