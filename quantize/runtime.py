"""Running graphs in ONNX Runtime, and how far two results are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[np.float32]
LEAST_POWER = 1e-20
MOST_DB = 200.0


def open_session(data: bytes, *, threads: int = 1, exact: bool = False) -> Any:
    """Return an ONNX Runtime session of a graph.

    Args:
        data: The ONNX file's bytes.
        threads: Threads within an operator.
        exact: Leave the graph as it is, so that Q/DQ pairs are computed as they are written.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if exact:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run_each(session: Any, batches: Sequence[Array]) -> Iterator[list[Array]]:
    """Yield a session's outputs for each input.

    Args:
        session: With one input.
        batches: Inputs of the session's static shape.
    """
    name = session.get_inputs()[0].name
    for batch in batches:
        yield session.run(None, {name: batch})


def outputs_of(data: bytes, batches: Sequence[Array], *, threads: int = 1, exact: bool = False) -> Array:
    """Return a graph's first output for all inputs, joined along the first axis."""
    session = open_session(data, threads=threads, exact=exact)
    return np.concatenate([found[0] for found in run_each(session, batches)])


def sqnr_db(exact: Array, found: Array) -> float:
    """Return the signal-to-quantization-noise ratio in dB, of the signal about its mean.

    Args:
        exact: Any shape.
        found: The same shape.
    """
    signal = float(np.var(exact, dtype=np.float64))
    noise = float(np.mean(np.square(exact - found, dtype=np.float64)))
    if noise <= LEAST_POWER:
        return MOST_DB
    return float(min(10.0 * np.log10(max(signal, LEAST_POWER) / noise), MOST_DB))


def channel_sqnr_db(exact: Array, found: Array) -> list[float]:
    """Return the SQNR in dB of each channel.

    Args:
        exact: (n, channels, ...).
        found: The same shape.
    """
    return [sqnr_db(exact[:, index], found[:, index]) for index in range(exact.shape[1])]
