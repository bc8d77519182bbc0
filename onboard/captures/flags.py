"""Flag values that stand in for radiance, and how many pixels carry which.

Source: EMIT L1B RAD product user guide; -9999 is also the `_FillValue` of the netCDF variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

NO_DATA = -9999.0
MISSING_FRAME = -9998.0
CORRUPT_FRAME = -9997.0
CORRUPT_LINE = -9996.0
CLOUDY = -9990.0

FLAGS: dict[float, str] = {
    NO_DATA: "no data",
    CLOUDY: "cloudy",
    MISSING_FRAME: "missing frame",
    CORRUPT_FRAME: "corrupt frame",
    CORRUPT_LINE: "corrupt line",
}
UNKNOWN_FLAG = "unknown flag"

# Radiance noise reaches a little below zero, never to here.
FLAG_CEILING = -9990.0


def is_flag(radiance: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Where a value is a flag and no radiance.

    Args:
        radiance: Any shape, uW cm-2 sr-1 nm-1.

    Returns:
        Booleans of the same shape. NaN is not a flag.
    """
    flagged: npt.NDArray[np.bool_] = radiance <= FLAG_CEILING
    return flagged


@dataclass
class FlagCounts:
    """Pixels seen, by what they hold.

    Attributes:
        valid: Pixels without any flag or non-finite value.
        flagged: Pixels flagged in all bands, by the flag's name.
        partly_flagged: Pixels flagged in some bands only.
        non_finite: Pixels with a NaN or infinity in some band.
    """

    valid: int = 0
    flagged: dict[str, int] = field(default_factory=dict)
    partly_flagged: int = 0
    non_finite: int = 0

    def add(self, radiance: npt.NDArray[np.float32]) -> None:
        """Count the pixels of a block.

        Args:
            radiance: float32 (lines, samples, bands).
        """
        # Line by line, so that the booleans stay small whatever the block.
        for line in radiance:
            self._add_line(line)

    def _add_line(self, line: npt.NDArray[np.float32]) -> None:
        lowest, highest = line.min(axis=-1), line.max(axis=-1)
        finite = np.isfinite(lowest) & np.isfinite(highest)
        some = finite & is_flag(lowest)
        whole = some & is_flag(highest)
        self.non_finite += int((~finite).sum())
        self.partly_flagged += int((some & ~whole).sum())
        self.valid += int((finite & ~some).sum())
        values, counts = np.unique(lowest[whole], return_counts=True)
        for value, count in zip(values, counts, strict=True):
            name = FLAGS.get(float(value), UNKNOWN_FLAG)
            self.flagged[name] = self.flagged.get(name, 0) + int(count)
