"""How spectra vary from pixel to pixel: curves of ln reflectance that fields of the ground scale."""

from __future__ import annotations

from onboard.scenes.air.light import FEATURES, MODULATIONS
from onboard.scenes.arrays import Array, Random
from onboard.scenes.response import Float64

# Centre and width of Al-OH (muscovite, smectite), Fe-OH, CO3 of dolomite and calcite, Mg-OH, C-H and dry
# plants, in nm; Clark et al. 1990, JGR 95, 12653-12680; Elvidge 1990, Int. J. Remote Sensing 11, 1775-1795.
OWN_FEATURES_NM = (
    (2165.0, 16.0),
    (2205.0, 18.0),
    (2250.0, 22.0),
    (2285.0, 20.0),
    (2312.0, 24.0),
    (2338.0, 26.0),
    (2385.0, 22.0),
    (2430.0, 28.0),
)
FAR = 8.0
OWN_DEPTH = 0.03
"""Median depth in ln reflectance, of ground of the climates' usual texture."""


def modulation_curves(random: Random, centres: Float64, strength: Array | float, scenes: int) -> Array:
    """Draw how ln reflectance varies from pixel to pixel, float32 (scenes, 6 + FEATURES, bands).

    Brightness by roughness and moisture, tilt, the iron slope below 900 nm, depth of the liquid-water
    bands, a broad and a narrower feature in 2.1-2.4 um (clays, carbonates, lignin vary at that scale); then
    the absorptions of `air.light.own_features`.

    Args:
        random: Source of chance.
        centres: Band centres (bands,) in nm.
        strength: Relative to arid ground, number or (scenes,).
        scenes: Number of scenes.
    """
    xp = random.xp
    place = random.asarray(centres)
    draws = random.uniform((scenes, 5, 1))

    def bell(centre: Array | float, width: Array | float) -> Array:
        z = (place - centre) / width
        # Far from its centre a bell is 0: numbers below 1e-38 slow a product of matrices down threefold.
        return xp.where(xp.abs(z) < FAR, xp.exp(-0.5 * z * z), 0.0)

    def drawn(index: int, low: float, high: float) -> Array:
        return draws[:, index, :] * (high - low) + low

    flat = xp.ones((scenes, 1), dtype=place.dtype, device=draws.device) * xp.ones_like(place)
    tilt = xp.clip((place - 1400.0) / 1000.0, min=-1.0, max=1.0)
    wet = bell(1450.0, 60.0) + 1.4 * bell(1940.0, 70.0) + 0.25 * bell(2500.0, 160.0)
    broad = bell(drawn(0, 2150, 2350), drawn(1, 90, 160))
    narrow = bell(drawn(2, 2200, 2360), drawn(3, 25, 50)) - 0.5 * bell(drawn(4, 2150, 2250), 30.0)
    iron = bell(450.0, 260.0)
    curves = xp.stack([flat, tilt * flat, -iron * flat, -wet * flat, -broad, -narrow], axis=1)
    amounts = random.asarray([0.050, 0.030, 0.040, 0.030, 0.012, 0.006])[:, None]
    amounts = amounts * random.uniform((scenes, MODULATIONS, 1), 0.6, 1.4)
    scale: Array = strength
    if hasattr(scale, "shape"):
        scale = scale[:, None, None]
    own = [bell(centre, width) * flat for centre, width in OWN_FEATURES_NM]
    deep = -OWN_DEPTH * random.uniform((scenes, FEATURES, 1), 0.4, 1.6) * xp.stack(own, axis=1)
    return xp.concat([curves * amounts, deep], axis=1) * scale
