"""HyperSTARCOP: a U-Net with a MobileNetV2 encoder on the matched filter and three visible bands.

STARCOP (Ruzicka et al. 2023, Sci. Rep. 13, 19999, "Models": U-Net of 6.6 M parameters on a matched filter's
output and RGB). Encoder: MobileNetV2 (Sandler et al. 2018, CVPR, table 2); decoder: U-Net (Ronneberger et
al. 2015, MICCAI) with nearest x 2, the encoder's map beside it, and two 3 x 3 convolutions a level, at
256, 128, 64, 32 and 16 channels. The published encoder started from ImageNet's weights; this one starts
from chance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onboard.errors import UsageError
from onboard.models.layers.blocks import InvertedResidual, convolution
from onboard.models.network import NoSettings, PeerNetwork, visible_bands
from onboard.models.registry import NetworkInput, register

INPUTS = 4
STEM_WIDTH = 32
GROUPS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and first stride of each group of MobileNetV2."""
LAST_WIDTH = 1280
DECODER_WIDTHS = (256, 128, 64, 32, 16)


class MobileNetEncoder(nn.Module):
    """MobileNetV2 without its classifier, as one part a stride: 2, 4, 8, 16, 32."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        parts: list[list[nn.Module]] = [[convolution(inputs, STEM_WIDTH, 3, 2, activation=nn.ReLU6)]]
        self.widths, width = [], STEM_WIDTH
        for expand, outputs, blocks, first in GROUPS:
            if first > 1:
                self.widths.append(width)
                parts.append([])
            for index in range(blocks):
                parts[-1].append(InvertedResidual(width, outputs, first if index == 0 else 1, expand))
                width = outputs
        parts[-1].append(convolution(width, LAST_WIDTH, activation=nn.ReLU6))
        self.widths.append(LAST_WIDTH)
        self.parts = nn.ModuleList([nn.Sequential(*part) for part in parts])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps at strides 2 to 32."""
        maps = []
        for part in self.parts:
            x = part(x)
            maps.append(x)
        return maps


class HyperStarcop(nn.Module):
    """The network itself: matched filter and RGB in, class scores out.

    Args:
        inputs: Channels in.
        classes: Channels out.
    """

    def __init__(self, inputs: int = INPUTS, classes: int = 1) -> None:
        super().__init__()
        self.encoder = MobileNetEncoder(inputs)
        skips = [*self.encoder.widths[-2::-1], 0]
        levels, width = [], self.encoder.widths[-1]
        for skip, outputs in zip(skips, DECODER_WIDTHS, strict=True):
            levels.append(
                nn.Sequential(
                    convolution(width + skip, outputs, 3, activation=nn.ReLU),
                    convolution(outputs, outputs, 3, activation=nn.ReLU),
                )
            )
            width = outputs
        self.levels = nn.ModuleList(levels)
        self.classify = nn.Conv2d(width, classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, classes, lines, samples) of (n, inputs, lines, samples), sizes multiples of 32."""
        maps = self.encoder(x)
        y = maps.pop()
        for level in self.levels:
            y = nn.functional.interpolate(y, scale_factor=2.0, mode="nearest")
            y = level(torch.cat([y, maps.pop()], dim=1) if maps else y)
        scores: Tensor = self.classify(y)
        return scores


INPUT = NetworkInput("filter_rgb", tasks=("methane",), multiple=32)


@register("hyper_starcop", INPUT)
def hyper_starcop(
    centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64], **settings: object
) -> PeerNetwork:
    """Build a HyperSTARCOP for a band table; it has no settings.

    Raises:
        UsageError: A setting is given.
    """
    if settings:
        raise UsageError("hyper_starcop has no settings", field="settings", found=", ".join(settings))
    bands = visible_bands(np.asarray(centres, np.float64))
    return PeerNetwork(HyperStarcop(), NoSettings(), INPUT, INPUT.tasks, bands, methane_classes=1)
