"""How flight cuts a capture into strips, and its filter run over a whole patch accordingly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from onboard.models.filter_tables import FilterSettings, FilterTables
from onboard.models.log_radiance import LOG_SCALE, quantize_log
from onboard.models.streaming_filter import Statistics, StreamingMatchedFilter

STRIP_LINES = 64
HALO_LINES = 32

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def finalised_spans(lines: int) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of the lines that each strip's event finalises: 96, then 64 at a time."""
    first = 0
    end = min(lines, STRIP_LINES + HALO_LINES)
    while first < lines:
        yield first, end
        first, end = end, min(lines, end + STRIP_LINES)


@dataclass(frozen=True)
class FilteredPatch:
    """The filter's products over a whole patch, each (lines, samples).

    Attributes:
        enhancement: float32 ppm m, 0 where invalid.
        sigma: float32 ppm m, 1 where invalid.
        brightness: float32.
        keep: Pixels that went into the means.
        dynamic: (lines, samples, F) normalised dynamic features.
    """

    enhancement: Array
    sigma: Array
    brightness: Array
    keep: Mask
    dynamic: Array


def filter_patch(
    log: Array,
    valid: Mask,
    tables: FilterTables,
    settings: FilterSettings | None = None,
    dynamic: Array | None = None,
    before: Statistics | None = None,
    labels: npt.NDArray[np.uint8] | None = None,
) -> FilteredPatch:
    """Run the streaming matched filter over a patch, strip by strip as in flight.

    Args:
        log: (lines, samples, K) float32 log radiance at the filter's bands.
        valid: (lines, samples).
        tables: The filter's tables.
        settings: Constants of the statistics.
        dynamic: (lines, samples, F) raw dynamic features, normalised along if given.
        before: State of the filter on arrival; that of a capture's start if None.
        labels: (lines, samples) classes of ground, where the tables have classes.
    """
    return filter_counts(quantize_log(log), valid, tables, settings, dynamic, before, labels)


def filter_counts(
    counts: npt.NDArray[np.int16],
    valid: Mask,
    tables: FilterTables,
    settings: FilterSettings | None = None,
    dynamic: Array | None = None,
    before: Statistics | None = None,
    labels: npt.NDArray[np.uint8] | None = None,
) -> FilteredPatch:
    """Do as :func:`filter_patch` does, on the ring's counts.

    Args:
        counts: (lines, samples, K) int16 log radiance at the filter's bands, 4096 a unit.
        valid: (lines, samples).
        tables: The filter's tables.
        settings: Constants of the statistics.
        dynamic: (lines, samples, F) raw dynamic features, normalised along if given.
        before: State of the filter on arrival; that of a capture's start if None.
        labels: (lines, samples) classes of ground, where the tables have classes.
    """
    settings = settings or FilterSettings()
    features = 0 if dynamic is None else dynamic.shape[2]
    runner = StreamingMatchedFilter(tables, samples=counts.shape[1], features=features, settings=settings)
    if before is not None:
        known = before.classes or runner.state.classes
        runner.state = replace(before, classes=known if tables.classes else None)
    parts = []
    for first, end in finalised_spans(counts.shape[0]):
        part = None if dynamic is None else dynamic[first:end]
        log = counts[first:end].astype(np.float32)
        log *= np.float32(1.0 / LOG_SCALE)
        ground = None if labels is None else labels[first:end]
        parts.append(runner.absorb(log, valid[first:end], first, part, ground))
    enhancement = np.concatenate([part.enhancement for part in parts])
    sigma = np.concatenate([part.sigma for part in parts])
    return FilteredPatch(
        np.nan_to_num(enhancement),
        np.where(np.isnan(sigma), np.float32(1), sigma),
        np.concatenate([part.brightness for part in parts]),
        np.concatenate([part.keep for part in parts]),
        np.concatenate([part.dynamic for part in parts]),
    )
