"""What every capture offers: its sizes, its band table, and its lines in blocks of constant memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from onboard.captures.flags import is_flag
from onboard.captures.location import Location
from onboard.captures.validation import check_block, check_sizes, no_valid_pixel
from onboard.errors import CaptureError, UsageError

Radiance = npt.NDArray[np.float32]
Table = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LineBlock:
    """Some consecutive lines of a capture.

    Attributes:
        first_line: Index of the first line in the capture, from 0.
        radiance: float32 (lines, samples, bands), C-contiguous, uW cm-2 sr-1 nm-1 or a flag value.
            It lies in a buffer that the next block reuses: copy what must outlive the iteration.
    """

    first_line: int
    radiance: Radiance


class Capture(ABC):
    """An open capture; a context manager. Made by ``onboard.captures.open_capture``.

    Attributes:
        path: The file as it was given.
        format: "emit-l1b" or "envi".
        lines: Number of lines (downtrack).
        samples: Number of samples in a line (crosstrack).
        bands: Number of bands.
        centres: Band centres, float64 (bands,), nm, in the file's order.
        fwhm: Full widths at half maximum, float64 (bands,), nm.
        granule: Name of the granule.
        time_coverage: Start and end of the acquisition as the file gives them, or None.
        pixel_size_m: Ground sampling distance in metres, or None where the file does not tell.
        size_bytes: Size of the data on disk.
    """

    format: str = ""

    def __init__(self, path: Path, shape: tuple[int, int, int], centres: Table, fwhm: Table) -> None:
        check_sizes(path, *shape)
        self.path = path
        self.lines, self.samples, self.bands = shape
        self.centres = centres
        self.fwhm = fwhm
        self.granule = path.stem
        self.time_coverage: tuple[str, str] | None = None
        self.pixel_size_m: float | None = None
        self.size_bytes = 0

    @abstractmethod
    def _read_lines(self, first: int, out: Radiance) -> None:
        """Fill ``out`` (lines, samples, bands) with the lines from ``first`` on; may raise CaptureError."""

    @abstractmethod
    def close(self) -> None:
        """Close the file. Closing twice does no harm."""

    def location(self) -> Location | None:
        """Where each pixel lies, or None if the capture does not tell; read from the file when used."""
        return None

    def read_lines(self, first: int, count: int) -> Radiance:
        """Read some lines into a new array.

        Args:
            first: Index of the first line, from 0.
            count: Number of lines.

        Returns:
            float32 (count, samples, bands), uW cm-2 sr-1 nm-1.

        Raises:
            UsageError: If the capture has no such lines.
            CaptureError: If the file cannot be read there.
        """
        if first < 0 or count < 1 or first + count > self.lines:
            raise UsageError(
                "no such lines",
                file=self.path,
                field="lines",
                found=f"{first} to {first + count - 1}",
                expected=f"within 0 to {self.lines - 1}",
            )
        out = np.empty((count, self.samples, self.bands), dtype=np.float32)
        self._read_lines(first, out)
        return out

    def blocks(
        self,
        lines_per_block: int = 32,
        *,
        non_finite: Literal["refuse", "keep"] = "refuse",
        require_data: bool = True,
    ) -> Iterator[LineBlock]:
        """Yield the capture's lines in order, in constant memory.

        All blocks share one buffer of ``lines_per_block`` lines: a block is valid until the next one
        is asked for.

        Args:
            lines_per_block: Lines of a block; the last block may have fewer.
            non_finite: "refuse" raises at the first NaN or infinity, "keep" leaves them in.
            require_data: Raise after the last line if no pixel held any radiance.

        Yields:
            The blocks.

        Raises:
            UsageError: If ``lines_per_block`` is below 1.
            CaptureError: If the file cannot be read, or breaks the rules above.
        """
        if lines_per_block < 1:
            raise UsageError(
                "a block needs lines", field="lines_per_block", found=lines_per_block, expected=">= 1"
            )
        buffer = np.empty((min(lines_per_block, self.lines), self.samples, self.bands), dtype=np.float32)
        seen_data = not require_data
        for first in range(0, self.lines, lines_per_block):
            radiance = buffer[: min(lines_per_block, self.lines - first)]
            self._read_lines(first, radiance)
            check_block(radiance, self.path, first_line=first, mask=non_finite == "keep")
            seen_data = seen_data or has_data(radiance)
            yield LineBlock(first, radiance)
        if not seen_data:
            raise no_valid_pixel(self.path, self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def has_data(radiance: Radiance) -> bool:
    """Whether any pixel holds a finite value that is no flag.

    Args:
        radiance: float32 (lines, samples, bands).
    """
    return any(bool((np.isfinite(line) & ~is_flag(line)).any()) for line in radiance)


def read_error(path: Path, first: int, count: int, error: Exception) -> CaptureError:
    """The error for lines that the file promises and cannot deliver."""
    return CaptureError(
        "radiance cannot be read: the file is damaged or cut short",
        file=path,
        field=f"radiance, lines {first} to {first + count - 1}",
        found=str(error)[:200] or type(error).__name__,
        expected="readable data",
        remedy="get the capture again and compare its size and checksum with the archive's",
    )
