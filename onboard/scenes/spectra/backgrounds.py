"""Background spectra: library spectra mixed by recipe, then varied by grain, absorbers, water and light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onboard.minerals import MINERALS
from onboard.scenes.library import Library
from onboard.scenes.response import Float64
from onboard.scenes.spectra import absorbers
from onboard.scenes.spectra.grains import absorb, regrain
from onboard.scenes.spectra.mixing import albedo_of, reflectance_of
from onboard.scenes.spectra.recipes import Recipe
from onboard.scenes.spectra.variation import BRIGHTEST, DARKEST, Field, tilted, waves

PARTS = 3
# Brighter than this is no ground but a mirror.
_LIMIT = 0.96
_BEND = (0.0, 0.07, 0.05, 0.04, 0.025, 0.02)


def background_spectra(
    rng: np.random.Generator, library: Library, known: Field, nm: Float64, recipe: Recipe, count: int
) -> Field:
    """Make the spectra of one group.

    Args:
        rng: Source of chance.
        library: Names and classes of the known spectra.
        known: Reflectance of the library's spectra (len(library), bands).
        nm: Band centres (bands,).
        recipe: What the group is made of.
        count: Number of spectra.

    Returns:
        Reflectance float32 (count, bands), 0.003..1.
    """
    sources = draw_sources(rng, library, recipe, count)
    shares = rng.gamma(1.5, size=(count, PARTS))
    number = np.where(rng.random(count) < recipe.pure, 1, rng.integers(2, PARTS + 1, count))
    shares *= np.arange(PARTS) < number[:, None]
    shares /= shares.sum(axis=1, keepdims=True)
    intimate = rng.random((count, 1))
    parts = known[sources].astype(np.float64)
    linear = np.einsum("kp,kpb->kb", shares, parts)
    rho = linear + intimate * (reflectance_of(np.einsum("kp,kpb->kb", shares, albedo_of(parts))) - linear)
    rho = regrain(rho, np.exp(recipe.grain * rng.standard_normal((count, 1))))
    rho = absorb(rho, _admixtures(rng, nm, recipe, count))
    if any(recipe.leaf_water_cm):
        rho = absorb(rho, _leaf_water(rng, nm, recipe, count))
    if recipe.wet:
        wet = rng.random(count) < recipe.wet
        film = recipe.film_cm * rng.random(count)
        rho = absorbers.wetted(rho, film, wet * rng.uniform(0.2, 1.0, count), nm)
    gain = rng.uniform(*recipe.gain, (count, 1))
    rho = rho * np.minimum(gain, _LIMIT / rho.max(axis=1, keepdims=True))
    rho = rho + recipe.glint * rng.random((count, 1)) ** 2
    bend = recipe.bend * np.array(_BEND)[:, None] * waves(nm, len(_BEND))
    rho = tilted(rho, rng.standard_normal((count, len(_BEND))) @ bend)
    result: Field = np.clip(rho, DARKEST, BRIGHTEST).astype(np.float32)
    return result


def draw_sources(rng: np.random.Generator, library: Library, recipe: Recipe, count: int) -> NDArray[np.int64]:
    """Draw the library spectra (count, PARTS) that each spectrum mixes.

    Classes that the library lacks count as absent; if all are, any spectrum that is none of the ten minerals
    will do.
    """
    classes = np.array(library.classes)
    odds = {name: weight for name, weight in recipe.parts.items() if np.any(classes == name)}
    pools = [np.flatnonzero(classes == name) for name in odds]
    if not pools:
        pools, odds = [np.flatnonzero(~np.isin(classes, MINERALS))], {"any": 1.0}
    lowered = [name.lower() for name in library.names]
    for place, pool in enumerate(pools):
        kept = [i for i in pool if not any(word in lowered[i] for word in recipe.without)] or list(pool)
        named = [i for i in kept if any(word in lowered[i] for word in recipe.words)]
        pools[place] = np.array(named or kept)
    weights = np.array(list(odds.values()))
    kind = rng.choice(len(pools), (count, PARTS), p=weights / weights.sum())
    number = rng.random((count, PARTS))
    sources = np.zeros((count, PARTS), np.int64)
    for place, pool in enumerate(pools):
        own = kind == place
        sources[own] = pool[(number[own] * len(pool)).astype(np.int64)]
    return sources


def _admixtures(rng: np.random.Generator, nm: Float64, recipe: Recipe, count: int) -> Float64:
    """Amounts (count, bands) for the espat function: each absorber little most often, much at times."""
    total = np.zeros((count, nm.size))
    for name, (low, high) in recipe.absorbers.items():
        amount = low + (high - low) * rng.random(count) ** 2
        total += amount[:, None] * getattr(absorbers, name)(nm)
    return total


def _leaf_water(rng: np.random.Generator, nm: Float64, recipe: Recipe, count: int) -> Float64:
    """Amounts (count, bands) of leaf water; light crosses a leaf on its way in and on its way out."""
    amount = 2.0 * rng.uniform(*recipe.leaf_water_cm, count)[:, None] * absorbers.water(nm)
    return np.asarray(amount, np.float64)
