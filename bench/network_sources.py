"""What was trained, for the table of all networks: out of run folders and bundles, with what it costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from export.card_network import samples_seen, table_of
from export.run_folder import MODEL, read_json
from onboard.errors import CaptureError, OnboardError, UsageError
from onboard.flight.bundle import read_container
from onboard.flight.contents import FLOAT32, read_contents

Row = dict[str, Any]
SEEDS = ("seed", "pool.seed")
UNTOLD = (*SEEDS, "name", "model", "settings", "checkpoint_steps")
"""Keys of a recipe that do not tell one network from another, or are told by the architecture."""
TILE = 128
BUNDLE_SUFFIX = ".onb"


@dataclass(frozen=True)
class Network:
    """An architecture with its settings.

    Attributes:
        name: For people: architecture and variant.
        parameters: As trained.
        methane_macs: MACs a pixel of methane alone, or of everything where it is not to be had alone; None
            without methane.
        all_macs: MACs a pixel of everything.
        settings: All of them, as plain values.
    """

    name: str
    parameters: int
    methane_macs: float | None
    all_macs: float
    settings: str


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
        file: Run folder or bundle.
        digest: SHA-256 of what SimEMIT-1 flies of it: model.pt, or the bundle.
        network: Its network.
        precision: What the body computes in.
        recipe: What was trained, key by key, tables flattened with dots.
        metrics: What the training scored on its patches; empty for a bundle.
    """

    file: Path
    digest: str
    network: Network
    precision: str
    recipe: Mapping[str, Any]
    metrics: Mapping[str, Any]

    @property
    def seed(self) -> str:
        """Seed of weights and sampling, and that of scenes where it is not the usual one."""
        return str(self.recipe.get("seed", "unknown"))

    @property
    def samples_seen(self) -> int | None:
        """Steps times batch."""
        return samples_seen(self.recipe)

    @property
    def kind(self) -> str:
        """What trainings that differ in their seeds alone have in common."""
        rest = {key: value for key, value in self.recipe.items() if key not in UNTOLD}
        return json.dumps([self.network.name, self.network.settings, self.precision, rest], sort_keys=True)

    @property
    def label(self) -> str:
        """Name of the network, with the precision where it is not float32."""
        name = self.network.name
        return name if self.precision == FLOAT32 else f"{name}, {self.precision.upper()}"


def is_training(path: Path) -> bool:
    """Whether a path is a run folder."""
    return (path / "recipe.json").is_file() and (path / "metrics.json").is_file()


def read_training(path: Path) -> Trained:
    """Read a run folder or a bundle.

    Raises:
        CaptureError: A file is missing or damaged, or names no network that can be built.
        BundleError: The bundle cannot be read.
    """
    if path.suffix == BUNDLE_SUFFIX:
        container = read_container(path)
        contents = read_contents(container)
        recipe = table_of(table_of(contents.manifest, "training", str(path)), "recipe", str(path))
        return _trained(path, sha256(container.data).hexdigest(), recipe, {}, contents.precision)
    recipe, metrics = (read_json(path / f"{name}.json") for name in ("recipe", "metrics"))
    try:
        digest = sha256((path / MODEL).read_bytes()).hexdigest()
    except OSError as error:
        raise CaptureError(
            "the trained network cannot be read", file=path / MODEL, found=error.strerror
        ) from None
    return _trained(path, digest, recipe, metrics, FLOAT32)


def _trained(
    path: Path, digest: str, recipe: Mapping[str, Any], metrics: Mapping[str, Any], precision: str
) -> Trained:
    model, settings = recipe.get("model"), table_of(recipe, "settings", str(path))
    if not isinstance(model, str):
        raise CaptureError("the recipe names no network", file=path, field="model", found=model)
    try:
        network = network_of(model, str(recipe.get("sensor", "emit")), json.dumps(settings, sort_keys=True))
    except (OnboardError, TypeError, ValueError, RuntimeError) as error:
        raise CaptureError(
            "the recipe's network cannot be built", file=path, field="model", found=f"{model}: {error}"
        ) from None
    return Trained(path, digest, network, precision, flattened(recipe), metrics)


def flattened(table: Mapping[str, Any], prefix: str = "") -> Row:
    """Return a table with its inner tables' keys joined by dots."""
    flat: Row = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        flat |= flattened(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


@cache
def network_of(model: str, sensor: str, settings: str) -> Network:
    """Build an architecture once, and count.

    Args:
        model: Registered name.
        sensor: Whose bands it sees.
        settings: As a recipe has them, in JSON.

    Raises:
        UsageError: No such architecture, sensor or setting.
    """
    from onboard.models import registry
    from onboard.models.cost import linescan_cost, measure
    from onboard.models.linescan import Linescan
    from onboard.sensors import load_sensor
    from onboard.training.network_input import tasks_of
    from onboard.training.tables import make_tables

    table = load_sensor(sensor)
    network = registry.build(model, centres=table.centres, fwhm=table.fwhm, **json.loads(settings))
    known = json.dumps(network.settings.as_dict(), sort_keys=True)
    if isinstance(network, Linescan):
        cost = linescan_cost(network, len(table.centres), len(make_tables(table).mf_bands))
        return Network(model, cost.parameters, cost.methane, cost.all_tasks, known)
    counted = measure(network, (1, network.channels, TILE, TILE))
    tasks = tasks_of(network)
    methane = counted.macs_a_pixel if "methane" in tasks else None
    name = _variant(model, network.settings.as_dict(), tasks)
    return Network(name, counted.parameters, methane, counted.macs_a_pixel, known)


def _variant(model: str, settings: Mapping[str, Any], tasks: tuple[str, ...]) -> str:
    """``hyper_segformer Conv+Up, minerals``: the published changes, and tasks unless methane alone."""
    names = {"spectral_conv": "Conv", "upscale": "Up", "small_strides": "Stride"}
    changes = "+".join(name for key, name in names.items() if settings.get(key))
    told = f"{model} {changes}".strip() + (" on relative bands" if settings.get("relative") else "")
    return told if tasks == ("methane",) else f"{told}, {' and '.join(tasks)}"


def require_distinct(trainings: list[Trained]) -> None:
    """Refuse the same training twice, and two trainings of one network with the same seeds.

    Raises:
        UsageError: Naming the second one.
    """
    seen: dict[tuple[str, ...], Trained] = {}
    for one in trainings:
        seeds = tuple(str(one.recipe.get(name)) for name in SEEDS)
        for key in ((one.digest,), (one.kind, one.file.suffix, *seeds)):
            if key in seen:
                raise UsageError(
                    "a training is given twice; its seed would count twice",
                    file=one.file,
                    found=f"as {seen[key].file}",
                    expected="trainings that differ in seed, or in something else of their recipes",
                )
            seen[key] = one
