"""Trained published networks as methods of SimEMIT-1: `bench.peers:hyper_segformer` and so on.

Which one flies is said by its weights, given where a bundle would be:

    python -m bench.simemit --set validation --methods bench.peers:hyper_segformer \\
        --bundle runs/segformer/model.pt --out runs/simemit-segformer

The run folder around them holds the tables that they were trained with. Scores are kept by the weights'
hash; two trainings of one architecture want two folders ``--out``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.methods import Observation
from onboard.captures import BandMatch, band_match
from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models.filter_tables import FilterTables
from onboard.models.log_radiance import LOG_SCALE, log_radiance, quantize_log
from onboard.models.network import PeerNetwork
from onboard.replay.prediction import Prediction
from onboard.replay.resampled_gas import resampled_gas
from onboard.training.network_input import peer_logits
from onboard.training.strips import FilteredPatch, filter_counts
from onboard.training.tables import FlightTables

Array = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int16]
TILE = 128
OVERLAP = 32
"""Of neighbouring tiles; each keeps its middle, half of this from every edge that has a neighbour."""
TILES_AT_A_TIME = 4
BLOCK_LINES = 64


class Gas(NamedTuple):
    """What the filter knows of methane.

    Attributes:
        mf_bands: (K,) its bands.
        alphas: (points,) ppm m.
        log_transmittance: (points, K).
    """

    mf_bands: npt.NDArray[np.int64]
    alphas: npt.NDArray[np.float64]
    log_transmittance: npt.NDArray[np.float64]


def hyper_segformer(seen: Observation) -> Prediction:
    """A HyperSegFormer (Ruzicka and Markham 2025), trained here."""
    return _fly(seen, "hyper_segformer")


def hyper_efficientvit(seen: Observation) -> Prediction:
    """A HyperEfficientViT (Ruzicka and Markham 2025), trained here."""
    return _fly(seen, "hyper_efficientvit")


def hyper_starcop(seen: Observation) -> Prediction:
    """A HyperSTARCOP (Ruzicka et al. 2023), trained here, on the streaming filter that it was trained on."""
    return _fly(seen, "hyper_starcop")


def hyper_starcop_column(seen: Observation) -> Prediction:
    """The same on the column-wise matched filter, whose statistics are the whole capture's."""
    from onboard.models.column_filter import column_filter

    found = column_filter(seen.radiance, seen.centres, seen.fwhm, valid=seen.valid)
    return _fly(seen, "hyper_starcop", found.enhancement)


def _fly(seen: Observation, name: str, enhancement: Array | None = None) -> Prediction:
    """Run the network that the observation's ``bundle`` names over a capture."""
    network, tables = load_peer(seen.bundle, name)
    match = band_match(seen.centres, seen.fwhm, tables.centres, tables.fwhm)
    if network.input.kind == "filter_rgb" and enhancement is None:
        enhancement = _streaming_filter(seen, match, tables)
    probability = fly_tiles(network, seen, match, tables, enhancement)
    probability[:, ~seen.valid] = np.nan
    plume = probability[0] if "methane" in network.tasks else None
    minerals = probability[-len(MINERALS) :] if "minerals" in network.tasks else None
    return Prediction(
        plume,
        "probability",
        mineral_scores=minerals,
        mineral_names=MINERALS if minerals is not None else (),
    )


@lru_cache(maxsize=1)
def load_peer(model: Path | None, name: str) -> tuple[PeerNetwork, FlightTables]:
    """Return a trained published network and its tables.

    Args:
        model: The ``model.pt`` of a finished training.
        name: The architecture it should be.

    Raises:
        UsageError: No weights are named, or they are another architecture's.
        CaptureError: The run folder is damaged or unfinished.
    """
    from export.run_folder import load_run

    usage = f"--bundle RUN/model.pt, as `onboard train peers model={name} --out RUN` leaves it"
    if model is None:
        raise UsageError("a trained network is wanted", field="--bundle", found="none", expected=usage)
    run = load_run(model.parent)
    if run.architecture != name or not isinstance(run.network, PeerNetwork):
        raise UsageError(
            "another network was trained there", file=model, found=run.architecture, expected=name
        )
    return run.network, run.tables


def fly_tiles(
    network: PeerNetwork,
    seen: Observation,
    match: BandMatch,
    tables: FlightTables,
    enhancement: Array | None = None,
) -> Array:
    """Return (logits, lines, samples) float32 probabilities, tile by tile.

    Memory does not grow with lines, but for a network that sees bands relative to their column.

    Args:
        network: In evaluation mode.
        seen: The capture.
        match: From the capture's bands to the tables'.
        tables: The network's tables.
        enhancement: (lines, samples) ppm m of a matched filter, for networks that take one.
    """
    lines, samples = seen.valid.shape
    normal = _relative(network, seen, match, tables) if network.relative else None
    result = np.empty((network.logits, lines, samples), np.float32)
    spans_across = list(tile_spans(samples))
    for first, end, keep_first, keep_end in tile_spans(lines):
        counts = _counts(seen, slice(first, end), match, tables, np.asarray(network.bands))
        given = np.zeros(counts.shape[:2], np.float32) if enhancement is None else enhancement[first:end]
        physics = _physics(given, seen.valid[first:end])
        for group in range(0, len(spans_across), TILES_AT_A_TIME):
            spans = spans_across[group : group + TILES_AT_A_TIME]
            columns = [slice(left, right) for left, right, _, _ in spans]
            rows = None if normal is None else normal[first:end]
            found = _probability(network, counts, physics, columns, rows)
            for tile, (left, _, from_, to) in zip(found, spans, strict=True):
                result[:, keep_first:keep_end, from_:to] = tile[
                    :, keep_first - first : keep_end - first, from_ - left : to - left
                ]
    return result


def tile_spans(size: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first, end, first kept, end kept) of the tiles along an axis; what is kept covers it once.

    Args:
        size: Lines or samples; a shorter axis is one tile.
    """
    furthest = max(size - TILE, 0)
    starts = [*range(0, furthest, TILE - OVERLAP), furthest]
    kept = 0
    for index, first in enumerate(starts):
        end = min(first + TILE, size)
        last = index == len(starts) - 1
        keep_end = size if last else (end + starts[index + 1] + 1) // 2
        yield first, end, kept, keep_end
        kept = keep_end


def _probability(
    network: PeerNetwork, counts: Counts, physics: Tensor, columns: list[slice], rows: Array | None
) -> npt.NDArray[np.float32]:
    """(tiles, logits, lines, columns) of some tiles of a row of them."""
    log = torch.from_numpy(np.stack([counts[:, here] for here in columns]))
    planes = torch.stack([physics[:, here] for here in columns])
    normal = None if rows is None else torch.from_numpy(np.stack([rows[:, here] for here in columns]))
    with torch.inference_mode():
        found = torch.sigmoid(peer_logits(network, log, planes, picked=True, normal=normal))
    first = 0 if "methane" in network.tasks else 1
    return np.asarray(found[:, first : first + network.logits].numpy())


def _physics(enhancement: Array, valid: npt.NDArray[np.bool_]) -> Tensor:
    """(lines, samples, 4): what published networks know of the filter and of validity."""
    nothing = np.zeros_like(enhancement)
    planes = [np.nan_to_num(enhancement), nothing, valid.astype(np.float32), nothing]
    return torch.from_numpy(np.stack(planes, axis=-1))


def _counts(
    seen: Observation,
    rows: slice,
    match: BandMatch,
    tables: FlightTables,
    bands: npt.NDArray[np.int64],
) -> Counts:
    """(rows, samples, bands) int16 log radiance, 4096 a unit, as in flight; 0 where it is no number."""
    found = np.empty((rows.stop - rows.start, seen.radiance.shape[1], len(bands)), np.int16)
    for first in range(rows.start, rows.stop, BLOCK_LINES):
        end = min(first + BLOCK_LINES, rows.stop)
        block = seen.radiance[first:end]
        block = block if match.identical else match.apply(block)
        picked = np.nan_to_num(block[..., bands])
        found[first - rows.start : end - rows.start] = quantize_log(
            log_radiance(picked, tables.reference[bands])
        )
    return found


def _relative(network: PeerNetwork, seen: Observation, match: BandMatch, tables: FlightTables) -> Array:
    """(lines, samples, its bands) float32 relative to running column means, as training made it."""
    bands = _counts(seen, slice(0, len(seen.valid)), match, tables, np.asarray(network.bands))
    dynamic = bands.astype(np.float32) / np.float32(LOG_SCALE)
    return _filtered(seen, match, tables, dynamic).dynamic


def _streaming_filter(seen: Observation, match: BandMatch, tables: FlightTables) -> Array:
    """(lines, samples) ppm m of the streaming matched filter, as training made it and flight makes it."""
    return _filtered(seen, match, tables).enhancement


def _filtered(
    seen: Observation, match: BandMatch, tables: FlightTables, dynamic: Array | None = None
) -> FilteredPatch:
    """The filter over a whole capture, with classes of ground where the tables have them."""
    whole = slice(0, len(seen.valid))
    counts, labels = _counts(seen, whole, match, tables, tables.mf_bands), None
    if tables.ground is not None:
        looked = _counts(seen, whole, match, tables, tables.ground.bands)
        labels = tables.ground.assign(looked.astype(np.float32) / np.float32(LOG_SCALE))
    own = _filter_tables(seen, match, tables)
    return filter_counts(counts, seen.valid, own, dynamic=dynamic, labels=labels)


def _filter_tables(seen: Observation, match: BandMatch, tables: FlightTables) -> FilterTables:
    """The filter's tables for a capture, methane as resampled lines show it."""
    own = tables.filter_tables
    gas = resampled_gas(
        match, seen.centres, seen.fwhm, Gas(tables.mf_bands, own.alphas, own.log_transmittance)
    )
    return own if gas is None else replace(own, log_transmittance=gas.astype(np.float64))
