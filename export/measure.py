"""What only a flight can tell of a bundle: the memory its inference takes, and its known answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from export.bundle import sign_container
from export.keys import public_key_of
from onboard.flight.contents import Contents

Array = npt.NDArray[np.float32]

GENEROUS_BYTES = 512 << 20
MARGIN = 1.10
GRAIN = 1 << 16
THREADS = (1, 2, 4)
ROUNDS = 8
"""The engine lays its tensors out in one of a few ways, by chance at each opening; this meets them all."""
GENEROUS_DENOISING_BYTES = 2 << 30
DENOISING_ROUNDS = 2
"""Each opening runs the denoiser for seconds."""
PROBE_LINES = 8
PROBE_SAMPLES = 64
KNOWN_LINES = 32
KNOWN_SAMPLES = 32
KNOWN_SEED = 0xA5
KNOWN_PLUME_PPMM = 6000.0
PROBE_NOISE = 0.01
"""Of log radiance. With less, the filter's weights grow, and so does what two kinds of vector units round
differently: at 0.01 that is a fifth of what the core lets a known answer differ by, at 0.003 two thirds."""
RING_COUNTS = 4096.0
"""Counts a unit of log radiance, as the flight core keeps it."""


def measure_inference_bytes(
    make_container: Callable[[int], bytes], contents: Contents, *, denoise: bool = False
) -> int:
    """Fly a bundle with a generous block, and return what its inference needs.

    Shapes are static, so that a few lines take as much as a full swath; the worst of eight openings
    each on one, two and four threads counts, plus 10 %, rounded up to 64 KiB.

    Args:
        make_container: Returns the unsigned container for a given ``inference_bytes``.
        contents: What that container holds.
        denoise: Measure sessions that denoise.
    """
    container = make_container(GENEROUS_DENOISING_BYTES if denoise else GENEROUS_BYTES)
    rounds = DENOISING_ROUNDS if denoise else ROUNDS
    radiance = probe_radiance(contents, PROBE_LINES, PROBE_SAMPLES)
    worst = max(_fly(container, radiance, threads, denoise)[1] for threads in THREADS * rounds)
    return -(-int(worst * MARGIN) // GRAIN) * GRAIN


def known_answer(container: bytes, contents: Contents) -> tuple[Array, Array]:
    """Fly a small capture that is always the same.

    Args:
        container: Unsigned container without a known answer, with its final memory.
        contents: What it holds.

    Returns:
        Radiance (lines, samples, bands) and products (lines, 2, samples): plume probability and
        enhancement in ppm m.
    """
    radiance = probe_radiance(contents, KNOWN_LINES, KNOWN_SAMPLES)
    return radiance, _fly(container, radiance, threads=1)[0]


def _fly(container: bytes, radiance: Array, threads: int, denoise: bool = False) -> tuple[Array, int]:
    """Return the products (lines, 2, samples) and the inference's high-water mark in bytes."""
    from onboard.flight import FlightSession

    # Flight refuses unsigned bundles, and rightly so: this one is signed with a key that lives for a call.
    seed = secrets.token_bytes(32)
    signed = sign_container(container, seed)
    with FlightSession(
        signed,
        samples=radiance.shape[1],
        threads=threads,
        trusted_keys=[public_key_of(seed)],
        denoise=denoise,
    ) as session:
        blocks = [*session.push(radiance), *session.flush()]
        high_water = int(session.health().inference_high_water)
    products = [np.stack([block.plume_probability, block.ch4_enhancement], axis=1) for block in blocks]
    return np.concatenate(products).astype(np.float32), high_water


def probe_radiance(contents: Contents, lines: int, samples: int) -> Array:
    """Return seeded radiance (lines, samples, bands): uneven ground, noise, and one plume.

    Args:
        contents: Bands, reference radiance and gas curve.
        lines: Number of lines.
        samples: Number of samples.
    """
    random = np.random.default_rng(KNOWN_SEED)
    bands = contents.plan.bands
    brightness = random.normal(0.0, 0.2, (lines, samples, 1))
    slope = random.normal(0.0, 0.1, (lines, samples, 1)) * np.linspace(-1.0, 1.0, bands)
    log = brightness + slope + random.normal(0.0, PROBE_NOISE, (lines, samples, bands))
    row, column = np.mgrid[0:lines, 0:samples]
    distance = ((row - lines / 2) / 4.0) ** 2 + ((column - samples / 2) / 4.0) ** 2
    share = KNOWN_PLUME_PPMM * np.exp(-distance) / float(contents.alphas[1])
    log[..., contents.mf_bands] += share[..., None] * contents.log_transmittance[1]
    # On whole counts of the flight ring no computer rounds another way, and the answer stays known.
    log = np.rint(log * RING_COUNTS) / RING_COUNTS
    return (contents.reference * np.exp(log)).astype(np.float32)
