"""What a training leaves in its run folder, read back: network, tables, thresholds, metrics."""

from __future__ import annotations

import json
import os
import pickle
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onboard.errors import CaptureError, MissingExtraError

if TYPE_CHECKING:
    from onboard.models.linescan import Linescan
    from onboard.training.tables import FlightTables

MODEL = "model.pt"
UNREADABLE = (
    OSError,
    RuntimeError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    ValueError,
    EOFError,
    pickle.UnpicklingError,
)
"""What torch.load and load_state_dict raise for files that are damaged, hostile or of something else."""
REMEDY = "train again with `onboard train RECIPE --out RUN`"


@dataclass(frozen=True)
class TrainedRun:
    """A finished training.

    Attributes:
        network: Stem and body, in evaluation mode.
        architecture: The name it is registered under.
        tables: Band table, normalisation and gas curve it was trained with.
        point: Thresholds and input scales, by the plan's names.
        metrics: Scores, as the training wrote them.
        recipe: What was trained.
        created: When the network was written, UTC, ISO 8601.
    """

    network: Linescan
    architecture: str
    tables: FlightTables
    point: Mapping[str, Any]
    metrics: Mapping[str, Any]
    recipe: Mapping[str, Any]
    created: str


def load_run(folder: Path) -> TrainedRun:
    """Read a run folder that ``onboard train`` finished.

    Raises:
        CaptureError: If a file is missing or does not hold what a training writes.
        MissingExtraError: If torch is not installed.
    """
    try:
        import torch  # noqa: F401

        from onboard.training.tables import FlightTables
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "export", "reading a training") from None
    path = folder / MODEL
    if not path.is_file():
        raise CaptureError(
            "this is not the folder of a finished training",
            file=folder,
            found=f"no {MODEL}",
            expected=f"{MODEL}, tables.npz, operating_point.json, metrics.json and recipe.json",
            remedy=REMEDY,
        )
    tables = FlightTables.load(folder / "tables.npz")
    network, architecture = _load_network(path, tables)
    point, metrics, recipe = (
        read_json(folder / f"{name}.json") for name in ("operating_point", "metrics", "recipe")
    )
    return TrainedRun(network, architecture, tables, point, metrics, recipe, _created(path))


def _load_network(path: Path, tables: FlightTables) -> tuple[Linescan, str]:
    import torch

    from onboard.models import registry

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch guesses aloud about files that are none of its own
            saved = torch.load(path, map_location="cpu", weights_only=True)
        name, settings, state = saved["model"], saved["settings"], saved["state"]
        network = registry.build(name, centres=tables.centres, fwhm=tables.fwhm, **settings)
        network.load_state_dict(state)
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CaptureError(
            "the trained network cannot be read", file=path, found=reason, remedy=REMEDY
        ) from None
    return network.eval(), name


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run folder.

    Raises:
        CaptureError: The file is missing, or holds no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaptureError(
            "a file of the training cannot be read", file=path, found=error, remedy=REMEDY
        ) from None
    if not isinstance(content, dict):
        found = type(content).__name__
        raise CaptureError(
            "a file of the training is malformed", file=path, found=found, expected="an object"
        )
    return content


def _created(path: Path) -> str:
    """Return SOURCE_DATE_EPOCH, or else the file's own time, so that a rebuild gives the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(epoch) if epoch.isdigit() else int(path.stat().st_mtime)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
