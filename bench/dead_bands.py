"""The networks in flight over captures that lack bands: `bench.dead_bands:flight` as a method of SimEMIT-1.

    python -m bench.simemit --set validation --methods flight,bench.dead_bands:flight --out runs/simemit-dead

One band in twenty, drawn anew for each capture, is NaN in every pixel, as from a detector that lost rows.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from bench.methods import Observation, flight_method
from onboard.replay.prediction import Prediction

SHARE = 0.05


def flight(seen: Observation) -> Prediction:
    """Fly a capture without one band in twenty."""
    bands = seen.radiance.shape[2]
    rng = np.random.default_rng(zlib.crc32(seen.name.encode()))
    radiance = seen.radiance.copy()
    radiance[..., rng.choice(bands, round(SHARE * bands), replace=False)] = np.nan
    return flight_method(replace(seen, radiance=radiance))
