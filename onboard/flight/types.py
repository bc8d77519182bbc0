"""What a flight session gives out: product blocks, plume events, health, and what it says of its bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ProductBlock:
    """Finished products of ``n`` consecutive lines, in sensor geometry.

    Attributes:
        first_line: Line number of the first, from 0.
        plume_probability: (n, samples) float32, 0 to 1; 0 where invalid.
        plume_mask: (n, samples) uint8, 1 where the probability reaches the plan's threshold.
        ch4_enhancement: (n, samples) float32 ppm m; NaN where invalid.
        ch4_sigma: (n, samples) float32 ppm m; NaN where invalid.
        mineral_probability: (minerals, n, samples) float32, 0 to 1; 0 where invalid.
        quality: (n, samples) uint8 bit flags, ``ONB_QUALITY_*`` of ``onboard.h``.
        swir_radiance: (n, samples, K) float32 uW cm-2 sr-1 nm-1, denoised, at the bands
            ``BundleInfo.swir_bands``; flags (-9999, -9990, -9998, -9997) where invalid. None where it was not
            asked for.

    A product that the session was opened without is NaN throughout (its mask 0).
    """

    first_line: int
    plume_probability: FloatArray
    plume_mask: ByteArray
    ch4_enhancement: FloatArray
    ch4_sigma: FloatArray
    mineral_probability: FloatArray
    quality: ByteArray
    swir_radiance: FloatArray | None = None


@dataclass(frozen=True)
class PlumeEvent:
    """A plume: pixels of the mask that touch one another, corners included.

    Lines and samples are inclusive and count from 0; the centroid is the mean position of its pixels;
    the peak is that of the enhancement; ``confidence`` is the highest probability in it;
    ``detected_at_line`` is the newest line that had arrived when the event was complete;
    ``touches_edge`` says that the plume may go on unseen: beyond the capture, or in lost lines that were too
    many for it to go on behind them.
    """

    event_id: int
    first_line: int
    last_line: int
    first_sample: int
    last_sample: int
    area_pixels: int
    peak_line: int
    peak_sample: int
    centroid_line: float
    centroid_sample: float
    peak_enhancement: float
    mean_enhancement: float
    ime_kg: float
    confidence: float
    detected_at_line: int
    touches_edge: bool


@dataclass(frozen=True)
class Health:
    """Counters and high-water marks of a session; fields as in ``onb_health_report``.

    Bytes are of the caller's block; ``_ns`` are monotonic nanoseconds. ``engine_requests`` counts what the
    inference engine asked of its part of the block since the session was opened, and
    ``allocations_after_open`` how often the process heap had to help because that part was full. What the
    engine takes from the heap for its own small objects is not seen from here.
    """

    engine_in_block: bool
    lines_pushed: int
    lines_delivered: int
    strips: int
    events: int
    events_dropped: int
    repaired_pixels: int
    invalid_pixels: int
    arena_bytes: int
    arena_high_water: int
    inference_bytes: int
    inference_high_water: int
    allocations_after_open: int
    engine_requests: int
    line_ns_max: int
    line_ns_total: int
    strip_ns_max: int
    strip_ns_total: int
    scrubs: int
    scrub_errors: int
    body_ns_total: int
    lines_lacking_bands: int
    most_lacking_bands: int
    known_answers: int


@dataclass(frozen=True)
class BundleInfo:
    """What an open session says of its bundle.

    Attributes:
        manifest: The manifest as parsed from JSON.
        name: Name of the model.
        version: Its version.
        sequence: Rises with every bundle of a mission.
        key_id: SHA-256 of the signing key, hexadecimal.
        centres: (bands,) float64 nm.
        fwhm: (bands,) float64 nm.
        minerals: Names, in the order of ``ProductBlock.mineral_probability``.
        plan: Values of the plan by name.
        swir_bands: Indices of the bands of denoised radiance; empty if the bundle has no denoiser.
    """

    manifest: Mapping[str, Any]
    name: str
    version: str
    sequence: int
    key_id: str
    centres: npt.NDArray[np.float64]
    fwhm: npt.NDArray[np.float64]
    minerals: tuple[str, ...]
    plan: Mapping[str, Any]
    swir_bands: tuple[int, ...] = ()
