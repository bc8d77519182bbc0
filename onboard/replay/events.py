"""``events.geojson``: the plumes of a run, placed by the capture's own longitudes and latitudes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from onboard.replay.session import EVENT_FIELDS, PlumeEvent

Position = tuple[float, float]


def feature_collection(
    events: Sequence[PlumeEvent], location: Any | None, pixel_size_m: float
) -> dict[str, Any]:
    """All events as a GeoJSON FeatureCollection (RFC 7946, EPSG:4326).

    An event's geometry is the outline of its bounding box; a point at its peak where the outline
    crosses the antimeridian or leaves the located part; null where nothing is located.

    Args:
        events: The events.
        location: Object with ``lon`` and ``lat``, (lines, samples), degrees; None if the capture has none.
        pixel_size_m: Edge of a pixel on the ground, m.
    """
    return {
        "type": "FeatureCollection",
        "features": [_feature(event, location, pixel_size_m) for event in events],
    }


def event_properties(event: PlumeEvent, pixel_size_m: float) -> dict[str, Any]:
    """All fields of an event as plain numbers, and its area in km2."""
    properties = {name: _plain(getattr(event, name)) for name in EVENT_FIELDS}
    properties["area_km2"] = round(event.area_pixels * pixel_size_m**2 / 1e6, 6)
    return properties


def position(location: Any, line: float, sample: float) -> Position | None:
    """Longitude and latitude at a fractional pixel position, pixel centres at whole numbers.

    Bilinear between the four pixels around; half a pixel beyond the edge by the same straight lines.

    Args:
        location: Object with ``lon`` and ``lat``, (lines, samples), degrees.
        line: Fractional line.
        sample: Fractional sample.

    Returns:
        (lon, lat) in degrees, None where a pixel around is not located.
    """
    lines, samples = location.lon.shape
    line_0, sample_0 = _cell(line, lines), _cell(sample, samples)
    window = np.s_[line_0 : line_0 + 2, sample_0 : sample_0 + 2]
    lon, lat = (np.asarray(grid[window], np.float64) for grid in (location.lon, location.lat))
    if not (_plausible(lon, 360.0) and _plausible(lat, 90.0)):
        return None
    # Neighbours on both sides of the date line are 360 degrees apart in figures only.
    lon = lon[0, 0] + (lon - lon[0, 0] + 180.0) % 360.0 - 180.0
    down, across = line - line_0, sample - sample_0
    return (_bilinear(lon, down, across) + 180.0) % 360.0 - 180.0, _bilinear(lat, down, across)


def _feature(event: PlumeEvent, location: Any | None, pixel_size_m: float) -> dict[str, Any]:
    properties = event_properties(event, pixel_size_m)
    geometry: dict[str, Any] | None = None
    if location is not None:
        peak = position(location, event.peak_line, event.peak_sample)
        if peak is not None:
            properties["peak_lon"], properties["peak_lat"] = _rounded(peak)
        ring = _outline(event, location)
        if ring is not None:
            geometry = {"type": "Polygon", "coordinates": [[list(point) for point in ring]]}
        elif peak is not None:
            geometry = {"type": "Point", "coordinates": list(_rounded(peak))}
    return {"type": "Feature", "id": int(event.event_id), "geometry": geometry, "properties": properties}


def _outline(event: PlumeEvent, location: Any) -> list[Position] | None:
    top, bottom = event.first_line - 0.5, event.last_line + 0.5
    left, right = event.first_sample - 0.5, event.last_sample + 0.5
    corners = [
        position(location, line, sample)
        for line, sample in ((top, left), (bottom, left), (bottom, right), (top, right))
    ]
    ring = [corner for corner in corners if corner is not None]
    if len(ring) < 4 or max(lon for lon, _ in ring) - min(lon for lon, _ in ring) > 180.0:
        return None
    if _signed_area(ring) < 0:
        ring.reverse()
    return [_rounded(point) for point in (*ring, ring[0])]


def _signed_area(ring: Sequence[Position]) -> float:
    following = (*ring[1:], ring[0])
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, following, strict=True)) / 2


def _cell(coordinate: float, size: int) -> int:
    return int(min(max(math.floor(coordinate), 0), max(size - 2, 0)))


def _plausible(values: np.ndarray[Any, Any], limit: float) -> bool:
    return bool(np.all(np.isfinite(values)) and np.all(np.abs(values) <= limit))


def _bilinear(cell: np.ndarray[Any, Any], line: float, sample: float) -> float:
    # A capture one pixel long or wide has no second row or column to lean on.
    below = cell[-1]
    right = -1 if cell.shape[1] > 1 else 0
    upper = cell[0, 0] + (cell[0, right] - cell[0, 0]) * sample
    lower = below[0] + (below[right] - below[0]) * sample
    return float(upper + (lower - upper) * line)


def _rounded(point: Position) -> Position:
    # Seven decimals are about a centimetre.
    return round(point[0], 7), round(point[1], 7)


def _plain(value: Any) -> float | int | bool | None:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None
