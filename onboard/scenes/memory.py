"""Arithmetic in an array's own memory, where its library can: fresh memory costs more than arithmetic.

Each function gives its argument up and returns the result, which may or may not be the same array.
"""

from __future__ import annotations

import numpy as np

from onboard.scenes.arrays import Array, namespace


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
