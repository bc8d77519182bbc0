"""Arithmetic in an array's own memory, where its library can: fresh memory costs more than arithmetic.

Each function gives its argument up and returns the result, which may or may not be the same array.
"""

from __future__ import annotations

import ctypes

import numpy as np

from onboard.scenes.arrays import Array, namespace

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**31 - 2**20


def exponential(values: Array) -> Array:
    """Return exp of an array."""
    if hasattr(values, "exp_"):
        return values.exp_()
    if isinstance(values, np.ndarray):
        return np.exp(values, out=values)
    return namespace(values).exp(values)


def root(values: Array) -> Array:
    """Return the square root of an array, 0 where it is negative."""
    if hasattr(values, "clamp_"):
        return values.clamp_(min=0.0).sqrt_()
    if isinstance(values, np.ndarray):
        return np.sqrt(np.maximum(values, 0.0, out=values), out=values)
    xp = namespace(values)
    return xp.sqrt(xp.clip(values, min=0.0))


def magnitude(values: Array) -> Array:
    """Return the absolute value of an array."""
    if hasattr(values, "abs_"):
        return values.abs_()
    if isinstance(values, np.ndarray):
        return np.abs(values, out=values)
    return namespace(values).abs(values)


def rounded(values: Array) -> Array:
    """Return an array rounded to whole numbers."""
    if hasattr(values, "round_"):
        return values.round_()
    if isinstance(values, np.ndarray):
        return np.rint(values, out=values)
    return namespace(values).round(values)


def at_most(values: Array, limit: Array) -> Array:
    """Return an array held to an upper limit, shaped to broadcast against it."""
    if hasattr(values, "clamp_"):
        return values.clamp_(max=limit)
    if isinstance(values, np.ndarray):
        return np.minimum(values, limit, out=values)
    return namespace(values).minimum(values, limit)


def central_differences(values: Array) -> Array:
    """Return the next minus the previous value along the last axis, 0 at both ends; a new array.

    Differences run through all of memory in one stretch: rows of a hundred bands, one by one, take twice as
    long. What they say across the end of a row is overwritten.
    """
    xp = namespace(values)
    known = xp.reshape(values, (-1,))
    flat = xp.empty_like(known)
    if isinstance(values, np.ndarray) or hasattr(values, "sub_"):
        xp.subtract(known[2:], known[:-2], out=flat[1:-1])
    else:
        flat[1:-1] = known[2:] - known[:-2]
    found = xp.reshape(flat, values.shape)
    found[..., 0] = 0.0
    found[..., -1] = 0.0
    return found


def keep_freed_memory() -> bool:
    """Let this process keep the memory of large arrays for the next ones; return whether that took effect.

    glibc hands arrays above 32 MiB back to the system at once, and the next one of that size is cleared page
    by page: about half of the time of a batch of tiles. Meant for processes that do nothing but make tiles.
    Other C libraries are left as they are (mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
        ctypes.CDLL(None).gnu_get_libc_version  # noqa: B018
    except (AttributeError, OSError, TypeError):
        return False
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return bool(mallopt(_MMAP_THRESHOLD, KEPT_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, KEPT_BYTES))
