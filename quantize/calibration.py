"""The calibration set: which inputs the networks saw when their ranges were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onboard.models.linescan import Linescan
from onboard.models.log_radiance import LOG_SCALE
from onboard.training.body_input import InputScales
from onboard.training.dataset import PlumePatches, Sample
from onboard.training.network_input import AnyNetwork, logits_of
from onboard.training.pool import Pool
from onboard.training.tables import FlightTables
from quantize.observers import Histogram
from quantize.runtime import open_session, run_each

Array = npt.NDArray[np.float32]
BINS = 2048


@dataclass(frozen=True)
class CalibrationSet:
    """Which samples are calibrated on; the same figures give the same samples.

    Attributes:
        seed: Of drawing patches, flips, stripes and plumes; no training draws with it.
        samples: How many.
        crop: Columns of each, or the whole patch where it has fewer.
        stem_pixels: Pixels for the stem.
    """

    seed: int = 0xCA11B
    samples: int = 24
    crop: int = 128
    stem_pixels: int = 8192

    def as_dict(self) -> dict[str, int]:
        """Return the settings as plain values."""
        return asdict(self)


def draw_samples(
    wanted: CalibrationSet, pool: Pool, tables: FlightTables, mineral_label: float
) -> list[Sample]:
    """Return the calibration set's samples: as in training, four in five of them with plumes.

    Args:
        wanted: Which.
        pool: Patches of the training set.
        tables: The network's tables.
        mineral_label: Abundance from which a mineral counts as present.
    """
    crop = min(wanted.crop, pool[0].valid.shape[1])
    drawn = PlumePatches(pool, tables, wanted.seed, mineral_label, crop)
    return list(islice(drawn, wanted.samples))


def body_planes(network: AnyNetwork, sample: Sample, scales: InputScales) -> Array:
    """Return the body's input planes of one sample, (1, channels, lines, samples) float32.

    Args:
        network: Its stem runs in float32; a published network is all body.
        sample: As :mod:`onboard.training.dataset` makes it.
        scales: Input scaling.
    """
    seen: list[Tensor] = []

    def watch(_: Any, given: tuple[Tensor, ...]) -> None:
        seen.append(given[0])

    body: nn.Module = network.body if isinstance(network, Linescan) else network
    hook = body.register_forward_pre_hook(watch)
    try:
        with torch.no_grad():
            logits_of(network, {key: value[None] for key, value in sample.items()}, scales)
    finally:
        hook.remove()
    return np.asarray(seen[0].numpy(), np.float32)


def stem_pixels(wanted: CalibrationSet, samples: Sequence[Sample]) -> Array:
    """Return seeded pixels of log radiance, (pixels, bands) float32, evenly from all samples."""
    random = np.random.default_rng((wanted.seed, 0x57E4))
    each = -(-wanted.stem_pixels // len(samples))
    parts = []
    for sample in samples:
        log = sample["log"].numpy().reshape(-1, sample["log"].shape[-1])
        parts.append(log[random.choice(len(log), each)].astype(np.float32) / np.float32(LOG_SCALE))
    return np.concatenate(parts)[: wanted.stem_pixels]


def histograms(data: bytes, batches: Sequence[Array]) -> dict[str, Histogram]:
    """Return the histogram of each output of a graph over a set of inputs, in two passes.

    Args:
        data: A float graph whose outputs are the tensors to watch (``graph.with_outputs``).
        batches: Inputs of its static shape.
    """
    session = open_session(data)
    names = [item.name for item in session.get_outputs()]
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for found in run_each(session, batches):
        low = np.minimum(low, [values.min() for values in found])
        high = np.maximum(high, [values.max() for values in found])
    counts = np.zeros((len(names), BINS))
    for found in run_each(session, batches):
        for index, values in enumerate(found):
            counts[index] += _counted(values, float(low[index]), float(high[index]))
    return {
        name: Histogram(counts[index], float(low[index]), float(high[index]))
        for index, name in enumerate(names)
    }


def _counted(values: Array, low: float, high: float) -> npt.NDArray[np.int64]:
    if high <= low:
        return np.bincount([0], weights=[values.size], minlength=BINS).astype(np.int64)
    slots = ((values.ravel() - np.float32(low)) * np.float32(BINS / (high - low))).astype(np.int32)
    return np.asarray(np.bincount(np.minimum(slots, BINS - 1), minlength=BINS)[:BINS])
