"""Denoised radiance of strips, taken out of a session on the flight core."""

from __future__ import annotations

import ctypes as c
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from onboard.flight.core import Status
from onboard.flight.structs import Radiance
from onboard.flight.types import FloatArray, ProductBlock

Wish = bool | Callable[[ProductBlock], bool]
"""Whether strips are denoised: all, none, or those whose products the function says yes to."""


def with_radiance(
    library: c.CDLL, handle: c.c_void_p, block: ProductBlock, wish: Wish
) -> tuple[int, ProductBlock]:
    """Return a status, and the block with its strip's denoised radiance where that is wished.

    Args:
        library: The flight core.
        handle: A session; the block holds the products that it queued last, a whole strip.
        block: The strip's products.
        wish: Whether to denoise.
    """
    if wish is False or (callable(wish) and not wish(block)):
        return Status.OK, block
    strip = Radiance()
    status = library.onb_denoise_strip(handle, c.byref(strip))
    if status != Status.OK:
        return status, block
    return Status.OK, replace(block, swir_radiance=_copy(strip))


def _copy(strip: Radiance) -> FloatArray:
    shape = (strip.line_count, strip.samples, strip.bands)
    values: FloatArray = np.ctypeslib.as_array(strip.radiance, shape).copy()
    return values
