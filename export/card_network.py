"""What a model card says of networks and trainings: architecture, size, arithmetic, samples, scenes, time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onboard.errors import CaptureError

if TYPE_CHECKING:
    from export.denoiser import DenoiserRun
    from export.run_folder import TrainedRun
    from onboard.training.tables import FlightTables

Row = dict[str, Any]
RECIPE = (
    "name",
    "seed",
    "steps",
    "batch",
    "crop",
    "learning_rate",
    "mining_rounds",
    "continuum_sigma",
    "probability_label",
    "plume_share",
    "precision",
)
POOL = ("train", "validation", "test", "windows", "lines", "samples", "swath", "seed")


def network_section(run: TrainedRun) -> Row:
    """Return architecture, sizes and arithmetic of a training's network, MACs a pixel by product."""
    from onboard.models.cost import linescan_cost
    from onboard.training.strips import HALO_LINES, STRIP_LINES

    cost = linescan_cost(run.network, len(run.tables.centres), len(run.tables.mf_bands))
    body = sum(item.numel() for item in run.network.body.parameters())
    return {
        "architecture": run.architecture,
        "settings": dict(run.network.settings.as_dict()),
        "parameters": {"as_trained": cost.parameters, "of_them_body": body},
        "strip_lines": STRIP_LINES,
        "halo_lines": HALO_LINES,
        "macs_a_pixel": {
            "stem": cost.stem,
            "matched_filter": cost.filter,
            "methane_body": cost.methane_body,
            "mineral_body": cost.mineral_body,
            "methane_alone": cost.methane,
            "methane_and_minerals": cost.all_tasks,
        },
    }


def denoiser_section(run: DenoiserRun, tables: FlightTables) -> Row:
    """Return sizes and arithmetic of a denoiser, baked for the bands and the window it flies at."""
    from export.denoiser import SAMPLES
    from onboard.models.cost import measure
    from onboard.training.denoising.data import band_table
    from onboard.training.strips import HALO_LINES, STRIP_LINES

    bands, lines = len(tables.mf_bands), STRIP_LINES + 2 * HALO_LINES
    baked = run.network.baked(band_table(str(run.recipe.get("sensor", "emit")), tables.mf_bands, "log"))
    return {
        "architecture": "denoiser",
        "settings": run.network.settings.as_dict(),
        "parameters": sum(item.numel() for item in run.network.parameters()),
        "bands": bands,
        "window": [lines, SAMPLES],
        "macs_a_pixel": measure(baked, (1, bands + 1, lines, SAMPLES)).macs_a_pixel,
    }


def training_section(run: TrainedRun, texts: Mapping[str, str]) -> Row:
    """Return what was trained on: recipe, samples seen, scenes, library, data sets and time.

    What the recipe does not say is None, or left out of its own table.

    Raises:
        CaptureError: The recipe or the metrics hold something of the wrong kind.
    """
    recipe = run.recipe
    pool = table_of(recipe, "pool")
    data = recipe.get("data") or []
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        raise _malformed("data", data, "a list of tables")
    return {
        "recipe": {name: recipe[name] for name in RECIPE if name in recipe},
        "samples_seen": samples_seen(recipe),
        "patches": {name: pool.get(name) for name in POOL} if pool else None,
        # Paths are of the machine that trained.
        "data": [{"name": item.get("name"), "share": item.get("share")} for item in data],
        "scenes": texts["scenes"] if pool else None,
        "library": texts["library"] if pool else None,
        "finished": run.created,
        **_seconds(table_of(run.metrics, "seconds", "metrics.json")),
    }


def _seconds(found: Mapping[str, Any]) -> Row:
    """Time of training over all its runs, where it was counted so, and what was taken in the last run."""
    last = found.get("last_run")
    if not isinstance(last, Mapping):
        return {"seconds": None, "seconds_of_last_run": dict(found) or None}
    return {"seconds": found.get("training"), "seconds_of_last_run": dict(last)}


def samples_seen(recipe: Mapping[str, Any]) -> int | None:
    """Return how many samples a training saw, steps times batch; None where its recipe says neither.

    Raises:
        CaptureError: Steps or batch are no whole numbers above 0.
    """
    steps, batch = recipe.get("steps"), recipe.get("batch")
    for name, value in (("steps", steps), ("batch", batch)):
        good = value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)
        if not good:
            raise _malformed(name, value, "a whole number above 0")
    return None if steps is None or batch is None else int(steps) * int(batch)


def table_of(content: Mapping[str, Any], name: str, file: str = "recipe.json") -> Mapping[str, Any]:
    """Return a table of a run folder's file; an empty one where it is not there.

    Raises:
        CaptureError: It is no table.
    """
    value = content.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _malformed(name, value, "a table", file)
    return value


def _malformed(field: str, found: object, expected: str, file: str = "recipe.json") -> CaptureError:
    return CaptureError(
        "a file of the training is malformed",
        file=file,
        field=field,
        found=found,
        expected=expected,
        remedy="train again with `onboard train RECIPE --out RUN`",
    )
