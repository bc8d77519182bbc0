"""Eight-bit numbers: ranges, scales and zero points, in the two forms that kernels want."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Integers = npt.NDArray[Any]

SMALLEST_SCALE = float(np.finfo(np.float32).tiny) * 1e6
WEIGHT_LIMIT = 127
BIAS_LIMIT = 2**30
"""Counts that a bias may take of the 32-bit accumulator."""


class Form(Enum):
    """How activations are stored; weights are signed and symmetric in both.

    ``UNSIGNED`` is 0 to 255 with a zero point, which x86 kernels want; ``SIGNED`` is -127 to 127 around
    zero, which TensorRT demands.
    """

    UNSIGNED = "u8"
    SIGNED = "s8"

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest stored number."""
        return (0, 255) if self is Form.UNSIGNED else (-127, 127)

    @property
    def dtype(self) -> type[np.integer[Any]]:
        """Storage type."""
        return np.uint8 if self is Form.UNSIGNED else np.int8


@dataclass(frozen=True)
class Range:
    """Real values that a tensor's numbers must reach; always holds 0.

    Attributes:
        low: At most 0.
        high: At least 0.
        whole: Make the scale one part of a whole number, so that 1 is stored exactly. A plane of ones, such
            as the mask of valid pixels, is a bias to the layer that reads it: rounded by 2 %, it shifts all
            outputs at once.
    """

    low: float
    high: float
    whole: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low <= 0.0 <= self.high):
            raise ValueError(f"a range must be finite and hold zero, not {self.low} to {self.high}")


@dataclass(frozen=True)
class Affine:
    """value = scale x (stored - zero_point), as in ONNX's DequantizeLinear.

    Attributes:
        scale: Above 0.
        zero_point: Stored number that means 0.
        form: Storage.
    """

    scale: np.float32
    zero_point: int
    form: Form

    def quantize(self, values: Array) -> Integers:
        """Return stored numbers: rounded half to even and saturated, as ONNX's QuantizeLinear does."""
        low, high = self.form.limits
        if self.form is Form.SIGNED:
            low = -128  # what QuantizeLinear saturates at
        stored = np.rint(np.asarray(values, np.float32) / self.scale) + self.zero_point
        return np.asarray(np.clip(stored, low, high).astype(self.form.dtype))

    def dequantize(self, stored: Integers) -> Array:
        """Return float32 values of stored numbers."""
        return np.asarray((stored.astype(np.float32) - np.float32(self.zero_point)) * self.scale, np.float32)

    def rounded(self, values: Array) -> Array:
        """Return what is left of float32 values after storing them."""
        return self.dequantize(self.quantize(values))


def affine_of(span: Range, form: Form) -> Affine:
    """Return the scale and zero point that cover a range.

    Args:
        span: What to cover.
        form: Storage.
    """
    if form is Form.SIGNED:
        return Affine(_scale(max(-span.low, span.high) / WEIGHT_LIMIT, span.whole), 0, form)
    least, most = form.limits
    scale = _scale((span.high - span.low) / (most - least), span.whole)
    zero_point = int(np.clip(np.rint(-span.low / float(scale)), least, most))
    return Affine(scale, zero_point, form)


def _scale(step: float, whole: bool) -> np.float32:
    if whole and step < 1.0:
        step = 1.0 / max(np.rint(1.0 / max(step, SMALLEST_SCALE)), 1.0)
    return np.float32(max(step, SMALLEST_SCALE))


def weight_scales(weight: Array, bias: Array | None = None, input_scale: float = 1.0) -> Array:
    """Return one symmetric scale an output channel.

    Args:
        weight: (outputs, ...) float32.
        bias: (outputs,) float32; its integer, at scale input_scale x weight scale, must fit 32 bits.
        input_scale: Scale of the layer's input.

    Returns:
        (outputs,) float32, above 0 even for channels of zeros.
    """
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    scales = np.maximum(largest / WEIGHT_LIMIT, SMALLEST_SCALE)
    if bias is not None:
        scales = np.maximum(scales, np.abs(bias) / (input_scale * BIAS_LIMIT))
    return np.asarray(scales, np.float32)


def quantize_weight(weight: Array, scales: Array) -> npt.NDArray[np.int8]:
    """Return int8 weights at one scale an output channel.

    Args:
        weight: (outputs, ...) float32.
        scales: (outputs,) float32.
    """
    shape = (-1,) + (1,) * (weight.ndim - 1)
    stored = np.rint(weight / scales.reshape(shape))
    return np.asarray(np.clip(stored, -WEIGHT_LIMIT, WEIGHT_LIMIT), np.int8)
