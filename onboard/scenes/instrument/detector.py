"""What the detector and its first processing do to radiance, in the order in which light meets them.

Smile and band shift, response and dark residuals of each element, noise, full scale, quantisation; then what
level 1B does: the bands at the seam of the order-sorting filter are bridged, bad elements filled in.
Every step is a function of radiance (..., samples, bands); arrays of elements are (samples, bands) for one
scene and (n, 1, samples, bands) for n. Radiance in uW cm-2 sr-1 nm-1. A step may write its result where its
radiance was, as far as it says that it takes that over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.arrays import Array, namespace
from onboard.scenes.instrument.elements import BadElements, repair
from onboard.scenes.memory import at_most, central_differences, magnitude, root, rounded

NOISE_STREAM = 7919


@dataclass(frozen=True)
class Seam:
    """Bands that level 1B infers from their neighbours.

    Attributes:
        first: Number of the first inferred band.
        count: Inferred bands.
        weights: (4, count): of the two bands before and the two after.
    """

    first: int
    count: int
    weights: Array


@dataclass(frozen=True)
class Detector:
    """One realisation of a detector's imperfections, float32.

    Attributes:
        shear: Half of each element's wavelength shift over the distance of bands, (..., samples, bands).
        gain: Relative response of each element, (..., samples, bands).
        offset: Radiance added by each element, (..., samples, bands).
        noise: a, b, c of sigma = abs(a sqrt(b + L) + c), (3, bands) or (3, samples, bands).
        full_scale: Radiance at which an element saturates, (bands,) or (samples, bands).
        quantum: Radiance between two counts, likewise.
        seam: The filter's seam, or None where the band table has none.
        elements: Bad elements, or None for none.
    """

    shear: Array
    gain: Array
    offset: Array
    noise: Array
    full_scale: Array
    quantum: Array
    seam: Seam | None
    elements: BadElements | None


def observe(detector: Detector, radiance: Array, noise: Array) -> Array:
    """Return the product's radiance for a true one.

    Args:
        detector: The detector.
        radiance: True radiance, (..., samples, bands); all samples of a line, since repairs look across it.
        noise: Standard normal values of the same shape: ``Random.normal`` for tiles, ``line_noise`` for
            lines of a capture.

    Returns:
        (..., samples, bands), a new array.
    """
    seen = respond(shifted(radiance, detector.shear), detector.gain, detector.offset)
    sigma = noise_sigma(seen, detector.noise)
    sigma *= noise
    seen += sigma
    seen = quantised(seen, detector.quantum, detector.full_scale)
    if detector.seam is not None:
        seen = bridged(seen, detector.seam)
    if detector.elements is not None:
        seen = repair(seen, detector.elements)
    return seen


def shifted(radiance: Array, shear: Array) -> Array:
    """Return what elements see whose wavelengths are off: L + shift dL/dlambda, central differences.

    Args:
        radiance: (..., samples, bands).
        shear: Shift over twice the distance of bands; the first and the last band stay.
    """
    moved = central_differences(radiance)
    moved *= shear
    moved += radiance
    return moved


def respond(radiance: Array, gain: Array, offset: Array) -> Array:
    """Return radiance, which is taken over, times each element's response, plus its dark residual."""
    radiance *= gain
    radiance += offset
    return radiance


def noise_sigma(radiance: Array, noise: Array) -> Array:
    """Return the noise of radiance (..., bands): abs(a sqrt(b + L) + c), the model of emit-sds/emit-ghg.

    Below L = -b, which only noise itself can reach, the root is taken as 0.
    """
    sigma = root(radiance + noise[1, ...])
    sigma *= noise[0, ...]
    sigma += noise[2, ...]
    return magnitude(sigma)


def quantised(radiance: Array, quantum: Array, full_scale: Array) -> Array:
    """Return radiance, which is taken over, in whole counts, none above full scale.

    EMIT's 14-bit words hold two co-added frames (Keymeulen et al. 2023); an element above the saturation
    count says no more than that.
    """
    counts = at_most(radiance, full_scale)
    counts /= quantum
    counts = rounded(counts)
    counts *= quantum
    return counts


def bridged(radiance: Array, seam: Seam) -> Array:
    """Return radiance whose bands at the filter's seam follow from their neighbours."""
    xp = namespace(radiance)
    last = seam.first + seam.count
    before, after = radiance[..., : seam.first], radiance[..., last:]
    around = xp.concat([before[..., -2:], after[..., :2]], axis=-1)
    return xp.concat([before, around @ seam.weights, after], axis=-1)


def line_noise(seed: int, line: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return standard normal values for a line of a capture, the same for the same seed and line."""
    sequence = np.random.SeedSequence((seed, NOISE_STREAM, line))
    return np.random.Generator(np.random.SFC64(sequence)).standard_normal(shape, dtype=np.float32)
