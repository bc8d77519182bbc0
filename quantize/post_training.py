"""Post-training static INT8: one calibration, two forms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantize.affine import Form, Range
from quantize.calibration import histograms
from quantize.graph import QuantizeError, load_model, with_input_shape
from quantize.observers import Histogram
from quantize.placement import Sites, find_sites, place
from quantize.qdq import quantized_graph
from quantize.search import Choice, choose_ranges, watched_graph

Array = npt.NDArray[np.float32]
SEARCH_BATCHES = 4


@dataclass(frozen=True)
class Calibrated:
    """A float graph with the ranges of its tensors.

    Attributes:
        model: The float graph, for its own static shape.
        sites: What can be quantized.
        spans: Range of each group of tensors.
        choices: How the ranges were found, by group; empty if they were learned.
    """

    model: Any
    sites: Sites
    spans: Mapping[str, Range]
    choices: Mapping[str, Choice]

    @property
    def layer_names(self) -> list[str]:
        """Names of the weighted layers."""
        return [layer.name for layer in self.sites.layers]

    def quantized(
        self, form: Form, keep_float: Collection[str] = (), *, quantize_outputs: bool | None = None
    ) -> bytes:
        """Return the Q/DQ graph in a form, all layers quantized but some; see :mod:`quantize.placement`.

        Args:
            form: Form of activations.
            keep_float: Names of layers that stay in float32.
            quantize_outputs: Round the network's outputs too. Unless said, the unsigned form does, or else
                ONNX Runtime runs the last layers in float; the signed one does not, as TensorRT refuses it.
        """
        quantize_outputs = form is Form.UNSIGNED if quantize_outputs is None else quantize_outputs
        placement = place(self.model, self.sites, keep_float, quantize_outputs=quantize_outputs)
        return quantized_graph(self.model, self.sites, placement, self.spans, form)

    def for_shape(self, shape: Sequence[int]) -> Calibrated:
        """Return the same for another window."""
        return Calibrated(with_input_shape(self.model, shape), self.sites, self.spans, self.choices)


def calibrate(data: bytes, batches: Sequence[Array], *, weights: Sequence[float] | None = None) -> Calibrated:
    """Choose the range of every tensor of a float graph on a calibration set.

    Args:
        data: Float ONNX graph with one input and one output.
        batches: Inputs of any one window size.
        weights: What each output channel counts in the search.

    Raises:
        QuantizeError: The graph cannot be read, or the set is empty or not of one shape.
    """
    model = load_model(data)
    shapes = {batch.shape for batch in batches}
    if len(shapes) != 1:
        raise QuantizeError(
            "the calibration set is not of one shape", found=sorted(shapes), expected="at least one sample"
        )
    sites = find_sites(model)
    windowed = with_input_shape(model, shapes.pop())
    seen = {
        **histograms(watched_graph(windowed, sites), batches),
        **{item.name: _histogram(batches) for item in model.graph.input if item.name in sites.names},
    }
    choices = choose_ranges(windowed, sites, seen, batches[:SEARCH_BATCHES], weights=weights)
    return Calibrated(model, sites, {name: choice.span for name, choice in choices.items()}, choices)


def _histogram(batches: Sequence[Array]) -> Histogram:
    low = float(min(batch.min() for batch in batches))
    high = float(max(batch.max() for batch in batches))
    counts = sum(np.histogram(batch, bins=2048, range=(low, high))[0].astype(np.float64) for batch in batches)
    return Histogram(np.asarray(counts), low, high)
