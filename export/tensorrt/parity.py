"""Does an engine compute what ONNX Runtime computes of the same graph?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from export.tensorrt.findings import Precision
from onboard.errors import BundleError, UsageError

Array = npt.NDArray[np.float32]
Run = Callable[[Array], Array]

SEED = 20
FLOAT_ABSOLUTE = 1e-3
FLOAT_RELATIVE = 1e-3
LEAST_SQNR_DB: dict[Precision, float] = {"float16": 40.0, "int8": 30.0}
"""Two engines round sums of narrow numbers apart by a step here and there, and a step is what such a type is
worth; 30 dB is one part in 32 of the output's deviation, 40 dB one in 100."""
LEAST_SAME_SIGN = 0.999
"""Share of outputs on the same side of zero: a logit's sign is the decision."""


@dataclass(frozen=True)
class Parity:
    """How far an engine is from ONNX Runtime.

    Attributes:
        sample: What the input was.
        largest: Largest absolute difference.
        sqnr_db: Variance of the reference over that of the difference, in dB.
        same_sign: Share of values with the same sign.
        limits: The rule that was applied, in words.
        passed: Whether it holds.
    """

    sample: str
    largest: float
    sqnr_db: float
    same_sign: float
    limits: str
    passed: bool


def reference_run(data: bytes) -> Run:
    """Return a function that runs a graph of one input and one output in ONNX Runtime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session_run(session)


def session_run(session: object) -> Run:
    """Return a function that runs an ONNX Runtime session of one input and one output."""
    given = session.get_inputs()  # type: ignore[attr-defined]

    def run(values: Array) -> Array:
        (found,) = session.run(None, {given[0].name: values})  # type: ignore[attr-defined]
        return np.asarray(found, np.float32)

    return run


def graph_shape(data: bytes) -> tuple[int, ...]:
    """Return the shape of a graph's one input.

    Raises:
        UsageError: If it has several inputs or outputs, or not of float32.
    """
    import onnx

    graph = onnx.load_from_string(data).graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        names = [item.name for item in (*graph.input, *graph.output)]
        raise UsageError("only graphs of one input and one output are built", found=names)
    for item in (*graph.input, *graph.output):
        if item.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            raise UsageError("only graphs from float32 to float32 are built", field=item.name)
    return tuple(int(size.dim_value) for size in graph.input[0].type.tensor_type.shape.dim)


def seeded_input(shape: tuple[int, ...]) -> Array:
    """Return normal values, always the same for a shape."""
    return np.random.default_rng(SEED).standard_normal(shape, dtype=np.float32)


def compare(expected: Array, found: Array, *, sample: str, precision: Precision) -> Parity:
    """Compare an engine's output with the reference.

    Args:
        expected: What ONNX Runtime gave.
        found: What the engine gave; same shape.
        sample: What the input was.
        precision: Of the graph: of float32 each value is judged, of narrower types the signal-to-difference
            ratio and the signs.
    """
    difference = found.astype(np.float64) - expected
    power, noise = float(np.var(expected)), float(np.mean(difference**2))
    sqnr = float("inf") if noise == 0 else 10 * float(np.log10(max(power, 1e-300)) - np.log10(noise))
    same = float(np.mean((found > 0) == (expected > 0)))
    if precision == "float32":
        limits = f"at most {FLOAT_ABSOLUTE:g} + {FLOAT_RELATIVE:g} x the value"
        passed = bool((np.abs(difference) <= FLOAT_ABSOLUTE + FLOAT_RELATIVE * np.abs(expected)).all())
    else:
        least = LEAST_SQNR_DB[precision]
        limits = f"at least {least:g} dB and {LEAST_SAME_SIGN:g} of all signs"
        passed = sqnr >= least and same >= LEAST_SAME_SIGN
    passed = passed and bool(np.isfinite(found).all())
    return Parity(sample, float(np.abs(difference).max()), sqnr, same, limits, passed)


def require_parity(parity: Parity, graph: str) -> None:
    """Refuse an engine that computes something else.

    Raises:
        BundleError: With the difference and the limits.
    """
    if not parity.passed:
        raise BundleError(
            "the engine computes something else than ONNX Runtime",
            field=graph,
            found=f"a largest difference of {parity.largest:.3g}, {parity.sqnr_db:.1f} dB, "
            f"{parity.same_sign:.5f} of all signs alike",
            expected=parity.limits,
            remedy="look up the layers' precisions; keep the layer that differs in float",
        )
