"""Where pixels lie on the ground: longitude, latitude, and the look-up table of the ortho grid (GLT)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_M = 6_371_000.0
# The ortho grid of EMIT L1B and L2 products, in degrees.
ORTHO_STEP_DEG = 0.000542232520256367
REFINEMENTS = 3
ROWS_AT_ONCE = 256

Coordinates = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """Places of a scene.

    Attributes:
        lon: Longitude of each pixel's centre, degrees east, float64 (lines, samples).
        lat: Latitude, degrees north, float64 (lines, samples).
        geotransform: The six numbers of the ortho grid: west edge, step, 0, north edge, 0, minus step.
        glt_x: Sample of each ortho cell, from 1; 0 is none; int32 (ortho_y, ortho_x).
        glt_y: Line of each ortho cell, likewise.
    """

    lon: Coordinates
    lat: Coordinates
    geotransform: tuple[float, float, float, float, float, float]
    glt_x: NDArray[np.int32]
    glt_y: NDArray[np.int32]


def draw_geometry(rng: np.random.Generator, shape: tuple[int, int], pixel_m: float = 60.0) -> Geometry:
    """Draw where on Earth a scene lies, along an orbit of 51.6 degrees inclination, over arid latitudes.

    Args:
        rng: Source of randomness.
        shape: (lines, samples).
        pixel_m: Distance of pixels in metres.
    """
    centre = (float(rng.uniform(-115.0, 65.0)), float(rng.uniform(-32.0, 42.0)))
    heading = float(np.arccos(np.cos(np.radians(51.6)) / np.cos(np.radians(centre[1]))))
    if rng.random() < 0.5:
        heading = -heading
    lon, lat = place_pixels(shape, centre, heading, pixel_m, sway=float(rng.uniform(-1, 1)))
    geotransform, size = ortho_grid(lon, lat)
    glt_x, glt_y = look_up_table(lon, lat, geotransform, size)
    return Geometry(lon, lat, geotransform, glt_x, glt_y)


def place_pixels(
    shape: tuple[int, int], centre: tuple[float, float], heading: float, pixel_m: float, sway: float = 0.0
) -> tuple[Coordinates, Coordinates]:
    """Return longitude and latitude of pixels.

    Args:
        shape: (lines, samples).
        centre: Longitude and latitude of the middle in degrees.
        heading: Direction of flight in radians, from east towards north.
        pixel_m: Distance of pixels in metres.
        sway: Sideways motion of the line of sight over the scene, in pixels (about one).
    """
    line = np.arange(shape[0], dtype=np.float64)[:, None] - (shape[0] - 1) / 2
    sample = np.arange(shape[1], dtype=np.float64)[None, :] - (shape[1] - 1) / 2
    # Pixels grow towards the swath's edge; the line of sight sways slowly along the track.
    right = sample * (1 + 0.01 * (2 * sample / shape[1]) ** 2) + sway * np.sin(2 * np.pi * line / 700.0)
    along = line + 0 * sample
    east = (along * np.cos(heading) + right * np.sin(heading)) * pixel_m
    north = (along * np.sin(heading) - right * np.cos(heading)) * pixel_m
    lat = centre[1] + np.degrees(north / EARTH_RADIUS_M)
    lon = centre[0] + np.degrees(east / EARTH_RADIUS_M) / np.cos(np.radians(centre[1]))
    return lon, lat


def ortho_grid(
    lon: Coordinates, lat: Coordinates
) -> tuple[tuple[float, float, float, float, float, float], tuple[int, int]]:
    """Return the geotransform and the size (rows, columns) of the ortho grid that holds all pixels."""
    west = float(lon.min()) - ORTHO_STEP_DEG
    north = float(lat.max()) + ORTHO_STEP_DEG
    columns = int(np.ceil((float(lon.max()) - west) / ORTHO_STEP_DEG)) + 1
    rows = int(np.ceil((north - float(lat.min())) / ORTHO_STEP_DEG)) + 1
    return (west, ORTHO_STEP_DEG, 0.0, north, 0.0, -ORTHO_STEP_DEG), (rows, columns)


def look_up_table(
    lon: Coordinates,
    lat: Coordinates,
    geotransform: tuple[float, float, float, float, float, float],
    size: tuple[int, int],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find the pixel nearest to each cell of the ortho grid, by Newton steps on the pixels' own places.

    Args:
        lon: Longitude (lines, samples) in degrees.
        lat: Latitude (lines, samples) in degrees.
        geotransform: Of the grid; cell (0, 0) has its corner, not its centre, at the origin.
        size: Rows and columns of the grid.

    Returns:
        Sample and line of each cell, int32 from 1; 0 where no pixel lies.
    """
    lines, samples = lon.shape
    middle = (lines // 2, samples // 2)
    # The map from (line, sample) to (lon, lat) is close to linear; its inverse drives the steps.
    jacobian = np.array(
        [
            [
                (c[-1, middle[1]] - c[0, middle[1]]) / (lines - 1),
                (c[middle[0], -1] - c[middle[0], 0]) / (samples - 1),
            ]
            for c in (lon, lat)
        ]
    )
    inverse = np.linalg.inv(jacobian)
    glt_x, glt_y = np.zeros(size, np.int32), np.zeros(size, np.int32)
    x = geotransform[0] + (np.arange(size[1]) + 0.5) * geotransform[1]
    for top in range(0, size[0], ROWS_AT_ONCE):
        rows = slice(top, min(top + ROWS_AT_ONCE, size[0]))
        y = geotransform[3] + (np.arange(rows.start, rows.stop)[:, None] + 0.5) * geotransform[5]
        line = np.full((y.size, x.size), float(middle[0]))
        sample = np.full((y.size, x.size), float(middle[1]))
        for _ in range(REFINEMENTS):
            i = np.clip(np.rint(line), 0, lines - 1).astype(np.intp)
            j = np.clip(np.rint(sample), 0, samples - 1).astype(np.intp)
            d_lon, d_lat = x - lon[i, j], y - lat[i, j]
            line = i + inverse[0, 0] * d_lon + inverse[0, 1] * d_lat
            sample = j + inverse[1, 0] * d_lon + inverse[1, 1] * d_lat
        i, j = np.rint(line).astype(np.int64), np.rint(sample).astype(np.int64)
        inside = (i >= 0) & (i < lines) & (j >= 0) & (j < samples)
        glt_x[rows] = np.where(inside, j + 1, 0)
        glt_y[rows] = np.where(inside, i + 1, 0)
    return glt_x, glt_y
