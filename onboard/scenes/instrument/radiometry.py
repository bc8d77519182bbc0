"""Radiance a count of the EMIT detector stands for: where it saturates and how finely it is quantised.

Counts are 14-bit words, shifted by two places before calibration; elements above 55,000 of 65,535 count as
saturated (emit-sds/emit-sds-l1b, emitrdn.py, config/EMIT_20241025.json, `left_shift_twice`, `saturation_DN`;
coefficients data/emit/EMIT_RadiometricCoeffs_20230119.txt; Apache-2.0).
"""

from __future__ import annotations

import numpy as np

from onboard.scenes.response import Float64
from onboard.sensors import load_sensor

SATURATION_COUNTS = 55_000.0
COUNTS_A_STEP = 4.0
_TABLE = """
    93.374 93.014 95.818 101.929 99.34 96.422 92.711 89.139 86.12 84.565 84.061 83.244 83.58 80.698
    78.385 77.975 75.398 73.467 70.986 70.77 68.644 66.752 66.032 66.024 65.614 66.476 65.918 65.712
    64.695 65.064 64.49 65.318 68.025 69.411 70.132 70.027 69.119 73.188 93.642 73.428 58.678 59.04
    57.467 55.507 52.57 50.691 49.779 49.273 48.911 48.071 46.767 46.462 46.633 46.855 47.258 47.483
    47.681 47.82 47.959 48.846 49.001 49.72 49.26 49.494 50.508 50.223 50.749 51.16 50.917 50.976 52.225
    52.309 53.557 52.896 52.457 54.335 55.296 57.906 58.085 57.371 57.889 58.066 57.331 56.844 57.954
    58.113 58.324 57.683 58.004 58.558 58.055 56.802 56.169 57.156 57.179 55.975 55.164 54.693 53.416
    53.095 50.702 49.403 48.846 48.75 47.896 46.448 44.382 42.79 42.258 40.704 39.637 38.276 36.73
    35.368 34.065 33.663 34.111 34.514 34.101 32.932 34.025 35.308 33.744 32.181 30.618 29.055 27.491
    27.581 25.971 24.077 23.382 27.942 18.274 17.466 17.528 19.228 18.05 15.82 21.929 24.059 23.64
    22.463 21.697 20.696 19.677 19.116 19.543 19.526 19.301 18.756 18.2 17.894 17.297 17.106 16.721
    16.327 16.008 16.01 15.848 15.668 15.445 15.463 15.297 15.267 14.766 14.291 14.565 14.344 14.165
    13.993 13.909 13.808 13.59 13.506 13.239 13.125 13.09 13.069 13.008 12.862 12.771 12.605 12.321
    12.413 12.386 12.325 12.281 12.451 12.368 12.213 12.068 12.4 12.234 10.89 10.421 4.776 3.054 3.085
    2.977 2.989 2.431 2.422 3.6 2.871 2.682 3.431 4.384 6.015 8.9 11.232 11.733 11.852 11.405 11.094
    11.739 11.718 11.613 10.872 10.766 10.734 10.756 10.769 10.736 10.685 10.638 10.619 10.607 10.599
    10.596 10.587 10.564 10.543 10.522 10.533 10.55 10.504 10.495 10.503 10.457 10.354 10.279 10.22
    10.266 10.226 10.212 10.316 10.281 10.287 10.27 10.238 10.275 10.266 10.25 10.336 10.24 10.244 10.22
    10.32 10.297 10.268 10.349 10.381 10.26 10.317 10.356 10.429 10.316 10.418 10.42 10.639 10.649
    10.372 10.558 10.919 11.015 10.496 10.563 10.355 10.844 10.041 9.778 9.847 9.76 7.613 5.059
"""
COEFFICIENTS: Float64 = np.array(_TABLE.split(), dtype=np.float64) * 1e-5
"""uW cm-2 sr-1 nm-1 a count, one a band of the product, from 381 to 2493 nm."""


def radiance_per_count(centres: Float64) -> Float64:
    """Return uW cm-2 sr-1 nm-1 a count at wavelengths (bands,) in nm, interpolated between EMIT's bands."""
    return np.asarray(np.interp(centres, load_sensor("emit").centres, COEFFICIENTS))


def full_scale(centres: Float64) -> Float64:
    """Return the radiance (bands,) at which the detector saturates, uW cm-2 sr-1 nm-1."""
    return SATURATION_COUNTS * radiance_per_count(centres)


def quantum(centres: Float64) -> Float64:
    """Return the radiance (bands,) between two counts of the 14-bit words, uW cm-2 sr-1 nm-1."""
    return COUNTS_A_STEP * radiance_per_count(centres)
