"""The endmembers of scenes: which numbers belong to which group, and their spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onboard.minerals import MINERALS
from onboard.scenes.arrays import Array

Groups = Mapping[str, tuple[int, ...]]

# Spectra of a capture and of a training tile; a mineral's are two, so that it varies inside a patch.
COUNTS: dict[str, tuple[int, int]] = {
    "soil": (11, 6),
    "sand": (5, 2),
    "rock": (9, 4),
    "dark": (5, 2),
    "green": (7, 3),
    "dry": (8, 3),
    "crop": (8, 3),
    "water": (3, 1),
    "snow": (2, 1),
    "playa": (3, 2),
    "roof": (7, 3),
    "paving": (4, 2),
    "plastic": (4, 2),
    "panel": (2, 1),
    "oil": (3, 1),
    "paint": (3, 1),
    "bright": (3, 1),
    **dict.fromkeys(MINERALS, (2, 2)),
}


def layout(tile: bool = False) -> Groups:
    """Return the endmembers' numbers by group: the same for every scene of a kind.

    Args:
        tile: The small layout of training tiles (58 endmembers) rather than that of captures (107).
    """
    groups: dict[str, tuple[int, ...]] = {}
    total = 0
    for group, counts in COUNTS.items():
        count = counts[1] if tile else counts[0]
        groups[group] = tuple(range(total, total + count))
        total += count
    return groups


@dataclass(frozen=True)
class Palette:
    """Spectra of n scenes, float32.

    Attributes:
        reflectance: (n, endmembers, bands), 0.003..1.
        albedo: Single-scattering albedo of the same, (n, endmembers, bands); see ``mixing``.
        groups: Numbers of the endmembers by group, the same for all scenes (see ``layout``).
    """

    reflectance: Array
    albedo: Array
    groups: Groups

    def __len__(self) -> int:
        return int(self.reflectance.shape[-2])
