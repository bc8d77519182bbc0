"""The spectra of one scene: mixtures and variations of library spectra, sorted into groups of use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.scenes.fields import Field
from onboard.scenes.library import BRIGHTEST, DARKEST, Library

VARIANTS_PER_MINERAL = 2


@dataclass(frozen=True)
class Recipe:
    """How the spectra of a group are made.

    Attributes:
        count: Number of spectra.
        parts: Library classes with their odds; a spectrum mixes two or three draws from them.
        words: If given, only library spectra whose name holds one of these words count.
        gain: Range of the factor on reflectance.
        pure: Chance that a spectrum is one library spectrum, not a mixture.
    """

    count: int
    parts: Mapping[str, float]
    words: tuple[str, ...] = ()
    gain: tuple[float, float] = (0.8, 1.2)
    pure: float = 0.3


RECIPES: dict[str, Recipe] = {
    "soil": Recipe(10, {"soil": 0.75, "other_mineral": 0.15, "dry_vegetation": 0.10}, gain=(0.95, 1.45)),
    "rock": Recipe(9, {"other_mineral": 0.6, "soil": 0.4}, pure=0.1),
    "dark": Recipe(5, {"other_mineral": 0.7, "soil": 0.3}, gain=(0.25, 0.5), pure=0.1),
    "green": Recipe(7, {"vegetation": 0.75, "dry_vegetation": 0.25}, gain=(0.8, 1.3)),
    "dry": Recipe(8, {"dry_vegetation": 0.8, "soil": 0.2}, gain=(0.9, 1.4)),
    "crop": Recipe(10, {"vegetation": 0.5, "dry_vegetation": 0.3, "soil": 0.2}, gain=(0.8, 1.3)),
    "water": Recipe(2, {"water": 1.0}, gain=(0.7, 1.6), pure=1.0),
    "snow": Recipe(2, {"snow_ice": 1.0}, pure=0.5),
    "playa": Recipe(3, {"soil": 0.8, "other_mineral": 0.2}, gain=(1.3, 1.9)),
    "roof": Recipe(10, {"artificial": 1.0}, pure=0.6),
    "paving": Recipe(4, {"artificial": 1.0}, ("asphalt", "concrete", "tar", "brick"), pure=0.6),
    "plastic": Recipe(5, {"artificial": 1.0}, ("plastic", "nylon", "polyester"), pure=0.8),
    "panel": Recipe(2, {"artificial": 1.0}, ("black", "blk", "pete"), (0.3, 0.7)),
    "oil": Recipe(3, {"hydrocarbon": 1.0}, gain=(0.2, 0.7), pure=0.6),
    "paint": Recipe(3, {"artificial": 1.0}, ("paint", "fiberglass", "vinyl"), pure=0.9),
    "bright": Recipe(3, {"artificial": 1.0}, ("metal", "white", "wh ", "tyvek"), (1.1, 1.8), pure=0.9),
}


@dataclass(frozen=True)
class Palette:
    """Spectra of a scene: ``reflectance`` float32 (endmembers, bands), and their numbers by group.

    The groups are those of ``RECIPES`` and the ten minerals, two spectra a mineral.
    """

    reflectance: Field
    groups: Mapping[str, tuple[int, ...]]

    def __len__(self) -> int:
        return int(self.reflectance.shape[0])


def draw_palette(
    rng: np.random.Generator,
    library: Library,
    centres: NDArray[np.float64],
    fwhm: NDArray[np.float64],
    *,
    strength: float = 1.0,
) -> Palette:
    """Draw the spectra of a scene from a library.

    Args:
        rng: Source of randomness.
        library: Spectra; all ten minerals must occur in it, classes missing otherwise are replaced by any
            that are no mineral of the ten.
        centres: Band centres (bands,) in nm.
        fwhm: Full widths at half maximum (bands,) in nm.
        strength: How far spectra stray from the library's (1: as samples of one material do).

    Returns:
        The palette.

    Raises:
        UsageError: If the library lacks one of the ten minerals, or every background.
    """
    spectra = library.reflectance(centres, fwhm)
    by_class = {name: [i for i, own in enumerate(library.classes) if own == name] for name in library.classes}
    background = [i for i, own in enumerate(library.classes) if own not in MINERALS]
    if not background:
        raise UsageError("a library without any background", file=library.source, field="class")
    drawn: list[Field] = []
    groups: dict[str, tuple[int, ...]] = {}
    for group, recipe in RECIPES.items():
        groups[group] = tuple(range(len(drawn), len(drawn) + recipe.count))
        for _ in range(recipe.count):
            drawn.append(_mixture(rng, spectra, _sources(rng, library, recipe, by_class, background), recipe))
    for mineral in MINERALS:
        groups[mineral] = tuple(range(len(drawn), len(drawn) + VARIANTS_PER_MINERAL))
        own = library.members(mineral)
        for _ in range(VARIANTS_PER_MINERAL):
            first, second = rng.choice(own, 2)
            share = np.float32(rng.uniform(0, 1))
            # Grains in the field are coarser and duller than a laboratory's powders.
            gain = np.float32(rng.uniform(0.55, 1.0))
            drawn.append(gain * (share * spectra[first] + (1 - share) * spectra[second]))
    varied = library.perturb(np.stack(drawn), rng, centres, strength)
    return Palette(np.ascontiguousarray(varied, np.float32), groups)


def _sources(
    rng: np.random.Generator,
    library: Library,
    recipe: Recipe,
    by_class: Mapping[str, list[int]],
    background: list[int],
) -> list[int]:
    """Draw up to three library spectra for one mixture."""
    chosen = []
    parts = [name for name in recipe.parts if by_class.get(name)]
    odds = np.asarray([recipe.parts[name] for name in parts])
    for _ in range(1 if rng.random() < recipe.pure else int(rng.integers(2, 4))):
        pool = by_class[str(rng.choice(parts, p=odds / odds.sum()))] if parts else background
        named = [i for i in pool if any(word in library.names[i].lower() for word in recipe.words)]
        chosen.append(int(rng.choice(named or pool)))
    return chosen


def _mixture(rng: np.random.Generator, spectra: Field, sources: list[int], recipe: Recipe) -> Field:
    """Mix library spectra by random shares and brighten or darken the result."""
    shares = rng.dirichlet(np.full(len(sources), 1.5)).astype(np.float32)
    mixed = (shares @ spectra[sources]) * np.float32(rng.uniform(*recipe.gain))
    return np.asarray(np.clip(mixed, DARKEST, BRIGHTEST), np.float32)
