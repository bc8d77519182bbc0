"""Random fields from which the maps of a scene are made.

All fields are float32 (lines, samples), drawn with a caller's generator, so the same seed gives the same map.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    outer: float,
    slope: float = 3.0,
    inner: float = 0.0,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Field:
    """Draw a Gaussian field with a von Karman power spectrum, by filtering white noise in Fourier space.

    The power is (1 + (k * outer)^2)^(-slope / 2) * exp(-(k * inner)^2), as for terrain and soil properties,
    which follow power laws over decades of scale (Turcotte, Fractals and Chaos in Geology, 1997).

    Args:
        rng: Source of randomness.
        shape: (lines, samples).
        outer: Outer scale in pixels; the field is white above it.
        slope: Exponent of the two-dimensional power spectrum; 2 is rough, 4 is smooth.
        inner: Inner scale in pixels, below which the field is smooth.
        stretch: Ratio of the correlation lengths along and across ``angle``.
        angle: Direction of the stretch in radians from the sample axis.

    Returns:
        The field with mean 0 and standard deviation 1.
    """
    # The field is drawn larger than asked for: Fourier fields are periodic, ground is not.
    margin = int(min(outer, 0.25 * max(shape)))
    size = (fast_length(shape[0] + margin), fast_length(shape[1] + margin))
    spectrum = np.fft.rfft2(rng.standard_normal(size, dtype=np.float32))
    ky = np.fft.fftfreq(size[0]).astype(np.float32)[:, None] * np.float32(2 * np.pi)
    kx = np.fft.rfftfreq(size[1]).astype(np.float32)[None, :] * np.float32(2 * np.pi)
    root = float(np.sqrt(stretch))
    along = (kx * np.float32(np.cos(angle)) + ky * np.float32(np.sin(angle))) * np.float32(root)
    across = (ky * np.float32(np.cos(angle)) - kx * np.float32(np.sin(angle))) / np.float32(root)
    k2 = along * along + across * across
    gain = (1 + k2 * np.float32(outer * outer)) ** np.float32(-slope / 4)
    if inner > 0:
        gain *= np.exp(k2 * np.float32(-0.5 * inner * inner))
    gain[0, 0] = 0.0
    field: Field = np.fft.irfft2(spectrum * gain, s=size)[: shape[0], : shape[1]].astype(np.float32)
    return standardised(field)


def standardised(field: Field) -> Field:
    """Shift and scale a field to mean 0 and standard deviation 1; a constant field becomes 0."""
    centred = field - field.mean(dtype=np.float64).astype(np.float32)
    return np.asarray(centred / np.float32(max(float(centred.std(dtype=np.float64)), EPSILON)), np.float32)


def smooth_step(values: Field, low: float, high: float) -> Field:
    """Return the cubic step that is 0 below ``low`` and 1 above ``high``."""
    t = np.clip((values - np.float32(low)) * np.float32(1.0 / max(high - low, EPSILON)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def level_above(field: Field, fraction: float, limit: int = 40_000) -> float:
    """Return the level that a ``fraction`` of the field lies above, from at most ``limit`` of its values."""
    flat = field.reshape(-1)
    # A stride that is prime to most widths keeps the subsample from running along columns.
    stride = max(1, flat.size // limit) | 1
    return float(np.quantile(flat[::stride], 1.0 - min(max(fraction, 0.0), 1.0)))


def ridges(field: Field, width: float) -> Field:
    """Return 1 on the zero line of a field, falling to 0 at ``width`` pixels from it (veins, wadis)."""
    down, across = np.gradient(field)
    distance = np.abs(field) / np.sqrt(down * down + across * across + np.float32(1e-8))
    return np.asarray(np.clip(1.0 - distance / np.float32(width), 0, 1), np.float32)


def softmax(fields: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """Turn fields (n, lines, samples) into weights that sum to 1 over the first axis."""
    scaled = fields * np.float32(sharpness)
    scaled -= scaled.max(axis=0)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=0)
    return scaled


def warped_coordinates(
    rng: np.random.Generator, shape: tuple[int, int], *, amount: float, outer: float
) -> tuple[Field, Field]:
    """Return line and sample coordinates (pixels) displaced by two smooth fields of ``amount`` pixels."""
    line, sample = np.meshgrid(
        np.arange(shape[0], dtype=np.float32), np.arange(shape[1], dtype=np.float32), indexing="ij"
    )
    line += np.float32(amount) * spectral_field(rng, shape, outer=outer, slope=3.4)
    sample += np.float32(amount) * spectral_field(rng, shape, outer=outer, slope=3.4)
    return line, sample
