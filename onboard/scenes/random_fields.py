"""Random fields from which the maps of a scene are made.

Fields are float32 (..., lines, samples) of any array library; leading axes are scenes of a batch, or fields
of a scene. Parameters are numbers, or arrays shaped like the leading axes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.arrays import Array, Random, Shape, like, namespace

Field = NDArray[np.float32]
EPSILON = 1e-12


def fast_length(size: int) -> int:
    """Return the smallest length of at least ``size`` whose prime factors are 2, 3 and 5."""
    best = 1 << max(size - 1, 0).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            quotient = -(-size // three)
            best = min(best, three << max(quotient - 1, 0).bit_length())
            three *= 3
        five *= 5
    return best


def spectral_field(
    random: Random,
    shape: Shape,
    *,
    outer: float | Array,
    slope: float | Array = 3.0,
    inner: float | Array = 0.0,
    stretch: float | Array = 1.0,
    angle: float | Array = 0.0,
    margin: int | None = None,
) -> Array:
    """Draw Gaussian fields with a von Karman power spectrum, from white noise in Fourier space.

    The power is (1 + (k * outer)^2)^(-slope / 2) * exp(-(k * inner)^2), as for terrain and soil properties,
    which follow power laws over decades of scale (Turcotte, Fractals and Chaos in Geology, 1997).

    Args:
        random: Source of chance.
        shape: (..., lines, samples).
        outer: Outer scale in pixels, number or (...); the field is white above it.
        slope: Exponent of the two-dimensional power spectrum; 2 is rough, 4 is smooth.
        inner: Inner scale in pixels, below which the field is smooth.
        stretch: Ratio of the correlation lengths along and across ``angle``.
        angle: Direction of the stretch in radians from the sample axis.
        margin: Pixels by which the field is drawn larger than asked for, since Fourier fields are periodic
            and ground is not; by default a quarter of the longer side, or ``outer`` if that is less.

    Returns:
        The fields, each with mean 0 and standard deviation 1.
    """
    xp = random.xp
    lines, samples = shape[-2:]
    if margin is None:
        margin = int(min(float(xp.max(random.asarray(outer))), 0.25 * max(lines, samples)))
    size = (fast_length(lines + margin), fast_length(samples + margin))
    ky = random.asarray(np.fft.fftfreq(size[0]) * 2 * np.pi)[:, None]
    kx = random.asarray(np.fft.rfftfreq(size[1]) * 2 * np.pi)[None, :]
    # Columns without a mirror twin keep half of their power; the root of 2 makes up for it.
    once = np.ones(size[1] // 2 + 1)
    once[0] = np.sqrt(2)
    if size[1] % 2 == 0:
        once[-1] = np.sqrt(2)
    outer, slope, inner, stretch, angle = (_spread(random, p) for p in (outer, slope, inner, stretch, angle))
    root = xp.sqrt(stretch)
    along = (kx * xp.cos(angle) + ky * xp.sin(angle)) * root
    across = (ky * xp.cos(angle) - kx * xp.sin(angle)) / root
    k2 = along * along + across * across
    gain = xp.exp(-0.25 * slope * xp.log1p(k2 * outer * outer) - 0.5 * k2 * inner * inner)
    gain = gain * random.asarray(once) * xp.astype(k2 > 0, xp.float32)
    half = (*shape[:-2], size[0], size[1] // 2 + 1)
    spectrum = random.normal(half) * gain + 1j * (random.normal(half) * gain)
    field = xp.fft.irfftn(spectrum, s=size, axes=(-2, -1))[..., :lines, :samples]
    return standardised(xp.astype(field, xp.float32, copy=False))


def _spread(random: Random, value: float | Array) -> Array:
    """Bring a parameter (...) to (..., 1, 1)."""
    array: Array = value if hasattr(value, "shape") else random.asarray(value)
    return array[..., None, None]


def standardised(field: Array) -> Array:
    """Shift and scale fields to mean 0 and standard deviation 1; a constant field becomes 0."""
    xp = namespace(field)
    centred = field - xp.mean(field, axis=(-2, -1), keepdims=True)
    variance = xp.mean(centred * centred, axis=(-2, -1), keepdims=True)
    return centred / xp.clip(xp.sqrt(variance), min=EPSILON)


def smooth_step(values: Array, low: float | Array, high: float | Array) -> Array:
    """Return the cubic step that is 0 below ``low`` and 1 above ``high`` (shaped to broadcast)."""
    xp = namespace(values)
    span = high - low
    span = xp.clip(span, min=EPSILON) if hasattr(span, "shape") else max(span, EPSILON)
    t = xp.clip((values - low) / span, min=0.0, max=1.0)
    return t * t * (3 - 2 * t)


def level_above(field: Array, fraction: float | Array, limit: int = 40_000) -> Array:
    """Return the level (...) that a ``fraction`` (number or (...)) of each field (..., lines, samples) tops.

    It is the nearest order statistic of at most about ``limit`` values of each field.
    """
    xp = namespace(field)
    flat = xp.reshape(field, (*field.shape[:-2], -1))
    # A stride that is prime to most widths keeps the subsample from running along columns.
    stride = max(1, flat.shape[-1] // limit) | 1
    ranked = xp.sort(flat[..., ::stride], axis=-1)
    last = ranked.shape[-1] - 1
    share = fraction if hasattr(fraction, "shape") else like(fraction, field)
    place = xp.astype(xp.round(last * (1 - xp.clip(share, min=0.0, max=1.0))), xp.int64)
    place = xp.broadcast_to(place, ranked.shape[:-1])
    return xp.take_along_axis(ranked, place[..., None], axis=-1)[..., 0]


def slopes(field: Array) -> tuple[Array, Array]:
    """Return the central differences of fields along lines and along samples, one-sided at the edges."""
    return _difference(field, -2), _difference(field, -1)


def _difference(field: Array, axis: int) -> Array:
    xp = namespace(field)
    moved = xp.moveaxis(field, axis, 0)
    inner = 0.5 * (moved[2:, ...] - moved[:-2, ...])
    parts = [moved[1:2, ...] - moved[:1, ...], inner, moved[-1:, ...] - moved[-2:-1, ...]]
    return xp.moveaxis(xp.concat(parts, axis=0), 0, axis)


def softmax(scores: Array, axis: int) -> Array:
    """Turn scores into weights that sum to 1 along an axis."""
    xp = namespace(scores)
    weights = xp.exp(scores - xp.max(scores, axis=axis, keepdims=True))
    return weights / xp.sum(weights, axis=axis, keepdims=True)


def coordinates(random: Random, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return line numbers (lines, 1) and sample numbers (1, samples), float32."""
    return random.asarray(np.arange(shape[0]))[:, None], random.asarray(np.arange(shape[1]))[None, :]
