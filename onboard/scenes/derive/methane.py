"""Derive data/methane.csv from the MODTRAN methane look-up table that the package mag1c carries.

Run in a checkout with the development extra: ``python -m onboard.scenes.derive.methane``.
"""

from __future__ import annotations

import argparse
import re
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CONCENTRATIONS = (0, 500, 1000, 2000, 4000, 8000, 16000)
STEP_NM = 1.0
FIRST_NM, LAST_NM = 1560.0, 2520.0
QUIET_LOG = 2e-4  # below this at 16000 ppm m the look-up table's own rounding shows
TARGET = Path(__file__).parents[1] / "data" / "methane.csv"
NOTE = """\
# Two-way transmittance of added methane against enhancement, from the MODTRAN look-up table of mag1c.
# Source: mag1c 1.2.0 (ch4.lut, BSD-3-Clause); Foote et al. 2020, doi:10.1109/TGRS.2020.2976888.
# radiance: mean of the table's radiance at no enhancement, as the weight for band averages.
# t_A: ratio of mean radiance with A ppm m added to that without, in 1 nm bins. Derived by derive/methane.py.
"""


def read_look_up_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return wavelengths (n,) in nm and radiances (n, 7), one column an enhancement."""
    package = resources.files("mag1c")
    header = package.joinpath("ch4.hdr").read_text(encoding="ascii")
    found = re.search(r"wavelength = \{(.*?)\}", header, re.S)
    if found is None:
        raise SystemExit("ch4.hdr names no wavelengths")
    wave = np.array(found.group(1).split(","), dtype=np.float64)
    table = np.frombuffer(package.joinpath("ch4.lut").read_bytes(), "<f8")
    return wave, table.reshape(wave.size, len(CONCENTRATIONS))


def bin_table(
    wave: NDArray[np.float64], radiance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Average radiance in bins; return centres, weight at no enhancement, and ratios (bins, 7)."""
    centres = np.arange(FIRST_NM, LAST_NM + STEP_NM / 2, STEP_NM)
    index = np.round((wave - FIRST_NM) / STEP_NM).astype(int)
    inside = (index >= 0) & (index < centres.size)
    # The table's points lie ever farther apart: each counts with the width it stands for.
    spacing = np.gradient(wave)
    sums = np.zeros((centres.size, radiance.shape[1]))
    np.add.at(sums, index[inside], (radiance * spacing[:, None])[inside])
    weight = sums[:, 0] / np.bincount(index[inside], spacing[inside], centres.size)
    ratio = sums / sums[:, :1]
    # More methane never brings more light; the rounding of the source does, by parts in 10^5.
    ratio = np.minimum.accumulate(np.minimum(ratio, 1.0), axis=1)
    ratio[-np.log(ratio[:, -1]) < QUIET_LOG] = 1.0
    return centres, weight, ratio


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    out: Path = parser.parse_args().out
    centres, weight, ratio = bin_table(*read_look_up_table())
    lines = [NOTE + "wavelength_nm,radiance," + ",".join(f"t_{c}" for c in CONCENTRATIONS[1:])]
    for c, w, row in zip(centres, weight, ratio, strict=True):
        if row[-1] < 1.0:
            lines.append(f"{c:g},{w:.4g}," + ",".join(f"{v:.5f}".rstrip("0").rstrip(".") for v in row[1:]))
        else:
            lines.append(f"{c:g},{w:.4g}" + ",1" * (len(CONCENTRATIONS) - 1))
    out.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
