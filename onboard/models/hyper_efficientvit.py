"""HyperEfficientViT: EfficientViT-B1 of MIT's HAN Lab with its segmentation head, for any number of bands.

EfficientViT (Cai et al. 2023, ICCV, sections 3.1 and 3.2, table 1: B1) with the three changes of
HyperspectralViTs (Ruzicka and Markham 2025, JSTARS 18, 10241, section III) as switches. Written from the
papers; the sizes they leave open follow from the parameter and MAC counts of the published networks, which
the tests hold this one to. "Stride" is a head at stride 4 in place of 8; the encoder stays as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onboard.models.layers.blocks import InvertedResidual, SpectralConvolution, Upscale, convolution
from onboard.models.network import PeerNetwork, band_network
from onboard.models.registry import NetworkInput, register

WIDTHS = (16, 32, 64, 128, 256)
DEPTHS = (1, 2, 3, 3, 4)
HEAD_DIM = 16
ATTENTION_KERNEL = 5
EXPANSION = 4
HEAD_WIDTH = 64
HEAD_DEPTH = 3
HEAD_STAGES = (4, 3, 2)
HEAD_STRIDE = 8
SMALL_HEAD_STRIDE = 4
EPSILON = 1e-15
"""Least sum of weights: where no query sees any key, 0 / 0 would follow. A bound and no addend as in the
paper's own form: optimizers of ONNX graphs take adding so little for adding nothing, and NaN comes out."""


class LinearAttention(nn.Module):
    """Multi-scale attention without softmax: ReLU features make it linear in pixels (section 3.1, figure 2).

    Beside the tokens' own queries, keys and values stand those of a neighbourhood of 5 x 5.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        triple = 3 * width
        self.triple = nn.Conv2d(width, triple, 1, bias=False)
        self.around = nn.Sequential(
            nn.Conv2d(triple, triple, ATTENTION_KERNEL, padding=2, groups=triple, bias=False),
            nn.Conv2d(triple, triple, 1, groups=triple // HEAD_DIM, bias=False),
        )
        self.project = convolution(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, width, lines, samples) of the same."""
        own = self.triple(x)
        count, _, lines, samples = own.shape
        both = torch.cat([own, self.around(own)], dim=1)
        heads = both.reshape(count, -1, 3 * HEAD_DIM, lines * samples)
        query, key, value = heads.tensor_split(3, dim=2)
        query, key = torch.relu(query), torch.relu(key)
        # A row of ones beside the values sums the weights.
        value = torch.cat([value, torch.ones_like(value[:, :, :1])], dim=2)
        mixed = (value @ key.transpose(-2, -1)) @ query
        mixed = mixed[:, :, :-1] / mixed[:, :, -1:].clamp_min(EPSILON)
        result: Tensor = x + self.project(mixed.reshape(count, -1, lines, samples))
        return result


def _inverted(inputs: int, outputs: int, stride: int = 1, *, few_norms: bool = False) -> InvertedResidual:
    return InvertedResidual(inputs, outputs, stride, EXPANSION, activation=nn.Hardswish, few_norms=few_norms)


def _stem(bands: int, spectral_conv: bool) -> nn.Sequential:
    """Stride 2: a convolution and one separable block."""
    width = WIDTHS[0]
    layers: list[nn.Module] = [SpectralConvolution(bands)] if spectral_conv else []
    layers.append(convolution(bands, width, 3, 2, activation=nn.Hardswish))
    layers += [InvertedResidual(width, width, 1, 1, activation=nn.Hardswish) for _ in range(DEPTHS[0])]
    return nn.Sequential(*layers)


def _stage(index: int, spectral_conv: bool) -> nn.Sequential:
    """Stride 2: inverted residuals; from stage 3 on, attention and an inverted residual in turn."""
    inputs, width = WIDTHS[index - 1], WIDTHS[index]
    attends = index >= 3
    layers: list[nn.Module] = [SpectralConvolution(inputs)] if spectral_conv else []
    layers.append(_inverted(inputs, width, 2, few_norms=attends))
    for _ in range(DEPTHS[index] if attends else DEPTHS[index] - 1):
        if attends:
            layers.append(LinearAttention(width))
        layers.append(_inverted(width, width, few_norms=attends))
    return nn.Sequential(*layers)


class Head(nn.Module):
    """The last three stages brought to one width and size, added, refined, and classified."""

    def __init__(self, classes: int, upscale: bool, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.bring = nn.ModuleList([convolution(WIDTHS[stage], HEAD_WIDTH) for stage in HEAD_STAGES])
        self.refine = nn.Sequential(*(_inverted(HEAD_WIDTH, HEAD_WIDTH) for _ in range(HEAD_DEPTH)))
        width = HEAD_WIDTH // 2 if upscale else HEAD_WIDTH
        self.upscale = Upscale(HEAD_WIDTH) if upscale else nn.Identity()
        self.classify = nn.Sequential(
            convolution(width, EXPANSION * width, activation=nn.Hardswish),
            nn.Conv2d(EXPANSION * width, classes, 1),
        )

    def forward(self, maps: dict[int, Tensor]) -> Tensor:
        """Return (n, classes, lines, samples) at the head's stride, half of it with Up.

        Args:
            maps: Maps of the stages by number; stage k lies at stride 2^(k + 1).
        """
        total: Tensor | None = None
        for stage, bring in zip(HEAD_STAGES, self.bring, strict=True):
            y = bring(maps[stage])
            factor = 2.0 ** (stage + 1) / self.stride
            if factor != 1.0:
                y = nn.functional.interpolate(y, scale_factor=factor, mode="bicubic", align_corners=False)
            total = y if total is None else total + y
        scores: Tensor = self.classify(self.upscale(self.refine(total)))
        return scores


class HyperEfficientViT(nn.Module):
    """The network itself: bands in, class scores out.

    Args:
        bands: Channels in.
        classes: Channels out.
        spectral_conv: "Conv", a 1 x 1 convolution ahead of the stem and of every stage.
        upscale: "Up", the upscale block ahead of the classifier.
        small_strides: "Stride", the head at stride 4 in place of 8.
    """

    def __init__(
        self,
        bands: int,
        classes: int,
        *,
        spectral_conv: bool = True,
        upscale: bool = True,
        small_strides: bool = False,
    ) -> None:
        super().__init__()
        self.stem = _stem(bands, spectral_conv)
        self.stages = nn.ModuleList([_stage(index, spectral_conv) for index in range(1, len(WIDTHS))])
        self.head = Head(classes, upscale, SMALL_HEAD_STRIDE if small_strides else HEAD_STRIDE)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, classes, lines, samples) scores of (n, bands, lines, samples), sizes multiples of 32.

        What the head gives at a lower resolution is interpolated bilinearly.
        """
        maps: dict[int, Tensor] = {}
        y = self.stem(x)
        for number, stage in enumerate(self.stages, start=1):
            y = stage(y)
            maps[number] = y
        scores = self.head(maps)
        return nn.functional.interpolate(scores, size=x.shape[-2:], mode="bilinear", align_corners=False)


INPUT = NetworkInput("bands", multiple=32)


@register("hyper_efficientvit", INPUT)
def hyper_efficientvit(
    centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64], **settings: object
) -> PeerNetwork:
    """Build a HyperEfficientViT for a band table; see :class:`~onboard.models.network.BandSettings`."""
    return band_network(HyperEfficientViT, INPUT, centres, settings)
