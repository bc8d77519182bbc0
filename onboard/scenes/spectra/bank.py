"""Thousands of spectra by group of ground, made once for a band table and drawn from for every scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from onboard.minerals import MINERALS
from onboard.scenes.arrays import Array, Random, seed_of
from onboard.scenes.library import GRID, Library, completed
from onboard.scenes.response import Float64, band_weights, check_bands
from onboard.scenes.spectra.backgrounds import background_spectra
from onboard.scenes.spectra.minerals import mineral_spectra
from onboard.scenes.spectra.mixing import albedo_of
from onboard.scenes.spectra.palette import COUNTS, Groups, Palette, layout
from onboard.scenes.spectra.recipes import RECIPES
from onboard.scenes.spectra.variation import BRIGHTEST, DARKEST, Field, tilted, waves

SIZE = 4000
# A mineral has this share of the number of all backgrounds.
_PER_MINERAL = 0.075
_LEAST = 24
# How far one draw strays from the bank: brightness, slope, then curves of ever shorter period.
_STRAY = (0.20, 0.08, 0.05, 0.03, 0.02)
# A draw takes at most this share from a second spectrum of its group.
_SECOND = 0.5


class SpectralBank:
    """Spectra of every group for one band table.

    Attributes:
        spectra: Reflectance float32 (spectra, bands), 0.003..1.
        members: First number and one past the last of each group's spectra.
        centres: Band centres (bands,) in nm.
    """

    def __init__(self, spectra: Field, members: Mapping[str, tuple[int, int]], centres: Float64) -> None:
        self.spectra = spectra
        self.members = members
        self.centres = centres
        self._there: dict[tuple[str, ...], dict[str, Any]] = {}

    @classmethod
    def build(
        cls, library: Library, centres: ArrayLike, fwhm: ArrayLike, *, seed: int = 0, size: int = SIZE
    ) -> SpectralBank:
        """Make the spectra.

        Args:
            library: Where they come from; classes it lacks are taken from the built-in one, with a log line.
            centres: Band centres (bands,) in nm, within 360-2520.
            fwhm: Full widths at half maximum (bands,) in nm.
            seed: The bank depends on it and the other arguments alone.
            size: About how many background spectra; each mineral has 7.5 % of that on top.

        Raises:
            UsageError: A malformed band table.
        """
        nm, width = check_bands(centres, fwhm)
        library = completed(library)
        known = library.reflectance(nm, width)
        rows = band_weights(GRID, nm, width).astype(np.float32)
        total = sum(COUNTS[group][0] for group in RECIPES)
        members: dict[str, tuple[int, int]] = {}
        parts: list[Field] = []
        first = 0
        for group in COUNTS:
            rng = np.random.default_rng(seed_of((seed, "spectra", group)))
            if group in MINERALS:
                count = max(_LEAST, round(_PER_MINERAL * size))
                made = mineral_spectra(rng, library.spectra[library.members(group)], rows, count)
            else:
                count = max(_LEAST, round(size * COUNTS[group][0] / total))
                made = background_spectra(rng, library, known, nm, RECIPES[group], count)
            members[group] = (first, first + count)
            parts.append(made)
            first += count
        return cls(np.concatenate(parts), members, nm)

    def __len__(self) -> int:
        return len(self.spectra)

    @staticmethod
    def groups(tile: bool = False) -> Groups:
        """Return the layout of the palettes that ``draw`` gives: endmember numbers by group."""
        return layout(tile)

    def draw(self, random: Random, n: int, *, tile: bool = False) -> Palette:
        """Draw the palettes of n scenes, on the array library and device of ``random``.

        Every endmember of every scene is a spectrum of its own: two of its group's, mixed and varied in
        brightness, slope and low-order curves.

        Args:
            random: Source of chance.
            n: Number of scenes.
            tile: Draw the small layout of training tiles.

        Returns:
            The palettes, ``reflectance`` and ``albedo`` (n, endmembers, bands) float32.
        """
        xp, on = random.xp, self._moved(random, tile)
        first, count = on["first"], on["count"]
        shape = (n, first.shape[0], 2)
        picked = xp.astype(random.uniform(shape) * xp.astype(count, xp.float32), xp.int64)
        # Rounding may lift the product to the count itself.
        picked = xp.reshape(first + xp.minimum(picked, count - 1), (-1,))
        both = xp.reshape(xp.take(on["spectra"], picked, axis=0), (*shape, -1))
        share = _SECOND * random.uniform((*shape[:2], 1)) ** 2
        mixed = both[:, :, 0, :] + share * (both[:, :, 1, :] - both[:, :, 0, :])
        curves = random.normal((*shape[:2], len(_STRAY))) @ on["waves"]
        varied = xp.clip(tilted(mixed, curves), min=DARKEST, max=BRIGHTEST)
        return Palette(varied, albedo_of(varied), layout(tile))

    def _moved(self, random: Random, tile: bool) -> dict[str, Array]:
        """Bring the bank to a device once, and keep it there."""
        place = (random.xp.__name__, str(getattr(random, "device", "cpu")))
        if place not in self._there:
            stray = np.array(_STRAY)[:, None] * waves(self.centres, len(_STRAY))
            self._there[place] = {
                "spectra": random.asarray(self.spectra),
                "waves": random.asarray(stray),
            }
        key = (*place, str(tile))
        if key not in self._there:
            groups = layout(tile)
            bounds = np.array([self.members[g] for g, numbers in groups.items() for _ in numbers])[:, None, :]
            self._there[key] = {
                "first": random.asarray(bounds[..., 0], "int64"),
                "count": random.asarray(bounds[..., 1] - bounds[..., 0], "int64"),
            }
        return self._there[place] | self._there[key]
