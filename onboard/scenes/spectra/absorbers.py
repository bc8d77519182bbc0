"""Absorption curves of what varies inside one kind of ground: water, iron, organic matter, clay, carbonate.

All are (n,) at wavelengths (n,) in nm. But for water (in 1/cm) they are in units of the espat function at
their strongest, so that an amount of 0.1 is a weak and 1 a strong feature (see ``grains.absorb``).
"""

from __future__ import annotations

import numpy as np

from onboard.scenes.response import Float64

# Liquid water, 1/cm, to about 10 %: Pope and Fry 1997 (Appl. Opt. 36, 8710) in the visible, then Kou et al.
# 1993 (Appl. Opt. 32, 3531) and Wieliczka et al. 1989 (Appl. Opt. 28, 1714).
_WATER = np.array(
    [
        (360, 1e-4), (420, 6e-5), (500, 2e-4), (550, 6e-4), (600, 2.2e-3), (650, 3.4e-3), (700, 6.2e-3),
        (740, 0.026), (800, 0.020), (850, 0.043), (900, 0.068), (930, 0.15), (950, 0.35), (975, 0.487),
        (1000, 0.39), (1035, 0.17), (1070, 0.13), (1110, 0.20), (1150, 0.95), (1195, 1.28), (1225, 1.20),
        (1265, 1.08), (1300, 1.35), (1340, 2.4), (1380, 5.0), (1400, 12.0), (1420, 22.0), (1435, 28.0),
        (1450, 30.5), (1475, 26.6), (1500, 20.0), (1525, 15.0), (1550, 11.0), (1600, 6.9), (1650, 5.2),
        (1690, 4.8), (1740, 6.2), (1780, 7.8), (1830, 8.4), (1860, 13.0), (1880, 37.0), (1900, 82.0),
        (1926, 130.0), (1950, 117.0), (1975, 89.0), (2000, 67.0), (2025, 54.0), (2060, 38.0), (2100, 26.5),
        (2150, 20.5), (2205, 18.0), (2250, 20.0), (2300, 25.0), (2350, 33.0), (2400, 45.0), (2450, 65.0),
        (2500, 95.0), (2520, 105.0),
    ]
)  # fmt: skip
# Air and liquid water of index 1.33 in diffuse light: what is mirrored on the way in, and on the way out.
_MIRROR_IN, _MIRROR_OUT = 0.066, 0.474


def water(nm: Float64) -> Float64:
    """Absorption coefficient (n,) of liquid water in 1/cm."""
    result: Float64 = np.exp(np.interp(nm, _WATER[:, 0], np.log(_WATER[:, 1])))
    return result


def _features(nm: Float64, *features: tuple[float, float, float]) -> Float64:
    """Sum of Gaussians, each (centre nm, sigma nm, height)."""
    total = np.zeros(nm.shape)
    for centre, sigma, height in features:
        total += height * np.exp(-0.5 * ((nm - centre) / sigma) ** 2)
    return total


def iron_oxide(nm: Float64) -> Float64:
    """Ferric iron of a reddish soil: charge transfer below 550 nm, crystal fields at 660 and 900 nm.

    Positions: Morris et al. 1985, JGR 90, 3126-3144; Sherman and Waite 1985, Am. Mineral. 70, 1262-1269.
    """
    transfer = 1.0 / (1.0 + np.exp((nm - 545.0) / 22.0))
    return transfer + _features(nm, (660.0, 45.0, 0.05), (900.0, 70.0, 0.14))


def organic_matter(nm: Float64) -> Float64:
    """Humus: absorption that falls exponentially from the ultraviolet into the near infrared.

    Shape: the concave rise of organic soils, Stoner and Baumgardner 1981, Soil Sci. Soc. Am. J. 45, 1161.
    """
    return np.exp(-(nm - 360.0) / 330.0) + 0.08


def dry_matter(nm: Float64) -> Float64:
    """Cellulose and lignin, 1.7, 2.1 and 2.3 um (Kokaly and Clark 1999, Remote Sens. Environ. 67, 267)."""
    return _features(nm, (1730.0, 28.0, 0.3), (2095.0, 48.0, 1.0), (2275.0, 32.0, 0.55), (2338.0, 24.0, 0.5))


def clay(nm: Float64) -> Float64:
    """Al-OH and bound water of clay in soils (Clark et al. 1990, JGR 95, 12653-12680)."""
    return _features(nm, (1413.0, 16.0, 0.55), (1912.0, 26.0, 1.0), (2206.0, 17.0, 0.6))


def carbonate(nm: Float64) -> Float64:
    """Carbonate of calcareous soils, 2.34 um and its weak company (Gaffey 1986, Am. Mineral. 71, 151)."""
    return _features(nm, (1995.0, 26.0, 0.15), (2155.0, 22.0, 0.1), (2330.0, 33.0, 1.0), (2500.0, 35.0, 0.9))


def wetted(reflectance: Float64, film_cm: Float64, share: Float64, nm: Float64) -> Float64:
    """Return soil under a film of water over part of its surface.

    Args:
        reflectance: Dry spectra (k, n).
        film_cm: Thickness of the film in cm (k,).
        share: Share of the surface that is wet (k,), 0..1.
        nm: Wavelengths (n,).

    Returns:
        Reflectance (k, n): light is mirrored down at the film's inside (Lekner and Dorf 1988, Appl. Opt. 27,
        1278-1280) and absorbed on its two ways through (Bablet et al. 2018, Remote Sens. Environ. 217, 1-17).
    """
    passed = np.exp(-2.0 * film_cm[:, None] * water(nm)[None, :])
    under = passed * reflectance
    wet = (1.0 - _MIRROR_IN) * (1.0 - _MIRROR_OUT) * under / (1.0 - _MIRROR_OUT * under)
    result: Float64 = reflectance + share[:, None] * (wet - reflectance)
    return result
