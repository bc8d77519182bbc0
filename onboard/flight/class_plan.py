"""The codebook that sorts pixels into classes of ground: the optional part ``classes.bin`` of a bundle.

One definition serves the writer and the reader; ``docs/bundle.md`` gives it byte by byte.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt

from onboard.errors import BundleError

CLASSES_PART = "classes.bin"
CLASSES_HEAD = struct.Struct("<2I")
MOST_CLASSES, MOST_BANDS = 64, 16
LEAST_CENTRE, MOST_CENTRE = -4096, 3072
"""Log radiance of -4 and of 3, in counts of 1024 a unit."""
REMEDY = "build the bundle again with `onboard bundle build`"


@dataclass(frozen=True)
class ClassPlan:
    """Values of ``classes.bin``.

    Attributes:
        bands: (B,) int64, indices of the bands that tell the classes.
        centres: (C, B) int16, log radiance of each class at them, 1024 counts a unit.
    """

    bands: npt.NDArray[np.int64]
    centres: npt.NDArray[np.int16]

    def pack(self, plan_bands: int) -> bytes:
        """Return the part's bytes.

        Args:
            plan_bands: ``bands`` of the plan.

        Raises:
            BundleError: If a value cannot be flown.
        """
        used = CLASSES_HEAD.pack(*self.centres.shape)
        used += np.asarray(self.bands, "<u4").tobytes() + np.asarray(self.centres, "<i2").tobytes()
        part = used + bytes(-len(used) % 4)
        unpack_class_plan(part, plan_bands)
        return part


def unpack_class_plan(
    part: bytes | memoryview, plan_bands: int, file: str | PathLike[str] | None = None
) -> ClassPlan:
    """Decode ``classes.bin``.

    Args:
        part: The part's bytes.
        plan_bands: ``bands`` of the plan.
        file: The bundle's path, for the message.

    Raises:
        BundleError: Naming the field, what was found and what was expected.
    """

    def require(good: bool, field: str, found: object, expected: object) -> None:
        if not good:
            raise BundleError(
                "the classes of ground hold a value that cannot be flown",
                file=file,
                field=f"{CLASSES_PART}: {field}",
                found=found,
                expected=expected,
                remedy=REMEDY,
            )

    head = CLASSES_HEAD.size
    require(len(part) >= head, "length", f"{len(part)} bytes", f"at least {head} bytes")
    classes, bands = CLASSES_HEAD.unpack_from(part)
    require(1 <= classes <= MOST_CLASSES, "classes", classes, f"1 to {MOST_CLASSES}")
    require(1 <= bands <= MOST_BANDS, "bands", bands, f"1 to {MOST_BANDS}")
    used = head + 4 * bands + 2 * classes * bands
    size = used + -used % 4
    require(len(part) == size, "length", f"{len(part)} bytes", f"{size} bytes, by its classes and bands")
    require(not any(part[used:]), "padding", bytes(part[used:]).hex(), "zeros")
    index = np.frombuffer(part, "<u4", bands, head).astype(np.int64)
    once = len(set(index.tolist())) == bands and int(index.max()) < plan_bands
    require(once, "band_index", index.tolist(), f"band numbers below {plan_bands}, no two alike")
    centres = np.frombuffer(part, "<i2", classes * bands, head + 4 * bands).reshape(classes, bands)
    low, high = int(centres.min()), int(centres.max())
    within = low >= LEAST_CENTRE and high <= MOST_CENTRE
    require(within, "centres", f"{low} to {high}", f"{LEAST_CENTRE} to {MOST_CENTRE}")
    return ClassPlan(index, centres.astype(np.int16))
