"""Derive data/atmosphere.csv: sunlight and gas optical depths out of ASTM G173, as pvlib carries it.

Run in a checkout with the development extra: ``python -m onboard.scenes.derive.atmosphere``.
The direct spectrum divided by the extraterrestrial one gives the optical depth of the whole air at air
mass 1.5; Rayleigh and the standard's aerosol are taken off, and what is left is shared among the gases.
"""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onboard.scenes.atmosphere import G173_AIR_MASS, G173_OZONE_CM, rayleigh_optical_depth
from onboard.scenes.response import read_numbers

Float64 = NDArray[np.float64]
TARGET = Path(__file__).parents[1] / "data" / "atmosphere.csv"
GRID = np.arange(360.0, 2521.0)
# Rural aerosol of the standard: tau(500 nm) 0.084 and two Angstrom exponents (Gueymard 1995, SMARTS2).
AEROSOL_500, ANGSTROM_SHORT, ANGSTROM_LONG = 0.084, 0.933, 1.444
# Ozone absorption in 1/cm every 10 nm from 440 nm: Leckner 1978, Solar Energy 20, 143-150.
LECKNER = (
    *(0.0, 0.003, 0.006, 0.009, 0.014, 0.021, 0.030, 0.040, 0.048, 0.063, 0.075, 0.085, 0.103, 0.120),
    *(0.120, 0.115, 0.125, 0.120, 0.105, 0.090, 0.079, 0.067, 0.057, 0.048, 0.036, 0.028, 0.023, 0.018),
    *(0.014, 0.011, 0.010, 0.009, 0.007, 0.004, 0.0),
)
OXYGEN_NM = ((627, 634), (686, 697), (758, 772), (1255, 1285))
CARBON_DIOXIDE_NM = ((1567, 1625), (1990, 2100))
# Background methane: 1.87 ppm over a scale height of 8 km;
# the look-up table's light passes it about 2.2 times.
METHANE_COLUMN_PPM_M, LUT_AIR_MASS = 15000.0, 2.2
NOTE = """\
# Sunlight at 1 au and vertical optical depths of gases at 1 nm, for water vapour 1.4164 cm, ozone 0.3438 cm,
# carbon dioxide 370 ppm, sea level, as seen at air mass 1.5 (strong bands saturate: see atmosphere.py).
# Source: ASTM G173-03 (SMARTS 2.9.2) as carried by pvlib (BSD-3-Clause), split by derive/atmosphere.py.
# sun: uW cm-2 nm-1. The standard's step is 5 nm beyond 1702 nm.
"""


def read_g173() -> tuple[Float64, Float64, Float64]:
    """Return wavelengths in nm, extraterrestrial and direct irradiance in W m-2 nm-1."""
    path = resources.files("pvlib") / "data" / "ASTMG173.csv"
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()[2:] if line]
    table = np.array(rows, dtype=np.float64)
    return table[:, 0], table[:, 1], table[:, 3]


def residual_optical_depth() -> tuple[Float64, Float64]:
    """Return sunlight (n,) in uW cm-2 nm-1 and the gases' vertical optical depth (n,) on the grid."""
    wave, sun, direct = read_g173()
    total = -np.log(np.maximum(direct, 1e-12) / sun) / G173_AIR_MASS
    exponent = np.where(GRID < 500.0, ANGSTROM_SHORT, ANGSTROM_LONG)
    aerosol = AEROSOL_500 * (GRID / 500.0) ** -exponent
    gases = np.interp(GRID, wave, total) - rayleigh_optical_depth(GRID) - aerosol
    return np.interp(GRID, wave, sun) * 100.0, np.clip(gases, 0.0, 12.0)


def methane_optical_depth() -> Float64:
    """Return the background's vertical optical depth (n,) estimated from data/methane.csv."""
    _, numbers = read_numbers("methane.csv")
    fine = -np.log(numbers[:, 2]) / 500.0 * METHANE_COLUMN_PPM_M / LUT_AIR_MASS
    smooth = np.convolve(fine, np.full(5, 0.2), mode="same")
    result: Float64 = np.interp(GRID, numbers[:, 0], smooth, left=0.0, right=0.0)
    return result


def within(ranges: tuple[tuple[int, int], ...]) -> NDArray[np.bool_]:
    """Return where the grid (n,) lies in any of the ranges in nm."""
    inside: NDArray[np.bool_] = np.any([(lo <= GRID) & (hi >= GRID) for lo, hi in ranges], axis=0)
    return inside


def split_gases(gases: Float64) -> dict[str, Float64]:
    """Share the gases' optical depth (n,) among water, oxygen, carbon dioxide, ozone and methane."""
    leckner_nm = 440.0 + 10.0 * np.arange(len(LECKNER))
    ozone = np.minimum(gases, G173_OZONE_CM * np.interp(GRID, leckner_nm, LECKNER))
    methane = np.minimum(gases - ozone, methane_optical_depth())
    rest = gases - ozone - methane
    oxygen = np.where(within(OXYGEN_NM), rest, 0.0)
    carbon = np.where(within(CARBON_DIOXIDE_NM), rest, 0.0)
    water = rest - oxygen - carbon
    # Below 500 nm what is left is the aerosol model's error, and no gas.
    water[GRID < 500.0] = 0.0
    return {"water": water, "oxygen": oxygen, "carbon_dioxide": carbon, "ozone": ozone, "methane": methane}


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    out: Path = parser.parse_args().out
    sun, gases = residual_optical_depth()
    columns = split_gases(gases)
    lines = [NOTE + ",".join(["wavelength_nm", "sun", *columns])]
    for i, wave in enumerate(GRID):
        depths = ",".join(f"{values[i]:.4f}".rstrip("0").rstrip(".") for values in columns.values())
        lines.append(f"{wave:g},{sun[i]:.5g},{depths}")
    out.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
