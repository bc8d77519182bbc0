"""Units that captures come in, turned into ours: nm, and uW cm-2 sr-1 nm-1."""

from __future__ import annotations

import math
import re

RADIANCE_UNITS = "uW/cm^2/SR/nm"
MAX_UNIT_CHARACTERS = 120

WAVELENGTH_TO_NM: dict[str, float] = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometers": 1.0,
    "nanometre": 1.0,
    "nanometres": 1.0,
    "um": 1000.0,
    "micrometer": 1000.0,
    "micrometers": 1000.0,
    "micrometre": 1000.0,
    "micrometres": 1000.0,
    "micron": 1000.0,
    "microns": 1000.0,
}
NO_UNITS = ("", "unknown", "none")

WORDS: dict[str, str] = {
    "microwatts": "uw",
    "microwatt": "uw",
    "milliwatts": "mw",
    "milliwatt": "mw",
    "watts": "w",
    "watt": "w",
    "steradians": "sr",
    "steradian": "sr",
    "str": "sr",
    "nanometers": "nm",
    "nanometer": "nm",
    "micrometers": "um",
    "micrometer": "um",
    "microns": "um",
    "micron": "um",
    "centimeters": "cm",
    "centimeter": "cm",
    "meters": "m",
    "meter": "m",
}
POWER_TO_UW: dict[str, float] = {"w": 1e6, "mw": 1e3, "uw": 1.0, "nw": 1e-3}
AREA_TO_CM2: dict[str, float] = {"m": 1e4, "cm": 1.0}
SPECTRAL_TO_NM: dict[str, float] = {"nm": 1.0, "um": 1e3}
TOKEN = re.compile(r"/|[()]|([a-z]+)(-?\d)?|\s+|\.|(.)")


def _plain(text: str) -> str:
    """Lower case, one spelling for micro."""
    return text.strip().lower().replace("µ", "u").replace("μ", "u")


def has_units(text: str | None) -> bool:
    """Whether a units attribute says anything at all."""
    return text is not None and _plain(text) not in NO_UNITS


def wavelength_factor(text: str) -> float | None:
    """What to multiply wavelengths by to have nm, or None if the units are not known.

    Args:
        text: The units as a file gives them, such as "Nanometers" or "um".
    """
    return WAVELENGTH_TO_NM.get(_plain(text))


def radiance_factor(text: str) -> float | None:
    """What to multiply radiance by to have uW cm-2 sr-1 nm-1, or None if the units are not known.

    Reads products and quotients such as "uW/cm^2/SR/nm", "W m-2 sr-1 um-1", "W/(m^2 sr um)" or
    "microwatts per cm^2 per nm per sr". Behind a slash or "per", everything divides.

    Args:
        text: The units as a file gives them.
    """
    if len(text) > MAX_UNIT_CHARACTERS:
        return None
    plain = _plain(text).replace("**", "").replace("^", "").replace("*", " ").replace("·", " ")
    plain = re.sub(r"\bper\b", "/", plain)
    plain = re.sub(r"[a-z]+", lambda word: WORDS.get(word[0], word[0]), plain)
    plain = re.sub(r"([a-z]+)[ _]squared", r"\g<1>2", plain)
    powers = _powers(plain)
    return None if powers is None else _factor(powers)


def _powers(plain: str) -> dict[tuple[str, int], int] | None:
    """Count each (unit, exponent), or None at a character that belongs to no unit."""
    seen: dict[tuple[str, int], int] = {}
    dividing = False
    for match in TOKEN.finditer(plain):
        if match[2 + 1] is not None:
            return None
        if match[0] == "/":
            dividing = True
        if match[1] is None:
            continue
        exponent = int(match[2] or 1)
        if dividing and exponent > 0:
            exponent = -exponent
        key = (match[1], exponent)
        seen[key] = seen.get(key, 0) + 1
    return seen


def _factor(powers: dict[tuple[str, int], int]) -> float | None:
    """The factor of power / area / solid angle / wavelength, each exactly once."""
    parts: dict[str, float] = {}
    for (unit, exponent), count in powers.items():
        if count != 1:
            return None
        if exponent == 1 and unit in POWER_TO_UW:
            part = {"power": POWER_TO_UW[unit]}
        elif exponent == -2 and unit in AREA_TO_CM2:
            part = {"area": 1.0 / AREA_TO_CM2[unit]}
        elif exponent == -1 and unit in SPECTRAL_TO_NM:
            part = {"spectral": 1.0 / SPECTRAL_TO_NM[unit]}
        elif exponent == -1 and unit == "sr":
            part = {"angle": 1.0}
        else:
            return None
        if parts.keys() & part.keys():
            return None
        parts |= part
    # Round away the last bit, so that 1e6 / 1e4 / 1e3 is exactly 0.1.
    return float(f"{math.prod(parts.values()):.12g}") if len(parts) == 4 else None
