"""Low-rank adapters on a Linescan's stem and heads: a fine-tuning that costs kilobytes to send.

Each adapted weight W becomes W + B A, with B (outputs, rank) and A (rank, inputs); B starts at zero, so that
training starts from the network as it was (LoRA, Hu et al. 2021, arXiv:2106.09685, eq. 3, with alpha = rank;
for hyperspectral networks LoLA-SpecViT, Zidi et al. 2025, arXiv:2506.17759). Only A and B learn. Merged
before quantization and export, the network is one of the old form, whose weights differ from the old ones
by a matrix of that rank: what ``export.delta`` sends as factors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from onboard.errors import UsageError
from onboard.models.linescan import Linescan

WEIGHT = "weight"


class LowRank(nn.Module):
    """What is added to a weight: the product of two factors, in the weight's shape.

    Attributes:
        left: (outputs, rank), zeros at first.
        right: (rank, all else).
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows = weight.shape[0]
        columns = weight.numel() // rows
        size = min(rank, rows, columns)
        self.left = nn.Parameter(weight.new_zeros(rows, size))
        self.right = nn.Parameter(torch.randn(size, columns, dtype=weight.dtype) / columns**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the adapted weight, in the shape of the old one."""
        return weight + (self.left @ self.right).reshape(weight.shape)

    def merged(self, weight: Tensor) -> Tensor:
        """Return the adapted weight, summed in double and rounded once: the change keeps its rank."""
        change = self.left.detach().double() @ self.right.detach().double()
        return (weight.detach().double() + change.reshape(weight.shape)).to(weight.dtype)


def heads(network: Linescan) -> dict[str, nn.Conv2d]:
    """Return the last convolution of each branch by its name in the network."""
    found: dict[str, nn.Conv2d] = {}
    for branch in ("body.methane", "body.minerals"):
        layers = network.get_submodule(branch).named_modules(prefix=branch)
        convolutions = [(name, layer) for name, layer in layers if isinstance(layer, nn.Conv2d)]
        found.update([convolutions[-1]])
    return found


def adapt(network: Linescan, rank: int, also: Sequence[str] = ()) -> Linescan:
    """Return a copy of a network with adapters on its stem and heads, and all else frozen.

    Frozen batch norms keep their statistics and stay in evaluation mode, however often ``train()`` is called.
    Train the parameters with ``requires_grad`` and call :func:`merge`.

    Args:
        network: A trained network; it is left as it is.
        rank: Of the adapters; a weight with fewer rows or columns gets as many as it has.
        also: Names of further layers to adapt, such as ``body.minerals.enter.1.3``.

    Raises:
        UsageError: If the rank is below 1, or a name is that of no layer with a weight matrix.
    """
    if rank < 1:
        raise UsageError("no such rank", field="rank", found=rank, expected="at least 1")
    adapted = copy.deepcopy(network)
    adapted.requires_grad_(False)
    for module in adapted.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_pre_hook(_stay_in_evaluation)
    for name in ("stem", *heads(adapted), *also):
        layer = _layer(adapted, name)
        if not parametrize.is_parametrized(layer, WEIGHT):
            parametrize.register_parametrization(layer, WEIGHT, LowRank(cast("Tensor", layer.weight), rank))
    return adapted


def _layer(network: Linescan, name: str) -> nn.Module:
    layer: nn.Module | None = dict(network.named_modules()).get(name)
    weight = getattr(layer, WEIGHT, None)
    if layer is None or not isinstance(weight, Tensor) or weight.dim() < 2:
        raise UsageError("no such layer to adapt", field="also", found=name, expected="a layer with a weight")
    return layer


def _stay_in_evaluation(module: nn.Module, inputs: object) -> None:
    module.eval()


def adapters(network: Linescan) -> Iterator[tuple[str, nn.Module, LowRank]]:
    """Yield the name, layer and adapter of every adapted weight."""
    for name, layer in network.named_modules():
        if parametrize.is_parametrized(layer, WEIGHT):
            chain = cast("dict[str, nn.ModuleList]", layer.parametrizations)[WEIGHT]
            yield name, layer, cast("LowRank", chain[0])


def merge(network: Linescan) -> Linescan:
    """Return the adapted network in its plain form, every adapter added to its weight.

    Args:
        network: What :func:`adapt` returned, trained; it is left as it is.

    Raises:
        UsageError: If it has no adapters.
    """
    plain = copy.deepcopy(network)
    found = list(adapters(plain))
    if not found:
        raise UsageError("this network has no adapters", remedy="adapt it first with export.lora.adapt")
    for _, layer, adapter in found:
        old = cast("dict[str, nn.ParameterList]", layer.parametrizations)[WEIGHT].original
        # remove_parametrizations changes the class that copies share; so only this layer gets its own back.
        layer.__class__ = type(layer).__bases__[0]
        del layer.parametrizations
        layer.register_parameter(WEIGHT, nn.Parameter(adapter.merged(cast("Tensor", old))))
    for module in plain.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            hooks = module._forward_pre_hooks
            for key in [key for key, hook in hooks.items() if hook is _stay_in_evaluation]:
                del hooks[key]
    plain.requires_grad_(True)
    return plain.eval()
