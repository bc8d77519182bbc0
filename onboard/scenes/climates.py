"""The kinds of landscape that a scene can show, as tables of figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onboard.errors import UsageError


@dataclass(frozen=True)
class Climate:
    """One kind of landscape. Fractions are of the scene's area.

    Attributes:
        name: Short name, the one that ``get_climate`` takes.
        weight: How often it is drawn.
        sun_zenith_deg: Range of the sun's zenith angle in degrees.
        relief: Standard deviation of the relative illumination caused by slopes.
        texture: Scale of the natural logarithm of pixel-scale spectral texture.
        cover: Relative frequency of the material groups that provinces are mixed from.
        mineral_cover: Range of the area where one mineral's abundance reaches 0.15.
        farmland: Range of the area of ploughed land, in blocks of parcels.
        pivots: Whether farmland is round (centre-pivot irrigation) rather than parcelled.
        built_up: Range of the area of towns and plants.
        water: Range of the area of lakes and rivers.
        playa: Chance of a playa.
        snow: Chance of snow on the heights.
        roads: Range of the number of roads.
        targets: Small targets (roofs, pads, plastic, panels) per million pixels.
    """

    name: str
    weight: float
    sun_zenith_deg: tuple[float, float]
    relief: float
    texture: float
    cover: Mapping[str, float] = field(hash=False)
    mineral_cover: tuple[float, float]
    farmland: tuple[float, float]
    pivots: bool
    built_up: tuple[float, float]
    water: tuple[float, float]
    playa: float
    snow: float
    roads: tuple[int, int]
    targets: float


CLIMATES: tuple[Climate, ...] = (
    Climate(
        "arid-bright", 0.28, (15, 40), 0.06, 1.0,
        {"soil": 0.55, "rock": 0.25, "dry": 0.12, "green": 0.03, "dark": 0.05},
        (0.012, 0.055), (0.0, 0.03), True, (0.0, 0.01), (0.0, 0.002), 0.6, 0.02, (2, 5), 350.0,
    ),
    Climate(
        "arid-dark", 0.18, (20, 45), 0.10, 1.0,
        {"soil": 0.25, "rock": 0.40, "dry": 0.10, "green": 0.03, "dark": 0.22},
        (0.012, 0.06), (0.0, 0.02), True, (0.0, 0.01), (0.0, 0.004), 0.3, 0.08, (1, 4), 250.0,
    ),
    Climate(
        "semi-arid", 0.20, (20, 50), 0.07, 1.1,
        {"soil": 0.40, "rock": 0.15, "dry": 0.28, "green": 0.12, "dark": 0.05},
        (0.008, 0.035), (0.03, 0.15), True, (0.0, 0.02), (0.001, 0.01), 0.25, 0.05, (2, 6), 350.0,
    ),
    Climate(
        "farmland", 0.14, (20, 48), 0.02, 1.1,
        {"soil": 0.35, "rock": 0.02, "dry": 0.28, "green": 0.33, "dark": 0.02},
        (0.003, 0.015), (0.45, 0.75), False, (0.01, 0.04), (0.003, 0.02), 0.02, 0.02, (4, 9), 450.0,
    ),
    Climate(
        "dark-vegetated", 0.12, (45, 62), 0.08, 1.2,
        {"soil": 0.12, "rock": 0.05, "dry": 0.20, "green": 0.56, "dark": 0.07},
        (0.002, 0.010), (0.02, 0.12), False, (0.0, 0.02), (0.01, 0.05), 0.0, 0.08, (1, 4), 200.0,
    ),
    Climate(
        "urban", 0.08, (20, 45), 0.02, 1.1,
        {"soil": 0.35, "rock": 0.08, "dry": 0.27, "green": 0.25, "dark": 0.05},
        (0.003, 0.015), (0.08, 0.25), False, (0.12, 0.30), (0.003, 0.03), 0.03, 0.0, (6, 12), 900.0,
    ),
)  # fmt: skip


def climate_names() -> list[str]:
    """Return the names that ``get_climate`` knows."""
    return [climate.name for climate in CLIMATES]


def get_climate(name: str) -> Climate:
    """Return a climate by its name.

    Args:
        name: One of ``climate_names()``.

    Returns:
        The climate.

    Raises:
        UsageError: If there is no such climate.
    """
    for climate in CLIMATES:
        if climate.name == name:
            return climate
    raise UsageError(
        "unknown climate", field="climate", found=repr(name), expected=" or ".join(climate_names())
    )
