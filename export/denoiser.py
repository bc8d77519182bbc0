"""From a denoiser's run folder to the parts of a bundle: the graph, and what flight needs to know of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from export.onnx import ALLOWED_OPERATORS, ExportError, Graph, export_graph
from onboard.errors import CaptureError, MissingExtraError
from onboard.flight.denoiser_plan import DENOISER_GRAPH, DENOISER_PLAN, DenoiserPlan

if TYPE_CHECKING:
    from onboard.models.denoiser import Denoiser
    from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]

NETWORK = "network.pt"
SAMPLES = 464
"""Of the window: three panels of EMIT's 1242 samples; a window of the whole width would take 2.7 times the
memory, the largest of a session's needs."""
OPERATORS = ALLOWED_OPERATORS | {"Abs", "Div", "Reciprocal", "Sqrt"}
"""Beside what stem and body may have: on planes Abs and one Div, the others on a value a band or less. The
denoiser flies in float; INT8 asks nothing of them."""
PROBE_SEED = 0xDE
PROBE_NOISE = 0.01
COUNTS = 4096.0


@dataclass(frozen=True)
class DenoiserRun:
    """A finished training of a denoiser.

    Attributes:
        network: In evaluation mode.
        recipe: What was trained.
        report: Steps and time of it, as the training wrote them.
        digest: SHA-256 of the network's file, in hex.
    """

    network: Denoiser
    recipe: Mapping[str, Any]
    report: Mapping[str, Any]
    digest: str


def load_denoiser(folder: Path) -> DenoiserRun:
    """Read the run folder that ``python -m onboard.training.denoising`` finished.

    Raises:
        CaptureError: If a file is missing or unreadable, or the network is no denoiser that flies.
        MissingExtraError: If torch is not installed.
    """
    try:
        from onboard.models.denoiser import Denoiser
        from onboard.training.denoising.module import load_network
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "export", "reading a denoiser") from None
    from export.run_folder import read_json

    path = folder / NETWORK
    if not path.is_file():
        raise CaptureError(
            "this is not the folder of a finished denoiser",
            file=folder,
            found=f"no {NETWORK}",
            expected=f"{NETWORK}, recipe.json and report.json",
            remedy="train one with `python -m onboard.training.denoising --out RUN`",
        )
    network = load_network(path)
    if not isinstance(network, Denoiser):
        raise CaptureError(
            "only the denoiser flies", file=path, found=type(network).__name__, expected="Denoiser"
        )
    recipe, report = (read_json(folder / f"{name}.json") for name in ("recipe", "report"))
    return DenoiserRun(network, recipe, report, hashlib.sha256(path.read_bytes()).hexdigest())


def export_denoiser(run: DenoiserRun, tables: FlightTables, *, lines: int, samples: int = SAMPLES) -> Graph:
    """Export a denoiser, baked for the bands of a bundle's matched filter; parity checked.

    Args:
        run: The denoiser's training.
        tables: Band table of the bundle.
        lines: Of the window: a strip and its halo either side; a multiple of 8.
        samples: Of the window; a multiple of 8.

    Raises:
        ExportError: It was trained for another sensor's bands, or cannot be exported as flight needs it.
    """
    from onboard.sensors import load_sensor
    from onboard.training.denoising.data import band_table

    name = str(run.recipe.get("sensor", "emit"))
    sensor = load_sensor(name)
    if sensor.centres.shape != tables.centres.shape or not np.allclose(
        sensor.centres, tables.centres, atol=0.01
    ):
        raise ExportError(
            "the denoiser's sensor has other bands than the bundle",
            field="denoiser: sensor",
            found=name,
            expected="the sensor of the training that the bundle is built of",
        )
    bands = len(tables.mf_bands)
    return export_graph(
        run.network.baked(band_table(name, tables.mf_bands, "log")),
        name="denoiser",
        input_name="planes",
        input_shape=(1, bands + 1, lines, samples),
        output_name="denoised",
        operators=OPERATORS,
        inputs=[probe_planes(bands, lines, samples, seed) for seed in (PROBE_SEED, PROBE_SEED + 1)],
    )


def probe_planes(bands: int, lines: int, samples: int, seed: int) -> Array:
    """Return seeded planes (1, bands + 1, lines, samples) as flight fills them, for the check of parity.

    Uneven ground with noise, a striped and a dead column, a lost line, and what lies beyond a narrow swath's
    edge. Normal values would be no cube at all, and switch every bound of the network on.
    """
    random = np.random.default_rng(seed)
    level = random.normal(0.0, 0.3, (1, lines // 8 + 1, samples // 8 + 1)).repeat(8, 1).repeat(8, 2)
    slope = np.linspace(-0.5, 0.5, bands)[:, None, None]
    ground = level[:, :lines, :samples] * (1.0 + slope)
    planes = ground + random.normal(0.0, PROBE_NOISE, (bands, lines, samples))
    planes[bands // 2, :, samples // 3] += 0.1
    planes[: bands // 4 + 1, :, samples // 2] = -4.0
    valid = np.ones((1, lines, samples))
    lost, edge = lines // 2, samples - samples // 8
    planes[:, lost], valid[:, lost] = planes[:, lost - 1], 0.0
    planes[:, :, edge:], valid[:, :, edge:] = planes[:, :, edge - 1 : edge], 0.0
    counts = np.rint(np.clip(planes, -4.0, 3.0) * COUNTS) / COUNTS
    return np.concatenate([counts, valid])[None].astype(np.float32)


def denoiser_parts(graph: Graph, inference_bytes: int) -> tuple[DenoiserPlan, dict[str, bytes]]:
    """Return the plan of an exported denoiser, and both parts of the bundle."""
    plan = DenoiserPlan(graph.input_shape[2], graph.input_shape[3], inference_bytes)
    return plan, {DENOISER_PLAN: plan.pack(), DENOISER_GRAPH: graph.data}
