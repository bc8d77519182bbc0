"""HyperSegFormer: MiT-B0 and the all-MLP decoder, for any number of bands.

SegFormer (Xie et al. 2021, NeurIPS, sections 3.1 and 3.2, table 6; sizes as in Hugging Face's configuration
of nvidia/mit-b0) with the three changes of HyperspectralViTs (Ruzicka and Markham 2025, JSTARS 18, 10241,
section III) as switches. Written from the papers; the sizes they leave open follow from the parameter and
MAC counts of the published networks, which the tests hold this one to.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onboard.models.layers.blocks import SpectralConvolution, StochasticDepth, Upscale
from onboard.models.network import PeerNetwork, band_network
from onboard.models.registry import NetworkInput, register

WIDTHS = (32, 64, 160, 256)
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)
"""By how much each stage's keys and values are thinned, each way."""
KERNELS = (7, 3, 3, 3)
STRIDES = (4, 2, 2, 2)
SMALL_STRIDES = (2, 2, 2, 2)
DEPTH = 2
EXPANSION = 4
DECODER_WIDTH = 256
DROP_PATH = 0.1
DROPOUT = 0.1
BLOCK_NORM_EPS = 1e-6


class PatchEmbedding(nn.Module):
    """Overlapping patches to tokens, with a spectral convolution ahead if asked for."""

    def __init__(self, inputs: int, width: int, kernel: int, stride: int, spectral_conv: bool) -> None:
        super().__init__()
        self.spectral = SpectralConvolution(inputs) if spectral_conv else nn.Identity()
        self.project = nn.Conv2d(inputs, width, kernel, stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, lines / stride, samples / stride, width) of (n, inputs, lines, samples)."""
        tokens: Tensor = self.norm(self.project(self.spectral(x)).permute(0, 2, 3, 1))
        return tokens


class ReducedAttention(nn.Module):
    """Self-attention whose keys and values come from a thinned map (Xie et al. 2021, equation 2)."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.thin = nn.Conv2d(width, width, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(width) if reduction > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, lines, samples, width) of the same."""
        seen = x
        if self.thin is not None:
            seen = self.norm(self.thin(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        query, key, value = (
            self._split(self.query(x)),
            self._split(self.key(seen)),
            self._split(self.value(seen)),
        )
        weight = torch.softmax(query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5, dim=-1)
        mixed = (weight @ value).transpose(1, 2).reshape(x.shape)
        result: Tensor = self.out(mixed)
        return result

    def _split(self, tokens: Tensor) -> Tensor:
        """(n, heads, tokens, width of a head)."""
        count, lines, samples, width = tokens.shape
        return tokens.reshape(count, lines * samples, self.heads, width // self.heads).transpose(1, 2)


class MixPerceptron(nn.Module):
    """Two dense layers with a depthwise 3 x 3 between, which tells where a token lies (equation 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        middle = EXPANSION * width
        self.enter = nn.Linear(width, middle)
        self.mix = nn.Conv2d(middle, middle, 3, padding=1, groups=middle)
        self.leave = nn.Linear(middle, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, lines, samples, width) of the same."""
        mixed = self.mix(self.enter(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        result: Tensor = self.leave(nn.functional.gelu(mixed))
        return result


class Block(nn.Module):
    """Attention and perceptron, each behind a layer norm and around a residual."""

    def __init__(self, width: int, heads: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.before, self.between = (nn.LayerNorm(width, eps=BLOCK_NORM_EPS) for _ in range(2))
        self.attention = ReducedAttention(width, heads, reduction)
        self.perceptron = MixPerceptron(width)
        self.drop = StochasticDepth(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, lines, samples, width) of the same."""
        x = x + self.drop(self.attention(self.before(x)))
        result: Tensor = x + self.drop(self.perceptron(self.between(x)))
        return result


class Stage(nn.Module):
    """Patch embedding, blocks and a layer norm."""

    def __init__(self, index: int, inputs: int, stride: int, spectral_conv: bool) -> None:
        super().__init__()
        width = WIDTHS[index]
        total = DEPTH * len(WIDTHS)
        self.embed = PatchEmbedding(inputs, width, KERNELS[index], stride, spectral_conv)
        self.blocks = nn.Sequential(
            *(
                Block(width, HEADS[index], REDUCTIONS[index], DROP_PATH * (DEPTH * index + k) / (total - 1))
                for k in range(DEPTH)
            )
        )
        self.norm = nn.LayerNorm(width, eps=BLOCK_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, width, lines / stride, samples / stride) of (n, inputs, lines, samples)."""
        tokens: Tensor = self.norm(self.blocks(self.embed(x)))
        return tokens.permute(0, 3, 1, 2).contiguous()


class Decoder(nn.Module):
    """All stages brought to one width and the first one's size, fused, and classified."""

    def __init__(self, classes: int, upscale: bool) -> None:
        super().__init__()
        self.bring = nn.ModuleList([nn.Conv2d(width, DECODER_WIDTH, 1) for width in WIDTHS])
        self.fuse = nn.Sequential(
            nn.Conv2d(len(WIDTHS) * DECODER_WIDTH, DECODER_WIDTH, 1, bias=False),
            nn.BatchNorm2d(DECODER_WIDTH),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
        )
        self.upscale = Upscale(DECODER_WIDTH) if upscale else nn.Identity()
        self.classify = nn.Conv2d(DECODER_WIDTH // 2 if upscale else DECODER_WIDTH, classes, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return (n, classes, lines, samples) at the first map's size, twice that with Up."""
        size = maps[0].shape[-2:]
        same = [
            nn.functional.interpolate(bring(x), size=size, mode="bilinear", align_corners=False)
            for bring, x in zip(self.bring, maps, strict=True)
        ]
        scores: Tensor = self.classify(self.upscale(self.fuse(torch.cat(same[::-1], dim=1))))
        return scores


class HyperSegFormer(nn.Module):
    """The network itself: bands in, class scores out.

    Args:
        bands: Channels in.
        classes: Channels out.
        spectral_conv: "Conv", a 1 x 1 convolution ahead of every patch embedding.
        upscale: "Up", the upscale block ahead of the classifier.
        small_strides: "Stride", a first stride of 2 in place of 4.
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
        strides = SMALL_STRIDES if small_strides else STRIDES
        inputs = (bands, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            [Stage(index, inputs[index], strides[index], spectral_conv) for index in range(len(WIDTHS))]
        )
        self.decoder = Decoder(classes, upscale)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, classes, lines, samples) scores of (n, bands, lines, samples), sizes multiples of 32.

        What the decoder gives at a lower resolution is interpolated bilinearly.
        """
        maps, y = [], x
        for stage in self.stages:
            y = stage(y)
            maps.append(y)
        scores: Tensor = self.decoder(maps)
        if scores.shape[-2:] == x.shape[-2:]:
            return scores
        return nn.functional.interpolate(scores, size=x.shape[-2:], mode="bilinear", align_corners=False)


INPUT = NetworkInput("bands", multiple=32)


@register("hyper_segformer", INPUT)
def hyper_segformer(
    centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64], **settings: object
) -> PeerNetwork:
    """Build a HyperSegFormer for a band table; see :class:`~onboard.models.network.BandSettings`."""
    return band_network(HyperSegFormer, INPUT, centres, settings)
