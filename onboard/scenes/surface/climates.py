"""The kinds of landscape that a scene can show, as tables of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random

Span = tuple[float, float]


@dataclass(frozen=True)
class Climate:
    """One kind of landscape. Fractions are of the area; a span is the range that scenes are drawn from.

    Attributes:
        name: Short name, the one that ``get_climate`` takes.
        weight: How often it is drawn.
        sun_zenith_deg: Sun's zenith angle in degrees.
        relief: Root mean square slope (rise over run at 60 m); plains and heights differ within a scene.
        texture: Scale of the natural logarithm of pixel-scale spectral texture.
        foliation: Ratio of the lengths along and across the grain of the land.
        strata: How much bedding shows, 0-1.
        cover: Relative frequency of the material groups that provinces are mixed from.
        mineral_cover: Area where one mineral's abundance reaches 0.15.
        farmland: Area of ploughed land, in blocks of parcels.
        pivots: Chance that farmland is round (centre-pivot irrigation) rather than parcelled.
        built_up: Area of towns and plants.
        water: Area of lakes.
        sea: Chance of a coast, where the water's area is tripled and more.
        rivers: Chance that main channels carry water; otherwise they are dry beds.
        fans: Chance of alluvial fans.
        playa: Chance of a playa.
        snow: Chance of snow on the heights.
        snow_cover: Area of the snow.
        roads: Roads that cross a square of 1250 pixels.
        targets: Small targets (roofs, pads, plastic, panels) per million pixels.
        pads: Chance of a field of well pads.
    """

    name: str
    weight: float
    sun_zenith_deg: Span
    relief: Span
    texture: float
    foliation: Span
    strata: float
    cover: Mapping[str, float] = field(hash=False)
    mineral_cover: Span
    farmland: Span
    pivots: float
    built_up: Span
    water: Span
    sea: float
    rivers: float
    fans: float
    playa: float
    snow: float
    snow_cover: Span
    roads: Span
    targets: float
    pads: float


CLIMATES: tuple[Climate, ...] = (
    Climate(
        "arid-bright", 0.26, (15, 40), (0.03, 0.14), 1.0, (1.0, 3.0), 0.6,
        {"sand": 0.45, "soil": 0.26, "rock": 0.15, "dry": 0.09, "green": 0.02, "dark": 0.03},
        (0.012, 0.055), (0.0, 0.03), 0.9, (0.0, 0.01), (0.0, 0.002), 0.02, 0.03, 0.5, 0.6, 0.02,
        (0.002, 0.02), (2, 5), 350.0, 0.3,
    ),
    Climate(
        "arid-dark", 0.17, (20, 45), (0.08, 0.24), 1.0, (1.3, 4.5), 1.0,
        {"sand": 0.12, "soil": 0.20, "rock": 0.36, "dry": 0.09, "green": 0.03, "dark": 0.20},
        (0.012, 0.06), (0.0, 0.02), 0.9, (0.0, 0.01), (0.0, 0.004), 0.02, 0.03, 0.6, 0.3, 0.08,
        (0.002, 0.03), (1, 4), 250.0, 0.1,
    ),
    Climate(
        "semi-arid", 0.19, (20, 50), (0.04, 0.15), 1.1, (1.0, 3.5), 0.5,
        {"sand": 0.14, "soil": 0.32, "rock": 0.14, "dry": 0.25, "green": 0.11, "dark": 0.04},
        (0.008, 0.035), (0.03, 0.15), 0.7, (0.0, 0.02), (0.001, 0.01), 0.03, 0.3, 0.35, 0.25, 0.05,
        (0.002, 0.03), (2, 6), 350.0, 0.35,
    ),
    Climate(
        "farmland", 0.13, (20, 48), (0.008, 0.04), 1.1, (1.0, 1.8), 0.1,
        {"soil": 0.35, "rock": 0.02, "dry": 0.28, "green": 0.33, "dark": 0.02},
        (0.003, 0.015), (0.45, 0.80), 0.2, (0.01, 0.04), (0.003, 0.02), 0.02, 0.8, 0.0, 0.02, 0.02,
        (0.01, 0.3), (4, 9), 450.0, 0.1,
    ),
    Climate(
        "dark-vegetated", 0.11, (45, 62), (0.03, 0.16), 1.2, (1.0, 2.5), 0.2,
        {"soil": 0.12, "rock": 0.05, "dry": 0.20, "green": 0.56, "dark": 0.07},
        (0.002, 0.010), (0.02, 0.12), 0.05, (0.0, 0.02), (0.01, 0.05), 0.05, 0.9, 0.1, 0.0, 0.08,
        (0.01, 0.1), (1, 4), 200.0, 0.1,
    ),
    Climate(
        "urban", 0.08, (20, 45), (0.01, 0.06), 1.1, (1.0, 2.0), 0.2,
        {"soil": 0.35, "rock": 0.08, "dry": 0.27, "green": 0.25, "dark": 0.05},
        (0.003, 0.015), (0.08, 0.25), 0.2, (0.12, 0.30), (0.003, 0.03), 0.2, 0.7, 0.0, 0.03, 0.0,
        (0.0, 0.01), (6, 12), 900.0, 0.05,
    ),
    Climate(
        "coast", 0.03, (20, 50), (0.02, 0.12), 1.1, (1.0, 2.5), 0.3,
        {"soil": 0.38, "rock": 0.15, "dry": 0.22, "green": 0.22, "dark": 0.03},
        (0.004, 0.02), (0.0, 0.15), 0.3, (0.01, 0.08), (0.05, 0.14), 0.95, 0.6, 0.1, 0.1, 0.0,
        (0.0, 0.01), (2, 6), 500.0, 0.05,
    ),
    Climate(
        "snowy-mountains", 0.03, (35, 60), (0.20, 0.38), 1.1, (1.2, 3.5), 0.7,
        {"soil": 0.15, "rock": 0.35, "dry": 0.12, "green": 0.26, "dark": 0.12},
        (0.004, 0.02), (0.0, 0.03), 0.1, (0.0, 0.01), (0.002, 0.02), 0.0, 0.8, 0.4, 0.0, 1.0,
        (0.05, 0.40), (0, 3), 100.0, 0.02,
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


@dataclass(frozen=True)
class Figures:
    """The figures of the climates of a batch, one a scene.

    Attributes:
        random: Source of chance; also says where arrays live.
        climates: The climate of each scene, (n,).
    """

    random: Random
    climates: Sequence[Climate]

    def __len__(self) -> int:
        return len(self.climates)

    def value(self, name: str) -> Array:
        """Return a figure of every scene, float32 (n,)."""
        return self.random.asarray([getattr(climate, name) for climate in self.climates])

    def draw(self, name: str, shape: tuple[int, ...] = ()) -> Array:
        """Draw from the span of a figure, float32 (n, *shape)."""
        spans = self.random.asarray([getattr(climate, name) for climate in self.climates])
        wide = (len(self), *(1 for _ in shape))
        low, high = (self.random.xp.reshape(spans[:, i], wide) for i in (0, 1))
        return low + (high - low) * self.random.child(name).uniform((len(self), *shape))

    def happens(self, name: str) -> Array:
        """Draw whether what a figure is the chance of happens, float32 (n,): 0 or 1."""
        xp = self.random.xp
        drawn = self.random.child(name).uniform((len(self),))
        return xp.astype(drawn < self.value(name), xp.float32)
