"""Convolutional blocks of the published networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def convolution(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    *,
    bias: bool = False,
    norm: bool = True,
    activation: type[nn.Module] | None = None,
) -> nn.Sequential:
    """Return a convolution that keeps the size (but for its stride), with batch norm and activation.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Odd width of the kernel.
        stride: Step.
        groups: Groups of channels; ``inputs`` for a depthwise convolution.
        bias: Add a bias.
        norm: Follow with batch norm.
        activation: Follow with this.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=bias)
    ]
    if norm:
        layers.append(nn.BatchNorm2d(outputs))
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """Expand, filter each channel by 3 x 3, project (MobileNetV2: Sandler et al. 2018, CVPR, section 3.3).

    Added to its input where the shapes allow it and ``residual`` asks for it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int = 1,
        expand: int = 4,
        *,
        activation: type[nn.Module] = nn.ReLU6,
        few_norms: bool = False,
        residual: bool = True,
    ) -> None:
        super().__init__()
        middle = inputs * expand
        plain = {"bias": few_norms, "norm": not few_norms}
        layers: list[nn.Module] = []
        if expand != 1:
            layers.append(convolution(inputs, middle, activation=activation, **plain))
        layers.append(convolution(middle, middle, 3, stride, middle, activation=activation, **plain))
        layers.append(convolution(middle, outputs))
        self.layers = nn.Sequential(*layers)
        self.residual = residual and stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs, lines / stride, samples / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class SpectralConvolution(nn.Conv2d):
    """1 x 1 convolution over as many channels as come in: bands mix before any are let go.

    The "Conv" of HyperspectralViTs (Ruzicka and Markham 2025, JSTARS 18, 10241, section III).
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 1)


class Upscale(nn.Sequential):
    """Nearest x 2, then two 3 x 3 convolutions that halve the channels.

    The "Up" of HyperspectralViTs (section III): twice the resolution for the classifier behind it.
    """

    def __init__(self, channels: int) -> None:
        half = channels // 2
        super().__init__(
            nn.Upsample(scale_factor=2.0, mode="nearest"),
            *convolution(channels, half, 3, bias=True, activation=nn.ReLU),
            *convolution(half, half, 3, bias=True, activation=nn.ReLU),
        )


class StochasticDepth(nn.Module):
    """Leaves a residual branch out for some samples while training (Huang et al. 2016, ECCV)."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self.chance = chance

    def forward(self, x: Tensor) -> Tensor:
        """Return x, in training zero for a share of the samples and the others raised accordingly."""
        if not self.training or self.chance == 0.0:
            return x
        kept = 1.0 - self.chance
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        return x * torch.bernoulli(torch.full(shape, kept, device=x.device, dtype=x.dtype)) / kept
