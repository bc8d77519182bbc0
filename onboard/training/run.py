"""A training from recipe to run folder: patches, network, thresholds, metrics."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import torch

from onboard.errors import OutputError, UsageError
from onboard.models.linescan import Linescan
from onboard.models.registry import build
from onboard.scenes.memory import keep_freed_memory
from onboard.sensors import load_sensor
from onboard.training.adapters.mixture import Source
from onboard.training.adapters.registry import SCENES
from onboard.training.adapters.training import all_sources, judge_tiles, open_sets, tile_point, tile_report
from onboard.training.body_input import InputScales
from onboard.training.calibrated import calibrated
from onboard.training.fit import fit
from onboard.training.network_input import AnyNetwork, tasks_of
from onboard.training.operating_point import choose, report, score_pool
from onboard.training.pool import SETS, Pool, ensure_pool, is_made
from onboard.training.ranks import Ranks, check_share, ranks_of_environment, wait_until
from onboard.training.recipe import Recipe
from onboard.training.stopwatch import Stopwatch
from onboard.training.tables import FlightTables, make_tables

RECIPE_FILE = "recipe.json"
PREFIXES = {"methane": ("plume_", "strong_plume_", "false_events_"), "minerals": ("mineral_",)}
"""How scores begin that are about a task."""


def train(recipe: Recipe, out: Path, *, workers: int = 2, interactive: bool = False) -> dict[str, Any]:
    """Train a recipe into a run folder, going on from its last checkpoint if there is one.

    The folder then holds ``model.pt``, ``tables.npz``, ``operating_point.json``, ``metrics.json``
    and ``recipe.json``; ``pool/`` and ``last.ckpt`` serve a resumed run.

    Args:
        recipe: What to train.
        out: The run folder.
        workers: Processes that simulate patches.
        interactive: Show a bar instead of plain lines.

    Returns:
        The metrics; nothing in those processes of ``torchrun`` that are not the first.

    Raises:
        OutputError: The folder holds another recipe's training, or its pool another one's patches.
        UsageError: The recipe's settings do not make a network.
    """
    started = time.monotonic()
    ranks = ranks_of_environment()
    check_share(recipe, ranks)
    check_settings(recipe)
    sets = open_sets(recipe)
    if ranks.first:
        _claim(out, recipe)
    lightning.seed_everything(recipe.seed, verbose=False)
    # One core belongs to the process that makes samples; more threads than cores slow both down.
    keep_freed_memory()
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // ranks.local_world - 1))
    tables = make_tables(load_sensor(recipe.sensor), recipe.ground_classes, recipe.exclude_near)
    if ranks.first:
        tables.save(out / "tables.npz")
    pools = _pools(recipe, out, make_tables(load_sensor(recipe.sensor)), workers, ranks)
    sources = all_sources(recipe, sets, tables, pools.get("train"))
    simulated = time.monotonic()
    watch = Stopwatch()
    module = fit(recipe, out, tables, pools.get("train"), sources, interactive, ranks, watch)
    network = module.average.module.cpu().eval()
    assert isinstance(network, AnyNetwork)
    if not ranks.first:
        return {}
    trained, training_seconds = time.monotonic(), watch.seconds
    metrics = _judge(network, recipe, out, tables, pools, sources)
    metrics["seconds"] = {
        "training": training_seconds,
        "last_run": {"patches": simulated - started, "judging": time.monotonic() - trained},
    }
    _write(out / "metrics.json", metrics)
    return metrics


def check_settings(recipe: Recipe) -> None:
    """Build the recipe's network once, before anything is simulated or written.

    Raises:
        UsageError: Its settings do not make one.
    """
    sensor = load_sensor(recipe.sensor)
    try:
        build(recipe.model, centres=sensor.centres, fwhm=sensor.fwhm, **recipe.settings)
    except (TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            "the settings do not make a network",
            field="settings",
            found=f"{recipe.settings}: {reason}",
            expected=f"those of {recipe.model} (docs/networks.md)",
        ) from None


def _pools(recipe: Recipe, out: Path, tables: FlightTables, workers: int, ranks: Ranks) -> dict[str, Pool]:
    """Make the patches, or wait until the first process has made them.

    They hold statistics of the classes of ground whether or not the filter takes them.
    """
    if recipe.data and not any(item.name == SCENES for item in recipe.data):
        return {}
    if not ranks.first:
        wait_until(lambda: all(is_made(out / "pool", recipe.pool, part) for part in SETS), "pool")
    return {
        part: ensure_pool(out / "pool", recipe.pool, tables, recipe.sensor, part, workers) for part in SETS
    }


def _claim(out: Path, recipe: Recipe) -> None:
    """Make the folder ours, or find that it was ours."""
    stamp = json.loads(json.dumps(asdict(recipe)))
    if not recipe.data:
        del stamp["data"]
    file = out / RECIPE_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
        if file.exists():
            if json.loads(file.read_text()) != stamp:
                raise OutputError(
                    "run folder holds another training",
                    file=out,
                    field=RECIPE_FILE,
                    found="a different recipe",
                    expected=recipe.name,
                    remedy="choose another --out, or remove the folder",
                )
            return
        _write(file, stamp)
    except OSError as error:
        raise OutputError("run folder cannot be written", file=out, found=error.strerror) from error


def _save_model(network: AnyNetwork, recipe: Recipe, out: Path) -> None:
    state = {"model": recipe.model, "settings": network.settings.as_dict(), "state": network.state_dict()}
    aside = out / "model.pt.partial"
    torch.save(state, aside)
    aside.replace(out / "model.pt")


def _judge(
    network: AnyNetwork,
    recipe: Recipe,
    out: Path,
    tables: FlightTables,
    pools: dict[str, Pool],
    sources: list[Source],
) -> dict[str, Any]:
    """Calibrate and choose thresholds on validation patches, save the network, and report on test's.

    Without patches, thresholds come from the data sets' validation tiles, and probabilities stay as they are.
    """
    scales = InputScales()
    metrics: dict[str, Any] = {}
    validation = None
    if pools:
        validation = score_pool(network, pools["validation"], tables, scales, recipe.mineral_label)
        if isinstance(network, Linescan):
            validation, lines = calibrated(network, validation, recipe.probability_label, recipe.plume_share)
            metrics["calibration"] = lines.as_dict()
    _save_model(network, recipe, out)
    tiles = {}
    if isinstance(network, Linescan):
        tiles = judge_tiles(network, sources, scales, recipe.mineral_label)
    if validation is not None:
        point = choose(validation)
        metrics["validation"] = _said(network, report(validation, point))
        del validation
    else:
        point = tile_point(tiles)
    _write(
        out / "operating_point.json",
        {**point.as_dict(), **scales.as_dict(), "mineral_label": recipe.mineral_label},
    )
    if pools:
        test = score_pool(network, pools["test"], tables, scales, recipe.mineral_label)
        metrics["test"] = _said(network, report(test, point))
    if tiles:
        metrics["data"] = tile_report(tiles, point)
    return metrics


def _said(network: AnyNetwork, scores: dict[str, Any]) -> dict[str, Any]:
    """Return those scores that are about the network's own tasks."""
    silent = tuple(p for task, all_of in PREFIXES.items() if task not in tasks_of(network) for p in all_of)
    return {name: value for name, value in scores.items() if not name.startswith(silent)}


def _write(path: Path, content: object) -> None:
    aside = path.with_suffix(path.suffix + ".partial")
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)
