"""Outlines of plumes: reading real ones, and the size and shape of real and simulated ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onboard.errors import CaptureError, UsageError

Float64 = NDArray[np.float64]
Outline = NDArray[np.float64]
"""Vertices (n, 2) of a polygon in pixels: crosstrack, downtrack."""

FIGURES = ("area_px", "length_px", "elongation")
LARGEST_FILE = 64 * 2**20
MOST_OUTLINES = 100_000
MOST_VERTICES = 100_000
LARGEST_COORDINATE = 1e6
PERCENTILES = (0, 1, 2.5, *range(5, 100, 5), 97.5, 99, 100)

# Percentiles of the 2,542 outlines with an area among the 2,544 that analysts drew of EMIT's plumes
# (emit-sds/plume-vetting, Apache-2.0), by `outline_statistics`: area, length, elongation.
REAL = np.loadtxt(
    """
    1 0.53 1
    21.7 6.4 1.065
    31.8 7.97 1.11
    47 9.79 1.148
    76.1 13 1.223
    105.5 15.52 1.291
    136.5 17.62 1.361
    166.5 20.02 1.428
    208.5 22.63 1.499
    253 25.27 1.587
    300.7 27.82 1.669
    369 30.86 1.765
    441.8 34.68 1.868
    526.5 38.19 1.978
    639.8 41.92 2.082
    787.8 46.99 2.201
    982.5 53.78 2.345
    1287.2 61.77 2.534
    1704.5 71.97 2.744
    2399.3 88.67 3.067
    3738.8 111.63 3.493
    7547.2 181.78 4.463
    14125.5 260.26 5.21
    34035.7 436.46 6.839
    95234.5 994.36 172.797
    """.splitlines()[1:-1]
)


@dataclass(frozen=True)
class OutlineStatistics:
    """Figures of outlines, each float64 (outlines,).

    Attributes:
        area_px: Area in pixels.
        length_px: Longest extent along the principal axis in pixels.
        elongation: Ratio of the deviations of the enclosed area along its two principal axes, at least 1.
    """

    area_px: Float64
    length_px: Float64
    elongation: Float64

    def percentiles(self, at: Sequence[float] = PERCENTILES) -> dict[str, Float64]:
        """Return the percentiles of each figure by its name."""
        return {name: np.percentile(getattr(self, name), at) for name in FIGURES}


def real_statistics() -> dict[str, dict[float, float]]:
    """Return the built-in percentiles of EMIT's real outlines: figure by name, value by percentile."""
    return {
        name: {float(p): float(v) for p, v in zip(PERCENTILES, column, strict=True)}
        for name, column in zip(FIGURES, REAL.T, strict=True)
    }


def outline_statistics(outlines: NDArray[np.bool_] | Sequence[NDArray[Any]]) -> OutlineStatistics:
    """Return the figures of outlines.

    Args:
        outlines: Polygons (n, 2) and masks (lines, samples), in any mixture, or one mask. A mask counts whole
            pixels, so that it and the polygon about it agree. Outlines without an area are left out.

    Returns:
        The figures, in order.

    Raises:
        UsageError: If something is neither a mask nor a polygon.
    """
    items = [outlines] if isinstance(outlines, np.ndarray) and outlines.ndim == 2 else list(outlines)
    rows = [_mask_figures(o) if np.asarray(o).dtype == bool else _polygon_figures(o) for o in items]
    table = np.asarray([row for row in rows if row is not None], np.float64).reshape(-1, 3)
    return OutlineStatistics(*table.T.copy())


def _mask_figures(mask: NDArray[Any]) -> tuple[float, float, float] | None:
    if mask.ndim != 2:
        raise UsageError("an outline's mask needs two axes", found=mask.shape, expected="(lines, samples)")
    line, sample = (axis.astype(np.float64) for axis in np.nonzero(mask))
    if not line.size:
        return None
    places = np.stack([sample, line])
    # A pixel is a square, whose own variance is 1/12.
    spread = np.cov(places, bias=True) + np.eye(2) / 12
    elongation, axis = _principal(spread)
    return float(line.size), float(np.ptp(axis @ places)) + 1.0, elongation


def _polygon_figures(vertices: NDArray[Any]) -> tuple[float, float, float] | None:
    """Return the figures of a polygon, its moments by Green's theorem (Steger 1996)."""
    points = np.asarray(vertices, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise UsageError(
            "an outline is neither a mask nor a polygon",
            found=f"shape {points.shape}",
            expected="bool (lines, samples) or finite vertices (n, 2)",
        )
    if len(points) < 3:
        return None
    x, y = (np.append(axis, axis[0]) for axis in (points - points[0]).T)
    cross = x[:-1] * y[1:] - x[1:] * y[:-1]
    area = cross.sum() / 2
    if abs(area) < 1e-9:
        return None
    mean_x = ((x[:-1] + x[1:]) * cross).sum() / (6 * area)
    mean_y = ((y[:-1] + y[1:]) * cross).sum() / (6 * area)
    xx = ((x[:-1] ** 2 + x[:-1] * x[1:] + x[1:] ** 2) * cross).sum() / (12 * area) - mean_x**2
    yy = ((y[:-1] ** 2 + y[:-1] * y[1:] + y[1:] ** 2) * cross).sum() / (12 * area) - mean_y**2
    twice = x[:-1] * y[1:] + 2 * x[:-1] * y[:-1] + 2 * x[1:] * y[1:] + x[1:] * y[:-1]
    xy = (twice * cross).sum() / (24 * area) - mean_x * mean_y
    elongation, axis = _principal(np.asarray([[xx, xy], [xy, yy]]))
    return abs(float(area)), float(np.ptp(axis @ np.stack([x, y]))), elongation


def _principal(spread: Float64) -> tuple[float, Float64]:
    """Return the ratio of the deviations along the principal axes, and the longer axis."""
    variances, axes = np.linalg.eigh(spread)
    # A line that crosses itself can enclose a negative variance; it is then as thin as can be.
    least = max(float(variances[0]), 1e-3)
    return float(np.sqrt(max(float(variances[1]), least) / least)), np.asarray(axes[:, 1], np.float64)


def read_outlines(path: str | PathLike[str]) -> list[Outline]:
    """Read real outlines.

    Args:
        path: A JSON list of objects, each with ``coords``: vertices [crosstrack, downtrack] in raw pixels.

    Returns:
        The polygons, in the file's order.

    Raises:
        CaptureError: If the file cannot be read, or holds something else.
    """
    file = Path(path)
    expected = "a JSON list of objects with coords: [[crosstrack, downtrack], ...] in pixels"
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise CaptureError(
                "a file of outlines is too large",
                file=path,
                found=f"{size} bytes",
                expected=f"{LARGEST_FILE} at most",
            )
        entries = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CaptureError(
            "a file of outlines cannot be read",
            file=path,
            found=str(error) or "nesting too deep",
            expected=expected,
        ) from error
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_OUTLINES:
        raise CaptureError(
            "not a file of outlines",
            file=path,
            found=f"{len(entries)} entries" if isinstance(entries, list) else type(entries).__name__,
            expected=expected,
        )
    return [_outline(path, index, entry) for index, entry in enumerate(entries)]


def _outline(path: str | PathLike[str], index: int, entry: object) -> Outline:
    coords = entry.get("coords") if isinstance(entry, dict) else None
    good = (
        isinstance(coords, list) and 0 < len(coords) <= MOST_VERTICES and all(_is_vertex(c) for c in coords)
    )
    if not good:
        raise CaptureError(
            "an outline is no polygon",
            file=path,
            field=f"[{index}].coords",
            found=str(coords)[:60],
            expected="a list of vertices [crosstrack, downtrack], numbers in pixels",
        )
    return np.asarray(coords, np.float64)


def _is_vertex(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(v) in (int, float) and abs(v) <= LARGEST_COORDINATE for v in value)
    )
