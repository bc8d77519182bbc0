"""Which observer serves which tensor: the one that costs the network's outputs least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quantize.affine import Form, Range, affine_of
from quantize.graph import model_bytes, with_outputs
from quantize.observers import OBSERVERS, Histogram
from quantize.placement import Sites
from quantize.qdq import rounded_activations
from quantize.runtime import MOST_DB, channel_sqnr_db, outputs_of

Array = npt.NDArray[np.float32]
WHOLE = ", whole"
"""Tried for the graph's input too: the same range with 1 stored exactly."""


@dataclass(frozen=True)
class Choice:
    """What was found for one group of tensors.

    Attributes:
        group: Name of the group.
        observer: The chosen one.
        span: Its range.
        sqnr_db: SQNR of the network's outputs when this group alone is rounded, by observer.
        seen: Least and greatest value of the calibration set.
    """

    group: str
    observer: str
    span: Range
    sqnr_db: Mapping[str, float]
    seen: tuple[float, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a report."""
        return {
            "observer": self.observer,
            "range": [self.span.low, self.span.high],
            "seen": list(self.seen),
            "output_sqnr_db": {name: round(value, 2) for name, value in self.sqnr_db.items()},
        }


def choose_ranges(
    model: Any,
    sites: Sites,
    seen: Mapping[str, Histogram],
    batches: Sequence[Array],
    *,
    weights: Sequence[float] | None = None,
    form: Form = Form.UNSIGNED,
) -> dict[str, Choice]:
    """Choose an observer for each group of tensors, by the outputs' error when it alone is rounded.

    Args:
        model: Float graph for the shape of ``batches``.
        sites: Its sites.
        seen: Histogram of each group.
        batches: Inputs that errors are measured on.
        weights: What each output channel's SQNR in dB counts; all the same if None.
        form: Form of activations that is tried.
    """
    exact = outputs_of(model_bytes(model), batches)
    share = np.ones(exact.shape[1]) if weights is None else np.asarray(weights, np.float64)
    chosen = {}
    for group in sites.names:
        spans = {name: observe(seen[group]) for name, observe in OBSERVERS.items()}
        if _is_input(model, group):
            spans |= {f"{name}{WHOLE}": replace(span, whole=True) for name, span in spans.items()}
        measured: dict[Range, float] = {}
        for span in spans.values():
            if span not in measured:
                measured[span] = _output_sqnr(model, sites, group, span, form, batches, exact, share)
        scores = {name: measured[span] for name, span in spans.items()}
        best = max(scores, key=lambda name: scores[name])
        limits = (seen[group].low, seen[group].high)
        chosen[group] = Choice(group, best, spans[best], scores, limits)
    return chosen


def _output_sqnr(
    model: Any,
    sites: Sites,
    group: str,
    span: Range,
    form: Form,
    batches: Sequence[Array],
    exact: Array,
    share: npt.NDArray[np.float64],
) -> float:
    affine = affine_of(span, form)
    # Tensors that only repeat a group's numbers need no second pair.
    rounded = rounded_activations(model, {group: affine})
    found = outputs_of(rounded, batches)
    decibels = np.asarray(channel_sqnr_db(exact, found))
    touched = decibels < MOST_DB
    if not touched.any():
        return MOST_DB
    return float(np.average(decibels[touched], weights=share[touched]))


def watched_graph(model: Any, sites: Sites) -> bytes:
    """Return the float graph with one tensor of each group as its outputs."""
    return model_bytes(with_outputs(model, [name for name in sites.names if not _is_input(model, name)]))


def _is_input(model: Any, name: str) -> bool:
    return any(item.name == name for item in model.graph.input)
