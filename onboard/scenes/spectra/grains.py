"""What grain size and small amounts of another absorber do to a spectrum.

Both act on Hapke's espat function W = (1 - w) / w of the single-scattering albedo w, which for a particle of
absorption coefficient a and effective thickness D is W = a D (Hapke 1981, JGR 86, 3039-3054; used so by
Clark and Roush 1984, JGR 89, 6329-6340): grains s times as coarse have s W, and an absorber spread among the
grains adds its own. Light mirrored by the grains' faces never enters them and does not darken: the albedo of
opaque grains, SURFACE, is where strong bands saturate while weak ones go on deepening, about as the root of
grain size.
"""

from __future__ import annotations

from onboard.scenes.arrays import Array, namespace
from onboard.scenes.spectra.mixing import albedo_of, reflectance_of

# External reflection of a grain of refractive index 1.5 in diffuse light is 0.09; rough faces trap half.
SURFACE = 0.05
LEAST_LEFT = 0.4


def regrain(reflectance: Array, size: Array | float) -> Array:
    """Return the reflectance of the same material in coarser or finer grains.

    Args:
        reflectance: Spectra (..., bands), 0..1.
        size: Grain size relative to what it is now, positive; a number or shaped to broadcast.

    Returns:
        Reflectance (..., bands), nowhere higher for a larger size. What is darker than opaque grains stays.
    """
    xp = namespace(reflectance)
    albedo = albedo_of(reflectance)
    inner = xp.clip((albedo - SURFACE) / (1.0 - SURFACE), min=0.0)
    coarser = inner / (inner + size * (1.0 - inner))
    changed = reflectance_of(SURFACE + (1.0 - SURFACE) * coarser)
    return xp.where(albedo > SURFACE, changed, reflectance)


def absorb(reflectance: Array, amount: Array) -> Array:
    """Return the reflectance after an absorber is spread among the grains, or taken from them.

    Args:
        reflectance: Spectra (..., bands), 0..1.
        amount: What is added to the espat function, (..., bands). Where it is negative it takes away; what
            would leave a band less than 40 % of its absorption is scaled down in all bands alike, so that
            the absorber keeps its shape.

    Returns:
        Reflectance (..., bands), nowhere higher where ``amount`` is positive.
    """
    xp = namespace(reflectance)
    albedo = xp.clip(albedo_of(reflectance), min=1e-4)
    espat = (1.0 - albedo) / albedo
    bearable = (1.0 - LEAST_LEFT) * espat / xp.clip(-amount, min=1e-12)
    part = xp.clip(xp.min(bearable, axis=-1, keepdims=True), max=1.0)
    return reflectance_of(1.0 / (1.0 + espat + xp.where(amount < 0.0, part * amount, amount)))
