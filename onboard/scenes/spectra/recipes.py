"""How the background spectra of each group of ground are made from a library's classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Range = tuple[float, float]
NONE: Range = (0.0, 0.0)


@dataclass(frozen=True)
class Recipe:
    """One group's spectra.

    Attributes:
        parts: Library classes with their odds; a spectrum mixes one to three draws from them.
        words: If given, only library spectra whose name holds one of these words count, where there are any.
        without: Library spectra whose name holds one of these words do not count, if others are left.
        gain: Range of the factor on reflectance.
        pure: Chance that a spectrum comes of one library spectrum.
        grain: Spread of the natural logarithm of relative grain size.
        absorbers: Range of the amount, by the name of a function in ``absorbers``; the low end is met most.
        leaf_water_cm: Range of water added to leaves, as thickness in cm; negative dries them.
        film_cm: Largest film of water on wet soil, in cm.
        wet: Chance of being wet.
        glint: Largest reflection of the sky, without colour.
        bend: Scale of the smooth curves that no physics above accounts for.
    """

    parts: Mapping[str, float]
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    gain: Range = (0.8, 1.2)
    pure: float = 0.3
    grain: float = 0.35
    absorbers: Mapping[str, Range] = field(default_factory=dict)
    leaf_water_cm: Range = NONE
    film_cm: float = 0.0
    wet: float = 0.0
    glint: float = 0.0
    bend: float = 1.0


_EARTH: dict[str, Range] = {
    "iron_oxide": (0.0, 0.45),
    "organic_matter": (0.0, 0.5),
    "clay": (0.0, 0.07),
    "carbonate": (0.0, 0.03),
}

RECIPES: dict[str, Recipe] = {
    "soil": Recipe(
        {"soil": 0.78, "other_mineral": 0.14, "dry_vegetation": 0.08},
        gain=(0.9, 1.35), absorbers=_EARTH, film_cm=0.012, wet=0.25,
    ),
    "sand": Recipe(
        {"soil": 0.7, "other_mineral": 0.3}, ("sand", "quartz", "loess", "saline", "albite"),
        gain=(1.1, 1.7), absorbers={"iron_oxide": (0.0, 0.3), "clay": (0.0, 0.05), "carbonate": (0.0, 0.04)},
    ),
    "rock": Recipe(
        {"other_mineral": 0.6, "soil": 0.4},
        pure=0.1, grain=0.6, gain=(0.6, 1.1), absorbers={**_EARTH, "organic_matter": (0.0, 0.1)},
    ),
    "dark": Recipe(
        {"other_mineral": 0.7, "soil": 0.3},
        gain=(0.2, 0.5), pure=0.1, absorbers={"iron_oxide": (0.0, 0.3)}, film_cm=0.004, wet=0.15,
    ),
    "green": Recipe(
        {"vegetation": 0.9, "dry_vegetation": 0.1},
        without=("dry", "dried"),
        gain=(0.5, 1.2), grain=0.15, absorbers={"dry_matter": (0.0, 0.12)}, leaf_water_cm=(-0.006, 0.012),
    ),
    "dry": Recipe(
        {"dry_vegetation": 0.8, "soil": 0.2},
        gain=(0.85, 1.4), grain=0.2, film_cm=0.008, wet=0.12, leaf_water_cm=(0.0, 0.005),
        absorbers={"dry_matter": (0.0, 0.25), "iron_oxide": (0.0, 0.15), "clay": (0.0, 0.04)},
    ),
    "crop": Recipe(
        {"vegetation": 0.5, "dry_vegetation": 0.3, "soil": 0.2},
        gain=(0.7, 1.3), grain=0.15, absorbers={"dry_matter": (0.0, 0.15), "organic_matter": (0.0, 0.2)},
        film_cm=0.008, wet=0.2, leaf_water_cm=(0.0, 0.012),
    ),
    "water": Recipe({"water": 1.0}, gain=(0.5, 1.5), pure=0.5, grain=0.3, glint=0.02),
    "snow": Recipe(
        {"snow_ice": 1.0}, without=("veg",), gain=(1.0, 1.9), pure=0.5, grain=0.7, bend=0.5,
        absorbers={"iron_oxide": (0.0, 0.04), "organic_matter": (0.0, 0.03)},
    ),
    "playa": Recipe(
        {"soil": 0.75, "other_mineral": 0.25}, ("saline", "halite", "pale", "loess", "albite", "quartz"),
        gain=(0.9, 1.5), absorbers={**_EARTH, "organic_matter": (0.0, 0.05)}, film_cm=0.02, wet=0.35,
    ),
    "roof": Recipe({"artificial": 0.75, "soil": 0.25}, gain=(0.5, 1.0), pure=0.1, grain=0.2),
    "paving": Recipe(
        {"artificial": 1.0}, ("asphalt", "concrete", "tar_", "brick"),
        gain=(0.75, 1.3), pure=0.6, grain=0.25, film_cm=0.004, wet=0.1,
    ),
    "plastic": Recipe({"artificial": 1.0}, ("plastic", "nylon", "polyester"), pure=0.8, grain=0.25),
    "panel": Recipe(
        {"artificial": 1.0}, ("solar", "panel", "blksheet", "pipe"), gain=(0.5, 1.1), pure=0.6, glint=0.02
    ),
    "oil": Recipe({"hydrocarbon": 1.0}, gain=(0.3, 1.0), pure=0.6, grain=0.3),
    "paint": Recipe({"artificial": 1.0}, ("paint", "fiberglass", "vinyl"), pure=0.8, grain=0.2),
    "bright": Recipe(
        {"artificial": 1.0}, ("metal", "white", "wh ", "tyvek", "wht"), gain=(1.0, 1.6), pure=0.8, grain=0.2
    ),
}  # fmt: skip
