"""Groups of endmembers and kinds of arrays for the tests of surfaces."""

from __future__ import annotations

from typing import Any

from onboard.minerals import MINERALS
from onboard.scenes.arrays import NumpyRandom, TorchRandom

BACKGROUNDS = (
    *("soil", "sand", "rock", "dark", "green", "dry", "crop", "water", "snow", "playa", "roof", "paving"),
    *("plastic", "panel", "oil", "paint", "bright"),
)
NAMES = (*BACKGROUNDS, *MINERALS)
GROUPS = {name: (3 * i, 3 * i + 1, 3 * i + 2) for i, name in enumerate(NAMES)}
ENDMEMBERS = 3 * len(NAMES)
KINDS: list[Any] = [NumpyRandom, TorchRandom]
