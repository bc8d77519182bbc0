"""Raw line streams: float32 radiance, pixel-interleaved, from a binary file or standard input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, Self

import numpy as np

from onboard.captures.blocks import LineBlock
from onboard.captures.validation import check_block, check_sizes
from onboard.errors import CaptureError, UsageError


class RawLines:
    """Lines of little-endian float32 (samples, bands), one after the other, with no header at all.

    A stream has no end known beforehand and carries no band table: the caller knows both.

    Attributes:
        name: What the stream is, for messages.
        samples: Samples of a line.
        bands: Bands of a pixel.
        lines_read: Whole lines delivered so far.
    """

    def __init__(self, stream: BinaryIO, samples: int, bands: int, name: str = "raw line stream") -> None:
        check_sizes(name, 1, samples, bands)
        self.name = name
        self.samples = samples
        self.bands = bands
        self.lines_read = 0
        self._stream = stream

    @classmethod
    def open(cls, path: Path, samples: int, bands: int) -> Self:
        """Open a file of raw lines.

        Args:
            path: The file.
            samples: Samples of a line.
            bands: Bands of a pixel.

        Raises:
            CaptureError: If the file cannot be opened.
        """
        try:
            stream = path.open("rb")
        except OSError as error:
            raise CaptureError("file cannot be opened", file=path, found=error.strerror) from error
        return cls(stream, samples, bands, str(path))

    def blocks(
        self, lines_per_block: int = 32, *, non_finite: Literal["refuse", "keep"] = "refuse"
    ) -> Iterator[LineBlock]:
        """Yield lines until the stream ends. All blocks share one buffer, as in ``Capture.blocks``.

        Args:
            lines_per_block: Lines of a block; the last block may have fewer.
            non_finite: "refuse" raises at the first NaN or infinity, "keep" leaves them in.

        Raises:
            UsageError: If ``lines_per_block`` is below 1.
            CaptureError: If the stream is empty, fails, or ends within a line.
        """
        if lines_per_block < 1:
            raise UsageError(
                "a block needs lines", field="lines_per_block", found=lines_per_block, expected=">= 1"
            )
        buffer = np.empty((lines_per_block, self.samples, self.bands), dtype="<f4")
        whole = buffer.nbytes
        while True:
            filled = self._fill(buffer.data.cast("B"))
            lines = self._whole_lines(filled)
            if lines:
                radiance = buffer[:lines].astype(np.float32, copy=False)
                check_block(radiance, self.name, first_line=self.lines_read, mask=non_finite == "keep")
                self.lines_read += lines
                yield LineBlock(self.lines_read - lines, radiance)
            if filled < whole:
                return

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _fill(self, view: memoryview) -> int:
        """Read until the buffer is full or the stream ends; a pipe delivers in pieces."""
        filled = 0
        while filled < len(view):
            try:
                piece = self._stream.read(len(view) - filled)
            except OSError as error:
                raise CaptureError("stream cannot be read", file=self.name, found=error.strerror) from error
            if not piece:
                break
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled

    def _whole_lines(self, filled: int) -> int:
        """Lines in the buffer; refuses an empty stream and a line that was cut off."""
        line_bytes = self.samples * self.bands * 4
        lines, rest = divmod(filled, line_bytes)
        if rest or (not lines and not self.lines_read):
            raise CaptureError(
                "stream ends within a line" if rest else "stream holds no line",
                file=self.name,
                field=f"line {self.lines_read + lines} (counted from 0)",
                found=f"{rest} bytes",
                expected=f"{line_bytes} bytes = {self.samples} samples x {self.bands} bands x 4",
                remedy="check samples and bands, and that the sender finished",
            )
        return lines
