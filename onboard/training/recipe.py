"""Recipes: everything a training depends on, as a TOML file that is checked key by key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

from onboard.errors import UsageError
from onboard.flight.plan import WHOLE_LIMITS
from onboard.training.overrides import overridden
from onboard.training.tables import EXCLUDE_NEAR

RECIPES = "onboard.training.recipes"
STRIDE = 8
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class PoolRecipe:
    """Patches out of simulated background scenes, by seed, for one purpose each.

    A scene is ``swath`` wide and twice as long as a patch, so that patches of its second half come with
    the column means of its first.

    Attributes:
        swath: Crosstrack size of a scene.
        lines: Downtrack size of a patch.
        samples: Crosstrack size of a patch.
        windows: Patches out of a scene.
        train: Number of training scenes.
        validation: Number of validation scenes; thresholds are chosen on them.
        test: Number of test scenes; only reported.
        seed: First seed; the three sets never share one.
    """

    swath: int = 1242
    lines: int = 192
    samples: int = 256
    windows: int = 4
    train: int = 90
    validation: int = 16
    test: int = 16
    seed: int = 7_000_000


@dataclass(frozen=True)
class DataRecipe:
    """A data set to train on.

    Attributes:
        name: A public set's name (docs/datasets.md), or "scenes" for the simulated pool.
        path: Its folder, or the training CSV in it; scenes need none.
        share: Share of batches, relative to the other sets'.
    """

    name: str = ""
    path: str = ""
    share: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """One training.

    Attributes:
        name: What the recipe is called.
        model: Registered architecture.
        sensor: Sensor whose nominal table is trained on.
        settings: Settings of the architecture.
        seed: Seed of weights and sampling.
        steps: Optimizer steps.
        batch: Patches a step.
        crop: Columns of a patch that the network sees in a step.
        learning_rate: Peak learning rate of the one-cycle schedule.
        weight_decay: Of AdamW.
        checkpoint_steps: A checkpoint every so many steps.
        mineral_label: Abundance from which a mineral counts as present.
        mining_rounds: How often, at even distances, training patches are judged and the worst raised.
        probability_label: Plume probabilities are those of at least this enhancement, ppm m.
        plume_share: Share of such pixels in captures that probabilities are to hold for.
        ground_classes: The matched filter keeps statistics by class of ground.
        exclude_near: Lines and samples around plumes that stay out of the matched filter's means.
        continuum_sigma: Deviation, in log radiance, of changes of the continuum from pixel to pixel.
        precision: Of the body's arithmetic while training, in Lightning's words: "32-true", "bf16-mixed".
        pool: The patches.
        data: Data sets, in batches of one each; the pool alone if there is none.
    """

    name: str
    model: str = "linescan"
    sensor: str = "emit"
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int = 1
    steps: int = 3000
    batch: int = 3
    crop: int = 128
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    checkpoint_steps: int = 200
    mineral_label: float = 0.15
    mining_rounds: int = 0
    probability_label: float = 2000.0
    plume_share: float = 0.002
    ground_classes: bool = True
    exclude_near: int = EXCLUDE_NEAR
    continuum_sigma: float = 0.0
    precision: str = "32-true"
    pool: PoolRecipe = field(default_factory=PoolRecipe)
    data: tuple[DataRecipe, ...] = ()


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by the name of a shipped one, or by the path of a TOML file.

    Args:
        name_or_path: Which recipe.
        overrides: ``key=value`` each, in place of what the recipe says: ``steps=100``, ``pool.train=3``,
            ``data=NAME:PATH`` (see :mod:`onboard.training.overrides`).

    Raises:
        UsageError: No such recipe, broken TOML, an unknown key, or a value of the wrong kind.
    """
    shipped = resources.files(RECIPES) / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if path.suffix == ".toml" and path.is_file():
        text, name = path.read_text(encoding="utf-8"), path.stem
    elif shipped.is_file():
        text, name = shipped.read_text(encoding="utf-8"), name_or_path
    else:
        raise UsageError(
            "no such recipe", found=name_or_path, expected=f"a .toml file or one of {shipped_recipes()}"
        )
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("recipe is not TOML", file=name_or_path, found=str(error)) from error
    table = overridden(table, overrides)
    for part in ("pool", "settings"):
        if not isinstance(table.get(part, {}), dict):
            raise UsageError(
                "recipe value is no table",
                file=name_or_path,
                field=part,
                found=repr(table[part]),
                expected=f"a table: [{part}] in the file, {part}.KEY=VALUE on the command line",
            )
    pool = _checked(PoolRecipe, table.pop("pool", {}), name_or_path, "pool.")
    settings, data = table.pop("settings", {}), _checked_data(table.pop("data", []), name_or_path)
    recipe = Recipe(
        **_checked(Recipe, {"name": name, **table}, name_or_path),
        settings=settings,
        pool=PoolRecipe(**pool),
        data=data,
    )
    _check_values(recipe, name_or_path)
    return recipe


def _check_values(recipe: Recipe, file: str) -> None:
    """Refuse what no training can be made of; before anything is simulated."""
    pool = recipe.pool
    low, high = WHOLE_LIMITS["exclude_near"]
    most = 2 * (pool.swath // max(1, pool.samples))
    # The network's coarsest stride.
    whole = STRIDE if recipe.model == "linescan" else 1
    rules = (
        ("plume_share", recipe.plume_share, 0.0 < recipe.plume_share < 1.0, "above 0, below 1"),
        ("exclude_near", recipe.exclude_near, low <= recipe.exclude_near <= high, f"{low} to {high}"),
        ("precision", recipe.precision, recipe.precision in PRECISIONS, " or ".join(PRECISIONS)),
        ("learning_rate", recipe.learning_rate, recipe.learning_rate > 0, "above 0"),
        *(
            (name, getattr(recipe, name), getattr(recipe, name) >= 1, "at least 1")
            for name in ("steps", "batch", "checkpoint_steps")
        ),
        *(
            (f"pool.{name}", getattr(pool, name), getattr(pool, name) >= 1, "at least 1")
            for name in ("lines", "train", "validation", "test", "windows")
        ),
        ("pool.samples", pool.samples, 1 <= pool.samples <= pool.swath, f"1 to {pool.swath}, the swath"),
        ("crop", recipe.crop, 1 <= recipe.crop <= pool.samples, f"1 to {pool.samples}, a patch's samples"),
        ("pool.windows", pool.windows, pool.windows <= most, f"at most {most}, as many as a scene holds"),
        *(
            (name, size, size % whole == 0, f"a multiple of {whole}")
            for name, size in (
                ("crop", recipe.crop),
                ("pool.lines", pool.lines),
                ("pool.samples", pool.samples),
            )
        ),
    )
    for name, found, holds, expected in rules:
        if not holds:
            raise UsageError(
                "recipe value does not do", file=file, field=name, found=found, expected=expected
            )


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    found = resources.files(RECIPES).iterdir()
    return sorted(item.name.removesuffix(".toml") for item in found if item.name.endswith(".toml"))


def _checked_data(items: Any, file: str) -> tuple[DataRecipe, ...]:
    """Return a recipe's data sets: known, each once, with a path but for what is simulated."""
    from onboard.training.adapters.registry import SIMULATED, check_name

    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UsageError("data is no list of tables", file=file, field="data", expected="[[data]] tables")
    data = tuple(DataRecipe(**_checked(DataRecipe, item, file, "data.")) for item in items)
    for item in data:
        check_name(item.name)
        if not item.path and item.name not in SIMULATED:
            raise UsageError(
                "data set has no path", file=file, field=item.name, expected=f"data={item.name}:PATH"
            )
    names = [item.name for item in data]
    if len(set(names)) < len(names):
        raise UsageError("data set is named twice", file=file, field="data", found=", ".join(names))
    if data and not sum(item.share for item in data) > 0:
        raise UsageError("no data set has a share", file=file, field="data.share", expected="some above 0")
    return tuple(
        DataRecipe(item.name, str(Path(item.path).resolve()) if item.path else "", item.share)
        for item in data
    )


def _checked(kind: type, table: dict[str, Any], file: str, prefix: str = "") -> dict[str, Any]:
    """Return the table, if its keys are the class's and its values of the defaults' kind."""
    known = {item.name: item.type for item in fields(kind)}
    for key, value in table.items():
        if key not in known:
            raise UsageError(
                "unknown recipe key", file=file, field=prefix + key, expected=", ".join(sorted(known))
            )
        wanted: Any = {"int": int, "float": (int, float), "str": str, "bool": bool}.get(str(known[key]))
        truth = isinstance(value, bool) and known[key] != "bool"
        if wanted is not None and (truth or not isinstance(value, wanted)):
            raise UsageError(
                "recipe value is of the wrong kind",
                file=file,
                field=prefix + key,
                found=repr(value),
                expected=str(known[key]),
            )
        if isinstance(value, (int, float)) and not 0 <= value < math.inf:
            raise UsageError(
                "recipe value is negative or no finite number",
                file=file,
                field=prefix + key,
                found=value,
                expected=">= 0",
            )
    return table
