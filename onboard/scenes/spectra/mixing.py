"""Linear and intimate mixtures of spectra.

Reflectance and single-scattering albedo are tied by Hapke (1981, JGR 86, 3039-3054) for a thick layer of
isotropic scatterers in the two-stream approximation of the H functions, H(x) = (1 + 2x) / (1 + 2x g) with
g = sqrt(1 - w): lit from all over its hemisphere and seen under the cosine mu, the layer reflects

    r = (1 - g) / (1 + 2 mu g),

his directional-hemispherical albedo read backwards by reciprocity. It is what an atmospheric correction
calls reflectance, mu = 1 is the nadir view, and its inverse is exact: g = (1 - r) / (1 + 2 mu r). No phase
function, no opposition surge. In an intimate mixture grains share each photon's path, so that albedo, not
reflectance, adds up by the grains' share of the cross-section.
"""

from __future__ import annotations

from array_api_compat import device

from onboard.scenes.arrays import Array, namespace

MU = 1.0
# Pixels that a processor takes at a time: what they need stays in its cache. A GPU takes all at once.
BLOCK = 4096


def albedo_of(reflectance: Array) -> Array:
    """Return the single-scattering albedo, 0..1, of a reflectance 0..1, elementwise in any shape."""
    # 1 - g without the cancellation that dark spectra would suffer.
    short = reflectance * (1.0 + 2.0 * MU) / (1.0 + 2.0 * MU * reflectance)
    return short * (2.0 - short)


def reflectance_of(albedo: Array) -> Array:
    """Return the reflectance, 0..1, of a single-scattering albedo 0..1, elementwise in any shape."""
    xp = namespace(albedo)
    # Not from g: 1 - g loses its digits where albedo is small.
    g = xp.sqrt(xp.clip(1.0 - albedo, min=0.0))
    return albedo / ((1.0 + g) * (1.0 + 2.0 * MU * g))


def mix(weights: Array, reflectance: Array, albedo: Array, intimacy: Array | float) -> Array:
    """Mix endmembers in every pixel: part of it side by side, part of it grain by grain.

    Args:
        weights: Shares of the endmembers (..., E), non-negative, sum 1.
        reflectance: Endmembers (E, bands) for all pixels, or (n, E, bands) or (n, 1, E, bands) for weights
            (n, ..., E).
        albedo: The same endmembers' ``albedo_of``, shaped like ``reflectance``.
        intimacy: Share of the intimate mixture 0..1 (...), or a number.

    Returns:
        Reflectance (..., bands), float32 for float32 input, within 0..1 but for rounding.
    """
    xp = namespace(weights, reflectance)
    shape, bands = weights.shape, reflectance.shape[-1]
    ends = (-1, *reflectance.shape[-2:])
    # Mixing 1 - w rather than w keeps the root's argument positive whatever rounding does to the weights.
    pure, dark = xp.reshape(reflectance, ends), 1.0 - xp.reshape(albedo, ends)
    rows = xp.reshape(weights, (pure.shape[0], -1, shape[-1]))
    spread = hasattr(intimacy, "shape")
    share: Array = xp.reshape(intimacy, (*rows.shape[:2], 1)) if spread else intimacy
    if str(device(weights)) != "cpu" or (rows.shape[0] == 1 and rows.shape[1] <= BLOCK):
        return xp.reshape(_blend(rows, pure, dark, share), (*shape[:-1], bands))
    mixed = xp.empty((*rows.shape[:2], bands), dtype=weights.dtype, device=device(weights))
    for scene in range(rows.shape[0]):
        for first in range(0, rows.shape[1], BLOCK):
            part = slice(first, first + BLOCK)
            own = share[scene, part] if spread else share
            mixed[scene, part] = _blend(rows[scene, part], pure[scene], dark[scene], own)
    return xp.reshape(mixed, (*shape[:-1], bands))


def _blend(weights: Array, reflectance: Array, dark: Array, share: Array) -> Array:
    """Mix (..., pixels, E) with (..., E, bands) and 1 - albedo; operators in place spare memory its trips."""
    linear = weights @ reflectance
    g = weights @ dark
    g **= 0.5
    g *= 2.0 * MU
    g += 1.0
    mixed = (1.0 + 0.5 / MU) / g
    mixed -= 0.5 / MU
    mixed -= linear
    mixed *= share
    mixed += linear
    return mixed
