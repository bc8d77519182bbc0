"""The quantized body of a bundle, ``body.i8``: one definition for its writer and its reader.

``docs/bundle.md`` gives the part byte by byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from os import PathLike

import numpy as np
import numpy.typing as npt

from onboard.errors import BundleError

INT8_PART = "body.i8"
MAGIC = b"ONBBODY8"
VERSION = 1
HEADER = struct.Struct("<8s2I3H10x")
ENTRY = struct.Struct("<4B2H3f")
MAX_LAYERS = 64
MAX_PLANES = 260
MAX_CHANNELS = 256
MAX_STRIDE = 32
SCALE_LIMITS = (1e-30, 1e30)
SUM_RATIOS = (1e-6, 65536.0)
LARGEST_SUM = 1 << 30
REMEDY = "build the bundle again with `onboard bundle build`"


class Kind(IntEnum):
    """What a layer does."""

    POINTWISE = 1
    DEPTHWISE = 2
    HALVE = 3
    SUM = 4


@dataclass(frozen=True)
class Int8Layer:
    """One layer; its output is bytes of one scale, zero point 0, behind a ReLU, or logits in float32.

    Attributes:
        kind: 1 x 1, depthwise 3 x 3, 2 x 2 at stride 2, or the sum of a layer and one at half resolution.
        logits: Whether the output is logits.
        input: The layer it reads, counted from 1, or 0 for the planes.
        half: Of a sum, the layer at half resolution; else 0.
        inputs: Channels read.
        outputs: Channels made.
        scale: Of a step of the output; 1 for logits.
        weight_unit: Unit of ``weight_scales``; 0 for a sum.
        bias_unit: Unit of ``biases``; 0 for a sum.
        weight_scales: (outputs,) uint16; a weight's step is this times the unit.
        biases: (outputs,) int16.
        weights: (outputs, taps) int8, -127 to 127; taps are inputs, 3 x 3, or 2 x 2 x inputs.
    """

    kind: Kind
    logits: bool
    input: int
    half: int
    inputs: int
    outputs: int
    scale: float
    weight_unit: float
    bias_unit: float
    weight_scales: npt.NDArray[np.uint16]
    biases: npt.NDArray[np.int16]
    weights: npt.NDArray[np.int8]

    @property
    def taps(self) -> int:
        """Weights of one output."""
        return taps_of(self.kind, self.inputs)

    @property
    def steps(self) -> npt.NDArray[np.float64]:
        """(outputs,) size of one step of a weight."""
        return self.weight_scales.astype(np.float64) * float(np.float32(self.weight_unit))

    @property
    def real_biases(self) -> npt.NDArray[np.float64]:
        """(outputs,) biases as numbers."""
        return self.biases.astype(np.float64) * float(np.float32(self.bias_unit))


def taps_of(kind: Kind, inputs: int) -> int:
    """Return how many weights one output of a layer has."""
    return {Kind.POINTWISE: inputs, Kind.DEPTHWISE: 9, Kind.HALVE: 4 * inputs, Kind.SUM: 0}[kind]


@dataclass(frozen=True)
class Int8Body:
    """The whole part.

    Attributes:
        plane_scales: (planes,) float32; each input plane has its own step.
        plane_zeros: (planes,) uint8; the byte that means 0.
        layers: In an order in which each reads only layers before it.
    """

    plane_scales: npt.NDArray[np.float32]
    plane_zeros: npt.NDArray[np.uint8]
    layers: tuple[Int8Layer, ...]

    @property
    def outputs(self) -> int:
        """Logits in all; those of the first layer that has some come first."""
        return sum(layer.outputs for layer in self.layers if layer.logits)

    def input_scale(self, layer: Int8Layer) -> float:
        """Return the scale of what a layer reads; the planes' are in the weights, and count as 1."""
        return float(np.float32(self.layers[layer.input - 1].scale)) if layer.input else 1.0

    def strides(self) -> list[int]:
        """Return each layer's stride in lines and samples of the strip."""
        found: list[int] = []
        for layer in self.layers:
            stride = found[layer.input - 1] if layer.input else 1
            found.append(2 * stride if layer.kind is Kind.HALVE else stride)
        return found

    def pack(self) -> bytes:
        """Return the part's bytes.

        Raises:
            BundleError: If a value is outside its limits.
        """
        check_body(self)
        planes = len(self.plane_scales)
        zeros = self.plane_zeros.tobytes()
        table = b"".join(_entry(layer) for layer in self.layers)
        blobs = b"".join(_numbers(layer) for layer in self.layers if layer.kind is not Kind.SUM)
        rest = self.plane_scales.astype("<f4").tobytes() + zeros + bytes(-planes % 4) + table + blobs
        size = HEADER.size + len(rest)
        return HEADER.pack(MAGIC, VERSION, size, planes, len(self.layers), self.outputs) + rest


def _entry(layer: Int8Layer) -> bytes:
    units = (layer.scale, layer.weight_unit, layer.bias_unit)
    where = (layer.kind, layer.logits, layer.input, layer.half)
    return ENTRY.pack(*where, layer.outputs, layer.inputs, *units)


def _numbers(layer: Int8Layer) -> bytes:
    scales, biases = layer.weight_scales.astype("<u2"), layer.biases.astype("<i2")
    return scales.tobytes() + biases.tobytes() + np.ascontiguousarray(layer.weights, np.int8).tobytes()


Problem = tuple[str, object, str]


def refuse(problem: Problem, file: str | PathLike[str] | None = None) -> BundleError:
    """Return the error of a body that cannot be flown: its field, what was found, what was expected."""
    field, found, expected = problem
    return BundleError(
        "the quantized body cannot be flown",
        file=file,
        field=f"{INT8_PART}: {field}",
        found=found,
        expected=expected,
        remedy=REMEDY,
    )


def unpack_body(data: bytes | memoryview, file: str | PathLike[str] | None = None) -> Int8Body:
    """Read and check ``body.i8``.

    Args:
        data: The part's bytes.
        file: The bundle's name, for messages.

    Raises:
        BundleError: Naming the field, what was found and what was expected.
    """
    reader = _Reader(bytes(data), file)
    magic, version, size, planes, layers, outputs = HEADER.unpack(reader.take(HEADER.size, "the header"))
    if magic != MAGIC or version != VERSION or size != len(data):
        found = (magic, version, size)
        raise refuse(("magic, version, size", found, f"{(MAGIC, VERSION, len(data))}"), file)
    if any(data[22 : HEADER.size]):
        raise refuse(("reserved", "other bytes", "zeros"), file)
    if not 1 <= planes <= MAX_PLANES or not 1 <= layers <= MAX_LAYERS:
        raise refuse(("planes, layers", (planes, layers), f"1 to {MAX_PLANES}, 1 to {MAX_LAYERS}"), file)
    scales = np.frombuffer(reader.take(4 * planes, "scales of planes"), "<f4")
    zeros = reader.take(-(-planes // 4) * 4, "zero points of planes")
    if any(zeros[planes:]):
        raise refuse(("zero points", "numbers behind the last", "zeros"), file)
    entries = [ENTRY.unpack(reader.take(ENTRY.size, "the table of layers")) for _ in range(layers)]
    body = Int8Body(
        scales.astype(np.float32),
        np.frombuffer(zeros[:planes], np.uint8),
        tuple(reader.layer(index, entry) for index, entry in enumerate(entries)),
    )
    if reader.at != len(data):
        raise refuse(("length", f"{len(data)} bytes", f"{reader.at} bytes"), file)
    check_body(body, file)
    if body.outputs != outputs:
        raise refuse(("outputs", outputs, f"{body.outputs}, by the layers"), file)
    return body


class _Reader:
    """The part's bytes, from front to back."""

    def __init__(self, data: bytes, file: str | PathLike[str] | None) -> None:
        self.data, self.file, self.at = data, file, 0

    def take(self, size: int, what: str) -> bytes:
        """Return the next bytes, or refuse a part that is too short for them."""
        if size > len(self.data) - self.at:
            raise refuse(("length", f"{len(self.data)} bytes", f"room for {what}"), self.file)
        self.at += size
        return self.data[self.at - size : self.at]

    def layer(self, index: int, entry: Sequence[float]) -> Int8Layer:
        """Return a layer with its numbers, which follow those of the layer before."""
        kind, flags, source, half, outputs, inputs = (int(value) for value in entry[:6])
        where = f"layer {index + 1}"
        if kind not in tuple(Kind) or flags > 1:
            raise refuse((where, f"kind {kind}, flags {flags}", "kind 1 to 4, flags 0 or 1"), self.file)
        if not 1 <= outputs <= MAX_CHANNELS or inputs > MAX_PLANES:
            raise refuse((where, f"{inputs} to {outputs} channels", f"1 to {MAX_CHANNELS}"), self.file)
        taps = taps_of(Kind(kind), inputs)
        numbers = outputs if taps else 0
        what = f"the numbers of {where}"
        scales = np.frombuffer(self.take(2 * numbers, what), "<u2").astype(np.uint16)
        biases = np.frombuffer(self.take(2 * numbers, what), "<i2").astype(np.int16)
        weights = np.frombuffer(self.take(numbers * taps, what), np.int8).reshape(numbers, taps)
        units = (entry[6], entry[7], entry[8])
        return Int8Layer(
            Kind(kind), flags == 1, source, half, inputs, outputs, *units, scales, biases, weights
        )


def check_body(body: Int8Body, file: str | PathLike[str] | None = None) -> None:
    """Refuse a body that contradicts itself, or whose sums could leave 32 bits.

    Raises:
        BundleError: Naming the field, what was found and what was expected.
    """
    for problem in _problems(body):
        raise refuse(problem, file)


def _problems(body: Int8Body) -> Iterator[Problem]:
    if not all(_good_scale(value) for value in body.plane_scales):
        yield "plane scales", "another number", "{} to {}".format(*SCALE_LIMITS)
    if not 1 <= len(body.layers) <= MAX_LAYERS:
        yield "layers", len(body.layers), f"1 to {MAX_LAYERS}"
    for index, layer in enumerate(body.layers):
        for what, found, expected in _layer_problems(body, index, layer):
            yield f"layer {index + 1}: {what}", found, expected
    read = {layer.input for layer in body.layers} | {layer.half for layer in body.layers}
    for index, layer in enumerate(body.layers):
        if not layer.logits and index + 1 not in read:
            yield f"layer {index + 1}: output", "nothing reads it", "a reader, or logits"


def _good_scale(value: float) -> bool:
    return bool(np.isfinite(value) and SCALE_LIMITS[0] <= value <= SCALE_LIMITS[1])


def _readable(body: Int8Body, index: int, source: int) -> bool:
    return source <= index and (source == 0 or not body.layers[source - 1].logits)


def _channels(body: Int8Body, source: int) -> int:
    return body.layers[source - 1].outputs if source else len(body.plane_scales)


def _layer_problems(body: Int8Body, index: int, layer: Int8Layer) -> Iterator[Problem]:
    pointwise, is_sum = layer.kind is Kind.POINTWISE, layer.kind is Kind.SUM
    if layer.logits and not pointwise:
        yield "flags", "logits", "logits of kind 1 alone"
    if not _readable(body, index, layer.input) or (layer.input == 0 and not pointwise):
        yield "input", layer.input, "a layer of bytes before it, or 0 where its kind is 1"
        return
    if layer.inputs != _channels(body, layer.input):
        yield "inputs", layer.inputs, str(_channels(body, layer.input))
    if not 1 <= layer.outputs <= MAX_CHANNELS:
        yield "outputs", layer.outputs, f"1 to {MAX_CHANNELS}"
    if layer.kind in (Kind.DEPTHWISE, Kind.SUM) and layer.outputs != layer.inputs:
        yield "outputs", layer.outputs, str(layer.inputs)
    strides = Int8Body(body.plane_scales, body.plane_zeros, body.layers[: index + 1]).strides()
    if strides[index] > (1 if layer.logits else MAX_STRIDE):
        yield "stride", strides[index], f"1 for logits, else at most {MAX_STRIDE}"
    if not _good_scale(layer.scale) or (layer.logits and layer.scale != 1.0):
        yield "scale", layer.scale, "1 for logits, else {} to {}".format(*SCALE_LIMITS)
    elif is_sum:
        yield from _sum_problems(body, index, layer, strides)
    else:
        yield from _weight_problems(body, layer)


def _sum_problems(body: Int8Body, index: int, layer: Int8Layer, strides: Sequence[int]) -> Iterator[Problem]:
    half = layer.half
    if half < 1 or not _readable(body, index, half) or _channels(body, half) != layer.inputs:
        yield "half", half, f"a layer before it, of {layer.inputs} channels"
        return
    if strides[half - 1] != 2 * strides[layer.input - 1]:
        yield "half", f"stride {strides[half - 1]}", f"stride {2 * strides[layer.input - 1]}"
    if layer.weight_unit or layer.bias_unit:
        yield "units", (layer.weight_unit, layer.bias_unit), "zeros"
    for source in (layer.input, half):
        ratio = float(np.float32(body.layers[source - 1].scale)) / float(np.float32(layer.scale))
        if not SUM_RATIOS[0] <= ratio <= SUM_RATIOS[1]:
            yield "scale", layer.scale, "within 1/65536 and 1e6 of what it reads"


def _weight_problems(body: Int8Body, layer: Int8Layer) -> Iterator[Problem]:
    if layer.half:
        yield "half", layer.half, "0"
    if not (_good_scale(layer.weight_unit) and _good_scale(layer.bias_unit)):
        yield "units", (layer.weight_unit, layer.bias_unit), "{} to {}".format(*SCALE_LIMITS)
        return
    if not layer.weight_scales.all() or (layer.weights == -128).any():
        yield "weights", "a scale of 0, or -128", "scales above 0, weights of -127 to 127"
        return
    sums = body.input_scale(layer) * layer.steps
    magnitudes = np.abs(layer.weights.astype(np.int64)).sum(axis=1)
    largest = 255.0 * magnitudes + np.abs(integer_biases(body, layer))
    biases = float(np.float32(layer.bias_unit)) * 32768.0 / sums
    factors = (sums / float(np.float32(layer.scale))).astype(np.float32).astype(np.float64)
    bounded = (biases < LARGEST_SUM) & (largest < LARGEST_SUM) & (factors * largest < LARGEST_SUM)
    if not (bounded & (sums >= SCALE_LIMITS[0]) & (factors >= SCALE_LIMITS[0])).all():
        yield "weights", "sums that can leave 30 bits", "sums within 30 bits"


def integer_biases(body: Int8Body, layer: Int8Layer) -> npt.NDArray[np.float64]:
    """Return the (outputs,) biases in steps of a sum, with what the planes' zero points add taken off."""
    found = np.rint(layer.real_biases / (body.input_scale(layer) * layer.steps))
    if layer.input == 0:
        found = found - layer.weights.astype(np.float64) @ body.plane_zeros.astype(np.float64)
    return np.asarray(found, np.float64)
