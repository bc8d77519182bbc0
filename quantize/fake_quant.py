"""A calibrated graph as a PyTorch module: rounds as its Q/DQ form does, gradients pass straight through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import torch
from onnx import helper
from torch import Tensor, nn

from quantize.affine import BIAS_LIMIT, SMALLEST_SCALE, WEIGHT_LIMIT, Form
from quantize.graph import QuantizeError, initializers, replace_constants
from quantize.placement import place
from quantize.post_training import Calibrated

Values = dict[str, Tensor]


def straight_through(values: Tensor) -> Tensor:
    """Round half to even; the gradient passes as if nothing were (Bengio et al. 2013, arXiv:1308.3432)."""
    rounded: Tensor = values + (torch.round(values) - values).detach()
    return rounded


class FakeQuantGraph(nn.Module):
    """A network that computes what its Q/DQ graph computes, and can be trained.

    Weights, biases and the ends of every activation's range are parameters; gradients with respect to the
    ends are those of LSQ+ (Bhalgat et al. 2020, arXiv:2004.09576), which follow from rounding straight
    through. Both forms of activations share all parameters.

    Args:
        calibrated: Float graph and ranges.
        keep_float: Layers that stay in float32.

    Attributes:
        form: Form of activations, or None to compute in float32.
    """

    def __init__(self, calibrated: Calibrated, keep_float: Collection[str] = ()) -> None:
        super().__init__()
        self.calibrated = calibrated
        self.form: Form | None = Form.UNSIGNED
        placement = place(calibrated.model, calibrated.sites, keep_float)
        self._rounded = set(placement.tensors)
        self._float_nodes = placement.float_nodes
        self._layers = {layer.node: layer for layer in placement.layers}
        self._constants = initializers(calibrated.model)
        trained = [name for layer in calibrated.sites.layers for name in (layer.weight, layer.bias) if name]
        self._keys = {name: f"p{index}" for index, name in enumerate(trained)}
        self.weights = nn.ParameterDict(
            {key: nn.Parameter(torch.tensor(self._constants[name])) for name, key in self._keys.items()}
        )
        groups = dict.fromkeys(calibrated.sites.group[name] for name in placement.tensors)
        self._groups = {name: f"g{index}" for index, name in enumerate(groups)}
        self.lows = nn.ParameterDict(
            {
                key: nn.Parameter(torch.tensor(calibrated.spans[name].low))
                for name, key in self._groups.items()
            }
        )
        self.highs = nn.ParameterDict(
            {
                key: nn.Parameter(torch.tensor(calibrated.spans[name].high))
                for name, key in self._groups.items()
            }
        )
        unknown = sorted({node.op_type for node in calibrated.model.graph.node} - set(OPERATORS))
        if unknown:
            raise QuantizeError(
                "the graph holds operators that cannot be trained",
                found=", ".join(unknown),
                expected=", ".join(sorted(OPERATORS)),
            )

    def forward(self, given: Tensor) -> Tensor:
        """Return the graph's output, float32."""
        graph = self.calibrated.model.graph
        exact: Values = {graph.input[0].name: given}
        known: Values = {graph.input[0].name: self._round(given, graph.input[0].name)}
        for node in graph.node:
            readable = exact if node.name in self._float_nodes else known
            operands = [self._operand(readable, node, index) for index in range(len(node.input))]
            (name,) = node.output
            exact[name] = OPERATORS[node.op_type](operands, _attributes(node))
            known[name] = self._round(exact[name], name)
        return known[graph.output[0].name]

    def ends_of(self, group: str) -> tuple[Tensor, Tensor]:
        """Return the learned low (at most 0) and high (at least 0) of a group of tensors."""
        key = self._groups[group]
        return self.lows[key].clamp(max=0.0), self.highs[key].clamp(min=0.0)

    def learned(self) -> Calibrated:
        """Return the float graph with the weights and ranges as they are now."""
        values = {name: self.weights[key].detach().numpy().copy() for name, key in self._keys.items()}
        spans = dict(self.calibrated.spans)
        for group in self._groups:
            low, high = self.ends_of(group)
            spans[group] = replace(spans[group], low=float(low.detach()), high=float(high.detach()))
        model = replace_constants(self.calibrated.model, values)
        return Calibrated(model, self.calibrated.sites, spans, {})

    def _round(self, values: Tensor, tensor: str) -> Tensor:
        if self.form is None or tensor not in self._rounded:
            return values
        if self.form is Form.SIGNED and tensor in self.calibrated.sites.finals:
            return values
        group = self.calibrated.sites.group[tensor]
        return fake_quantize(values, *self.ends_of(group), self.form, self.calibrated.spans[group].whole)

    def _operand(self, known: Values, node: Any, index: int) -> Tensor | None:
        name = node.input[index]
        if not name:
            return None
        if name in known:
            return known[name]
        if name not in self._keys:
            return torch.tensor(self._constants[name])
        value: Tensor = self.weights[self._keys[name]]
        layer = self._layers.get(node.name)
        if layer is None or index != 1 or self.form is None:
            return value
        return self._rounded_weight(value, layer.bias, layer.input, _output_axis(node))

    def _rounded_weight(self, weight: Tensor, bias: str | None, source: str, axis: int) -> Tensor:
        assert self.form is not None
        turned = weight.movedim(axis, 0)
        scales = turned.detach().abs().flatten(1).amax(1) / WEIGHT_LIMIT
        scales = scales.clamp(min=SMALLEST_SCALE)
        if bias is not None:
            group = self.calibrated.sites.group[source]
            step = step_of(*self.ends_of(group), self.form, self.calibrated.spans[group].whole).detach()
            scales = torch.maximum(
                scales, self.weights[self._keys[bias]].detach().abs() / (step * BIAS_LIMIT)
            )
        scales = scales.view(-1, *[1] * (weight.dim() - 1))
        stored = straight_through(turned / scales).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        return (stored * scales).movedim(0, axis)


def step_of(low: Tensor, high: Tensor, form: Form, whole: bool = False) -> Tensor:
    """Return the scale that covers a range in a form; ``whole`` as in :class:`quantize.affine.Range`."""
    if form is Form.SIGNED:
        step = (torch.maximum(-low, high) / WEIGHT_LIMIT).clamp(min=SMALLEST_SCALE)
    else:
        step = ((high - low) / 255.0).clamp(min=SMALLEST_SCALE)
    return 1.0 / straight_through(1.0 / step) if whole and float(step.detach()) < 1.0 else step


def fake_quantize(values: Tensor, low: Tensor, high: Tensor, form: Form, whole: bool = False) -> Tensor:
    """Return values as they come back from eight bits; see :func:`quantize.affine.affine_of`."""
    step = step_of(low, high, form, whole)
    if form is Form.SIGNED:
        return straight_through(values / step).clamp(-128, WEIGHT_LIMIT) * step
    zero = straight_through(-low / step).clamp(0, 255)
    stored = (straight_through(values / step) + zero).clamp(0, 255)
    return (stored - zero) * step


def _attributes(node: Any) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}


def _output_axis(node: Any) -> int:
    return 1 if node.op_type == "Gemm" and not _attributes(node).get("transB", 0) else 0


Operands = list[Tensor | None]


def _needed(operands: Operands, index: int) -> Tensor:
    value = operands[index]
    assert value is not None
    return value


def _conv(operands: Operands, said: Mapping[str, Any]) -> Tensor:
    x, weight = _needed(operands, 0), _needed(operands, 1)
    rank = weight.dim() - 2
    pads = list(said.get("pads", [0] * 2 * rank))
    if pads[:rank] != pads[rank:] or said.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise QuantizeError("a convolution pads its two sides differently", found=pads)
    result: Tensor = torch.conv2d(
        x,
        weight,
        operands[2] if len(operands) > 2 else None,
        stride=list(said.get("strides", [1] * rank)),
        padding=pads[:rank],
        dilation=list(said.get("dilations", [1] * rank)),
        groups=int(said.get("group", 1)),
    )
    return result


def _gemm(operands: Operands, said: Mapping[str, Any]) -> Tensor:
    x, weight = _needed(operands, 0), _needed(operands, 1)
    weight = weight if said.get("transB", 0) else weight.T
    return nn.functional.linear(x, weight, operands[2] if len(operands) > 2 else None)


def _resize(operands: Operands, said: Mapping[str, Any]) -> Tensor:
    factors = [int(value) for value in _needed(operands, 2).tolist()]
    if said.get("mode", b"nearest") != b"nearest" or factors[:2] != [1, 1]:
        raise QuantizeError("only nearest upsampling by whole factors can be trained", found=factors)
    x = _needed(operands, 0)
    return x.repeat_interleave(factors[2], dim=2).repeat_interleave(factors[3], dim=3)


def _concat(operands: Operands, said: Mapping[str, Any]) -> Tensor:
    return torch.cat([_needed(operands, index) for index in range(len(operands))], dim=int(said["axis"]))


def _clip(operands: Operands, said: Mapping[str, Any]) -> Tensor:
    low, high = (operands[place] if len(operands) > place else None for place in (1, 2))
    x = _needed(operands, 0)
    x = x if low is None else torch.maximum(x, low)
    return x if high is None else torch.minimum(x, high)


OPERATORS: dict[str, Callable[[Operands, Mapping[str, Any]], Tensor]] = {
    "Add": lambda operands, said: _needed(operands, 0) + _needed(operands, 1),
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Gemm": _gemm,
    "Identity": lambda operands, said: _needed(operands, 0),
    "Mul": lambda operands, said: _needed(operands, 0) * _needed(operands, 1),
    "Relu": lambda operands, said: torch.relu(_needed(operands, 0)),
    "Resize": _resize,
    "Sigmoid": lambda operands, said: torch.sigmoid(_needed(operands, 0)),
    "Sub": lambda operands, said: _needed(operands, 0) - _needed(operands, 1),
}
