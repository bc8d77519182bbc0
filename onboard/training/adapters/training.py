"""What a training on public data sets adds to one on scenes: its sources, and their scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onboard.models.linescan import Linescan
from onboard.training.adapters.judge import TileScores, choose_on_tiles, score_tiles
from onboard.training.adapters.mixture import SceneSource, Source, TileSource
from onboard.training.adapters.registry import SCENES, TILES, open_set
from onboard.training.adapters.samples import extent_of
from onboard.training.adapters.tables import tile_tables
from onboard.training.adapters.tiles import tile_source
from onboard.training.body_input import InputScales
from onboard.training.operating_point import OperatingPoint
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables


def open_sets(recipe: Recipe) -> dict[str, TileSource]:
    """Open a recipe's public data sets and simulated tiles, by name.

    Nothing is written, so a mistake leaves nothing behind.

    Args:
        recipe: The recipe; one without data has none.

    Raises:
        CaptureError: A set is missing or malformed, or has too few bands.
    """
    found: dict[str, TileSource] = {}
    for item in recipe.data:
        if item.name == SCENES:
            continue
        if item.name == TILES:
            found[item.name] = tile_source(recipe, item.path)
            continue
        tiles = open_set(item.name, Path(item.path))
        extent = extent_of(tiles, recipe.pool.lines, recipe.pool.samples, recipe.crop)
        found[item.name] = TileSource(
            tiles, tile_tables(tiles, recipe.ground_classes, recipe.exclude_near), extent
        )
    return found


def all_sources(
    recipe: Recipe, sets: Mapping[str, TileSource], tables: FlightTables, pool: Pool | None
) -> list[Source]:
    """Return a recipe's sources in its order, the simulated scenes among them.

    Args:
        recipe: The recipe.
        sets: Its public data sets.
        tables: Of the recipe's sensor.
        pool: The training scenes; needed if the recipe has scenes among its data.
    """
    sources: list[Source] = []
    for item in recipe.data:
        if item.name == SCENES:
            assert pool is not None
            sources.append(SceneSource(pool, tables, recipe.crop, recipe.continuum_sigma))
        else:
            sources.append(sets[item.name])
    return sources


def judge_tiles(
    network: Linescan, sources: list[Source], scales: InputScales, mineral_label: float
) -> dict[str, dict[str, TileScores]]:
    """Score each set's validation and test tiles: by the set's name, then by part."""
    return {
        source.tiles.name: {
            part: score_tiles(network, source, part, scales, mineral_label) for part in ("validation", "test")
        }
        for source in sources
        if isinstance(source, TileSource)
    }


def tile_point(scores: dict[str, dict[str, TileScores]]) -> OperatingPoint:
    """Choose thresholds on the validation tiles of all sets."""
    return choose_on_tiles([parts["validation"] for parts in scores.values()])


def tile_report(scores: dict[str, dict[str, TileScores]], point: OperatingPoint) -> dict[str, Any]:
    """Return each set's metrics by part, at an operating point."""
    return {
        name: {part: score.report(point) for part, score in parts.items()} for name, parts in scores.items()
    }
