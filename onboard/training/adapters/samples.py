"""From a labelled tile to a training sample: log radiance, the filter over it, labels and their masks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from onboard.minerals import MINERALS
from onboard.models.log_radiance import log_radiance, quantize_log
from onboard.training.adapters.common import (
    Array,
    LabelledTile,
    Mask,
    TileRow,
    TileSet,
    Window,
    check_brightness,
)
from onboard.training.background import ground_labels
from onboard.training.dataset import Sample, unpack_log
from onboard.training.strips import filter_patch
from onboard.training.tables import FlightTables

STRIDE = 8
"""Lines and samples come in multiples of this, as the network halves them three times."""
PLUME_SHARE = 0.5
"""Share of training windows that are laid over a labelled plume, where a set has any."""


@dataclass(frozen=True)
class Extent:
    """Size of a set's training samples, multiples of 8: lines, samples that the filter learns from, and
    columns of them that the network sees."""

    lines: int
    samples: int
    crop: int


def extent_of(tiles: TileSet, lines: int, samples: int, crop: int) -> Extent:
    """Return the largest extent that a set's training rows can fill, no larger than a patch's.

    Args:
        tiles: The data set.
        lines: Of a patch.
        samples: Of a patch.
        crop: Columns of a patch that the network sees.
    """
    windows = [row.window for row in tiles.rows["train"]]
    sizes = [(w.lines, w.samples) for w in windows if w is not None]
    if len(sizes) < len(windows):
        row = next(row for row in tiles.rows["train"] if row.window is None)
        sizes.append(tiles.size(row))
    high = _up(min(lines, max(size[0] for size in sizes)))
    wide = _up(min(samples, max(size[1] for size in sizes)))
    return Extent(high, wide, min(_up(crop), wide))


def _up(size: int) -> int:
    return -(-size // STRIDE) * STRIDE


def draw_window(rng: np.random.Generator, tiles: TileSet, row: TileRow, extent: Extent) -> Window:
    """Draw the part of a row that a sample is made of, in half of the cases over a labelled plume.

    Args:
        rng: Source of randomness.
        tiles: The data set.
        row: One of its rows.
        extent: Size of samples; smaller rows are taken whole.
    """
    whole = tiles.whole(row)
    lines, samples = min(extent.lines, whole.lines), min(extent.samples, whole.samples)
    room = (whole.lines - lines, whole.samples - samples)
    at = [int(rng.integers(free + 1)) for free in room]
    if any(room) and row.has_plume is not False and rng.random() < PLUME_SHARE:
        label = tiles.plume_label(row)
        places = np.argwhere(label) if label is not None else np.empty((0, 2), int)
        if len(places):
            place = places[int(rng.integers(len(places)))]
            shift = (int(rng.integers(lines)), int(rng.integers(samples)))
            at = [int(np.clip(place[k] - shift[k], 0, room[k])) for k in (0, 1)]
    return whole.within(at[0], at[1], lines, samples)


def tile_sample(
    tile: LabelledTile,
    tables: FlightTables,
    mineral_label: float,
    size: tuple[int, int] | None = None,
    columns: slice = slice(None),
) -> Sample:
    """Make a sample of a tile; nothing is known of what came before it.

    Holds ``log`` (lines, crop, bands) int16, ``physics`` (lines, crop, 4), ``keep``, ``plume`` and
    ``enhancement`` (lines, crop), ``plume_weight`` (lines, crop), 0 where plumes are not labelled or a
    pixel is not valid, ``minerals`` and ``minerals_known`` (10, lines, crop). Pixels that are not valid
    hold the mean of those that are, so that nothing learns from them.

    Args:
        tile: The tile.
        tables: Of its set's bands.
        mineral_label: Abundance from which a mineral counts as present.
        size: Lines and samples to fill up to with pixels that are not valid; multiples of 8 if None.
        columns: What the network sees; the filter learns from the whole tile.
    """
    check_brightness(tile, tables.reference)
    lines, samples = tile.valid.shape
    tile = padded(tile, *(size or (_up(lines), _up(samples))))
    counts = quantize_log(_filled_log(tile, tables))
    log = unpack_log(counts)
    labels = None if tables.ground is None else ground_labels(counts, tables.ground)
    filtered = filter_patch(log[:, :, tables.mf_bands], tile.valid, tables.filter_tables, labels=labels)
    planes = [filtered.enhancement, filtered.sigma, tile.valid, filtered.brightness]
    shape = tile.valid.shape
    weight = np.zeros(shape, np.float32) if tile.plume is None else tile.valid.astype(np.float32)
    minerals = np.full((len(MINERALS), *shape), np.nan) if tile.minerals is None else tile.minerals
    known = np.isfinite(minerals) & tile.valid
    maps = {
        "keep": filtered.keep,
        "plume": np.zeros(shape) if tile.plume is None else tile.plume & tile.valid,
        "enhancement": np.zeros(shape) if tile.enhancement is None else tile.enhancement,
        "plume_weight": weight if tile.weight is None else weight * tile.weight,
        "minerals": known & (np.nan_to_num(minerals) >= mineral_label),
        "minerals_known": known,
    }
    sample = {key: _tensor(value[..., columns]) for key, value in maps.items()}
    sample["log"] = torch.from_numpy(quantize_log(log[:, columns]))
    sample["physics"] = _tensor(np.stack(planes, axis=2)[:, columns])
    return sample


def padded(tile: LabelledTile, lines: int, samples: int) -> LabelledTile:
    """Return a tile filled up at its end to a size, with pixels that are not valid.

    Args:
        tile: The tile, no larger than the size.
        lines: Wanted.
        samples: Wanted.
    """
    missing = (lines - tile.valid.shape[0], samples - tile.valid.shape[1])
    if not any(missing):
        return tile
    space = ((0, missing[0]), (0, missing[1]))
    minerals = tile.minerals
    if minerals is not None:
        minerals = np.pad(minerals, ((0, 0), *space), constant_values=np.nan)
    return replace(
        tile,
        radiance=np.pad(tile.radiance, (*space, (0, 0))),
        valid=np.pad(tile.valid, space),
        plume=None if tile.plume is None else np.pad(tile.plume, space),
        enhancement=None if tile.enhancement is None else np.pad(tile.enhancement, space),
        weight=None if tile.weight is None else np.pad(tile.weight, space),
        minerals=minerals,
    )


def flipped(tile: LabelledTile, down: bool, across: bool) -> LabelledTile:
    """Return a tile turned over in one direction or both.

    Args:
        tile: The tile.
        down: Turn the lines' order.
        across: Turn the samples' order.
    """
    turn = (slice(None, None, -1 if down else 1), slice(None, None, -1 if across else 1))
    return replace(
        tile,
        radiance=tile.radiance[turn],
        valid=tile.valid[turn],
        plume=None if tile.plume is None else tile.plume[turn],
        enhancement=None if tile.enhancement is None else tile.enhancement[turn],
        weight=None if tile.weight is None else tile.weight[turn],
        minerals=None if tile.minerals is None else tile.minerals[:, *turn],
    )


def _filled_log(tile: LabelledTile, tables: FlightTables) -> Array:
    """Log radiance, the mean of valid pixels where there is none."""
    valid: Mask = tile.valid
    log: Array = np.zeros(tile.radiance.shape, np.float32)
    if valid.any():
        seen = log_radiance(tile.radiance[valid], tables.reference)
        log[:] = seen.mean(axis=0)
        log[valid] = seen
    return log


def _tensor(values: npt.NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
