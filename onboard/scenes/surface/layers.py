"""Layers of cover: the material that lies over a pixel's background, and the palette it is picked from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import device

from onboard.errors import UsageError
from onboard.scenes.arrays import Array, Random, namespace
from onboard.scenes.surface.tools import Groups

NOTHING = 255


@dataclass(frozen=True)
class Palette:
    """The materials that may cover ground in a scene.

    Attributes:
        members: Endmembers, int64 (n, materials).
        places: First place and number of the materials of each use.
        intimacy: Share that each material is mixed grain by grain with what lies below, float32 (materials,).
        level: Whether each material lies level whatever the terrain, as water does, float32 (materials,).
    """

    members: Array
    places: Mapping[str, tuple[int, int]]
    intimacy: Array
    level: Array

    @property
    def size(self) -> int:
        """Number of materials."""
        return int(self.members.shape[1])

    def pick(self, use: str, chance: Array) -> Array:
        """Return places in the palette, uint8 shaped like ``chance`` (0-1), of the materials of a use."""
        xp = namespace(chance)
        first, count = self.places[use]
        place = xp.clip(xp.floor(chance * count), max=count - 1.0) + first
        return xp.astype(place, xp.uint8)


# Uses of materials: groups with their odds, how many a tile and a capture hold, share mixed intimately.
USES: dict[str, tuple[dict[str, float], int, int, float]] = {
    "water": ({"water": 1}, 1, 2, 0.0),
    "playa": ({"playa": 1}, 1, 2, 0.9),
    "snow": ({"snow": 1}, 1, 1, 0.2),
    "bed": ({"soil": 0.6, "playa": 0.2, "rock": 0.2}, 1, 3, 0.8),
    "bank": ({"green": 0.7, "dry": 0.3}, 1, 3, 0.1),
    "crop": ({"crop": 0.55, "green": 0.1, "dry": 0.15, "soil": 0.2}, 5, 14, 0.2),
    "roof": ({"roof": 0.75, "paving": 0.1, "bright": 0.05, "paint": 0.1}, 4, 12, 0.0),
    "paving": ({"paving": 1}, 1, 4, 0.1),
    "track": ({"soil": 0.6, "playa": 0.2, "paving": 0.2}, 1, 3, 0.6),
    "pad": ({"playa": 0.45, "soil": 0.3, "bright": 0.1, "paving": 0.15}, 1, 3, 0.4),
    "oil": ({"oil": 1}, 1, 3, 0.3),
    "plastic": ({"plastic": 1}, 1, 5, 0.0),
    "paint": ({"paint": 0.7, "bright": 0.3}, 1, 4, 0.0),
    "panel": ({"panel": 1}, 1, 2, 0.0),
}


LEVEL = ("water", "playa")


def draw_palette(random: Random, n: int, groups: Groups, *, tile: bool) -> Palette:
    """Draw the materials that may cover ground.

    Args:
        random: Source of chance.
        n: Scenes.
        groups: Endmember numbers by group.
        tile: Whether these are small tiles, which need few, or captures.

    Returns:
        The palette.

    Raises:
        UsageError: If there is no endmember for a use.
    """
    xp = random.xp
    drawn, places, intimacy, level = [], {}, [], []
    first = 0
    for use, (odds, few, many, close) in USES.items():
        count = few if tile else many
        names = [name for name in odds if groups.get(name)]
        if not names:
            raise UsageError("no endmembers for a cover", field=use, expected=" or ".join(odds))
        own = random.child(use)
        shares = [odds[name] / len(groups[name]) for name in names for _ in groups[name]]
        members = random.asarray([member for name in names for member in groups[name]], "int64")
        places_drawn = xp.reshape(own.choice(shares, (n, count)), (-1,))
        drawn.append(xp.reshape(xp.take(members, places_drawn), (n, count)))
        places[use] = (first, count)
        intimacy += [close] * count
        level += [float(use in LEVEL)] * count
        first += count
    return Palette(xp.concat(drawn, axis=1), places, random.asarray(intimacy), random.asarray(level))


@dataclass(frozen=True)
class Cover:
    """What covers the ground of scenes.

    Attributes:
        material: Place in the palette of what covers most, uint8 (n, lines, samples), 255 for nothing.
        share: Share of the pixel that is covered, float32 (n, lines, samples), 0-1.
    """

    material: Array
    share: Array

    def of(self, figures: Array) -> Array:
        """Return what figures of materials (materials,) are in each pixel, 0 where nothing covers it."""
        xp = namespace(self.share)
        rest = xp.broadcast_to(0 * figures[:1], (NOTHING + 1 - figures.shape[0],))
        flat = xp.reshape(xp.astype(self.material, xp.int64), (-1,))
        return xp.reshape(xp.take(xp.concat([figures, rest]), flat), self.share.shape)

    def under(self, material: Array | int, share: Array) -> Cover:
        """Return this cover with a layer on top; what covers most of a pixel names all of its cover.

        Args:
            material: Place in the palette, or places that broadcast to (n, lines, samples).
            share: Share of the pixel that the layer takes, float32 (n, lines, samples).
        """
        xp = namespace(self.share)
        below = self.share * (1 - share)
        wins = (share >= below) & (share > 0)
        return Cover(xp.where(wins, material, self.material), below + share)


def bare(random: Random, shape: tuple[int, int, int]) -> Cover:
    """Return a cover of nothing."""
    xp = random.xp
    share = xp.zeros(shape, dtype=xp.float32, device=device(random.asarray(0.0)))
    return Cover(xp.full_like(share, NOTHING, dtype=xp.uint8), share)
