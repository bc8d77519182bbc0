"""The quantized body as the flight core's own kernels take it, out of a calibrated float graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.flight.int8_body import Int8Body, Int8Layer, Kind
from quantize.affine import WEIGHT_LIMIT, Affine, Form, Range, affine_of
from quantize.graph import Layer, QuantizeError, initializers, model_bytes, with_input_shape
from quantize.observers import OBSERVERS, Histogram
from quantize.post_training import Calibrated
from quantize.runtime import MOST_DB, channel_sqnr_db, outputs_of

Array = npt.NDArray[np.float32]
BINS = 2048
SCALE_STEPS = 65535
BIAS_STEPS = 32767
BIAS_BITS = 28


@dataclass(frozen=True)
class PlaneRanges:
    """Ranges of the body's input planes, each its own.

    Attributes:
        spans: One a plane.
        observer: The one that proposed them.
        sqnr_db: Mean SQNR of the logits when the planes alone are rounded, by observer.
    """

    spans: tuple[Range, ...]
    observer: str
    sqnr_db: Mapping[str, float]

    def affines(self) -> list[Affine]:
        """Return each plane's scale and zero point."""
        return [affine_of(span, Form.UNSIGNED) for span in self.spans]


def choose_plane_ranges(
    calibrated: Calibrated, batches: Sequence[Array], weights: Sequence[float] | None = None
) -> PlaneRanges:
    """Choose the observer whose ranges of all planes cost the logits least.

    Args:
        calibrated: The float graph.
        batches: Inputs, (1, planes, lines, samples) float32 each, of one shape.
        weights: What each output channel's SQNR in dB counts; all the same if None.
    """
    data = model_bytes(with_input_shape(calibrated.model, batches[0].shape))
    exact = outputs_of(data, batches)
    share = np.ones(exact.shape[1]) if weights is None else np.asarray(weights, np.float64)
    seen = [_histogram([batch[0, index] for batch in batches]) for index in range(batches[0].shape[1])]
    spans = {name: tuple(observe(plane) for plane in seen) for name, observe in OBSERVERS.items()}
    scores = {}
    for name, proposed in spans.items():
        affines = PlaneRanges(proposed, name, {}).affines()
        rounded = [
            np.stack([affine.rounded(batch[0, index]) for index, affine in enumerate(affines)])[None]
            for batch in batches
        ]
        decibels = np.minimum(channel_sqnr_db(exact, outputs_of(data, rounded)), MOST_DB)
        scores[name] = float(np.average(decibels, weights=share))
    best = max(scores, key=lambda name: scores[name])
    return PlaneRanges(spans[best], best, scores)


def _histogram(parts: Sequence[Array]) -> Histogram:
    low, high = float(min(part.min() for part in parts)), float(max(part.max() for part in parts))
    counts = sum(np.histogram(part, bins=BINS, range=(low, high))[0].astype(np.float64) for part in parts)
    return Histogram(np.asarray(counts), low, high)


def flight_body(calibrated: Calibrated, planes: PlaneRanges) -> Int8Body:
    """Return the quantized body of a calibrated graph.

    Weights are symmetric, one scale an output; behind every ReLU bytes start at 0; the planes' own scales
    are multiplied into the weights that read them.

    Args:
        calibrated: A float graph of 1 x 1, depthwise 3 x 3 and 2 x 2 layers, each with a ReLU but the
            last, of additions of nearest upsampling, and of one concatenation of logits.
        planes: Ranges of the input's planes.

    Raises:
        QuantizeError: The graph has something else in it.
    """
    walk = _Walk(calibrated, planes)
    for node in calibrated.model.graph.node:
        walk.take(node)
    return walk.finish()


@dataclass
class _Walk:
    """A graph on its way to a body."""

    calibrated: Calibrated
    planes: PlaneRanges
    layers: list[Int8Layer] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    doubled: dict[str, int] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        model = self.calibrated.model
        self.constants = initializers(model)
        self.weighted: dict[str, Layer] = {layer.node: layer for layer in self.calibrated.sites.layers}
        self.place[model.graph.input[0].name] = 0
        affines = self.planes.affines()
        self.plane_scales = np.array([affine.scale for affine in affines], np.float32)
        self.plane_zeros = np.array([affine.zero_point for affine in affines], np.uint8)

    def take(self, node: Any) -> None:
        """Add what a node does."""
        if node.name in self.weighted:
            self._weighted(node, self.weighted[node.name])
        elif node.op_type == "Resize" and node.input[0] in self.place:
            self._check_doubling(node)
            self.doubled[node.output[0]] = self.place[node.input[0]]
        elif node.op_type == "Add":
            self._sum(node)
        elif node.op_type == "Concat" and list(node.input) == self.heads:
            self.place[node.output[0]] = -1
        elif node.op_type != "Relu" or node.output[0] not in self.place:
            raise QuantizeError(
                "the flight core has no kernel for a node",
                field=node.name,
                found=node.op_type,
                expected="Conv with Relu, nearest Resize, Add of it, and one Concat of logits in order",
            )

    def finish(self) -> Int8Body:
        """Return the body, when all its logits are the graph's output."""
        output = self.calibrated.model.graph.output[0].name
        if self.place.get(output) != -1 and self.heads != [output]:
            raise QuantizeError("the graph's output is none of logits", field=output)
        return Int8Body(self.plane_scales, self.plane_zeros, tuple(self.layers))

    def _scale(self, tensor: str) -> float:
        """Return the scale of a tensor of bytes that never go below 0."""
        span = self.calibrated.spans[self.calibrated.sites.group[tensor]]
        return float(affine_of(Range(0.0, span.high), Form.UNSIGNED).scale)

    def _check_doubling(self, node: Any) -> None:
        factors = self.constants.get(node.input[2]) if len(node.input) > 2 else None
        if factors is None or factors.tolist() != [1.0, 1.0, 2.0, 2.0]:
            raise QuantizeError("an upsampling is not by two", field=node.name, expected="1, 1, 2, 2")

    def _sum(self, node: Any) -> None:
        fine, coarse = sorted(node.input, key=lambda name: name in self.doubled)
        if fine not in self.place or coarse not in self.doubled:
            raise QuantizeError(
                "an addition is not of a tensor and an upsampled one",
                field=node.name,
                found=f"{fine} and {coarse}",
            )
        channels = self.layers[self.place[fine] - 1].outputs
        made = Int8Layer(
            Kind.SUM, False, self.place[fine], self.doubled[coarse], channels, channels,
            self._scale(node.output[0]), 0.0, 0.0,
            np.zeros(0, np.uint16), np.zeros(0, np.int16), np.zeros((0, 0), np.int8),
        )  # fmt: skip
        self._add(node.output[0], made)

    def _add(self, tensor: str, layer: Int8Layer) -> None:
        self.layers.append(layer)
        self.place[tensor] = len(self.layers)

    def _weighted(self, node: Any, layer: Layer) -> None:
        weight = np.asarray(self.constants[layer.weight], np.float64)
        kind = _kind_of(node, weight)
        bias = np.zeros(len(weight)) if layer.bias is None else self.constants[layer.bias].astype(np.float64)
        if layer.input not in self.place:
            raise QuantizeError(
                "a layer reads what is no tensor of bytes", field=node.name, found=layer.input
            )
        source = self.place[layer.input]
        logits = layer.output == node.output[0]
        flat = np.moveaxis(weight, 1, -1).reshape(len(weight), -1)
        given = 1.0
        if source:
            given = float(np.float32(self.layers[source - 1].scale))
        else:
            flat = flat * self.plane_scales.astype(np.float64)
        inputs = len(weight) if kind is Kind.DEPTHWISE else weight.shape[1]
        scale = 1.0 if logits else self._scale(layer.output)
        if logits:
            self.heads.append(layer.output)
        numbers = numbers_of(flat, bias, given)
        made = Int8Layer(kind, logits, source, 0, inputs, len(weight), scale, *numbers)
        self._add(layer.output, made)


def _kind_of(node: Any, weight: npt.NDArray[np.float64]) -> Kind:
    """Return the kernel that a convolution needs."""
    values: dict[str, Any] = {}
    for item in node.attribute:
        values[item.name] = list(item.ints) or item.i
    kernel, groups = list(weight.shape[2:]), values.get("group", 1)
    strides, pads = values.get("strides", [1, 1]), values.get("pads", [0] * 4)
    form = (kernel, groups, strides, pads, values.get("dilations", [1, 1]))
    if form == ([1, 1], 1, [1, 1], [0] * 4, [1, 1]):
        return Kind.POINTWISE
    if form == ([2, 2], 1, [2, 2], [0] * 4, [1, 1]):
        return Kind.HALVE
    if form == ([3, 3], len(weight), [1, 1], [1] * 4, [1, 1]) and weight.shape[1] == 1:
        return Kind.DEPTHWISE
    raise QuantizeError(
        "the flight core has no kernel for a convolution",
        field=node.name,
        found=f"kernel {kernel}, groups {groups}, strides {strides}, pads {pads}",
        expected="1 x 1, 2 x 2 at stride 2, or depthwise 3 x 3",
    )


def numbers_of(
    flat: npt.NDArray[np.float64], bias: npt.NDArray[np.float64], given: float
) -> tuple[float, float, npt.NDArray[np.uint16], npt.NDArray[np.int16], npt.NDArray[np.int8]]:
    """Return unit of scales, unit of biases, scales, biases and weights of a layer.

    Scales are rounded up to whole units before weights are rounded by them, so that storing them in 16
    bits costs nothing.

    Args:
        flat: (outputs, taps) weights.
        bias: (outputs,).
        given: Scale of the layer's input.
    """
    largest_bias = float(np.abs(bias).max())
    needed = np.maximum(np.abs(flat).max(axis=1) / WEIGHT_LIMIT, largest_bias / (given * 2.0**BIAS_BITS))
    weight_unit = float(np.nextafter(np.float32(max(needed.max(), 1e-20) / SCALE_STEPS), np.float32(np.inf)))
    scales = np.clip(np.ceil(needed / weight_unit), 1, SCALE_STEPS)
    steps = scales * weight_unit
    weights = np.clip(np.rint(flat / steps[:, None]), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    bias_unit = float(np.float32(max(largest_bias / BIAS_STEPS, given * float(steps.max()) * 2.0**-20)))
    biases = np.clip(np.rint(bias / bias_unit), -BIAS_STEPS, BIAS_STEPS)
    return (
        weight_unit,
        bias_unit,
        scales.astype(np.uint16),
        biases.astype(np.int16),
        weights.astype(np.int8),
    )
