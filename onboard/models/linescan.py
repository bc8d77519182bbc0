"""Linescan: the line stem, the matched filter's channels, and a small body with two heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models.registry import register
from onboard.models.stem import PlainStem, WavelengthAwareStem

PHYSICS_CHANNELS = 4
"""Enhancement, enhancement over sigma, valid, brightness: ahead of the stem's features."""
STEMS: dict[str, type[WavelengthAwareStem]] = {"wavelength": WavelengthAwareStem, "plain": PlainStem}


@dataclass(frozen=True)
class LinescanSettings:
    """Sizes of a Linescan network.

    Attributes:
        static_features: Stem features that keep their level: light and kind of the ground.
        dynamic_features: Stem features relative to their column: what stands out in it.
        shared_features: How many of the static features methane sees: what ground it looks at.
        mineral_features: How many of the dynamic features, the last ones, minerals alone see.
        widths: Channels of the methane U-Net at strides 1, 2, 4, 8.
        mineral_widths: Channels of the mineral branch at strides 1 and 2.
        stem: "wavelength" for weights that are a function of wavelength, "plain" for one a band.
    """

    static_features: int = 6
    dynamic_features: int = 22
    shared_features: int = 4
    mineral_features: int = 10
    widths: tuple[int, int, int, int] = (16, 32, 32, 48)
    mineral_widths: tuple[int, int] = (32, 48)
    stem: str = "wavelength"

    def as_dict(self) -> dict[str, object]:
        """Return the settings as plain values."""
        return asdict(self)


def pointwise(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 1 x 1 convolution with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def separable(channels: int, outputs: int) -> nn.Sequential:
    """Return a depthwise 3 x 3 and a pointwise convolution, each with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        *pointwise(channels, outputs),
    )


def halve(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 2 x 2 convolution at stride 2 with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 2, stride=2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class PlanesPointwise(nn.Module):
    """1 x 1 convolution that sees some of its input planes; the others' weights stay zero.

    So both branches take the one stack as it lies in flight, and the graph needs neither slices nor copies.
    """

    seen: Tensor

    def __init__(self, seen: Sequence[bool], outputs: int) -> None:
        super().__init__()
        mask = torch.tensor(seen, dtype=torch.float32)[None, :, None, None]
        self.register_buffer("seen", mask, persistent=False)
        planes = nn.Conv2d(sum(seen), outputs, 1, bias=False)
        weight = torch.zeros(outputs, len(seen), 1, 1)
        weight[:, mask[0, :, 0, 0] > 0] = planes.weight.detach()
        self.weight = nn.Parameter(weight)
        self.finish = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs, lines, samples) of (n, planes, lines, samples)."""
        result: Tensor = self.finish(nn.functional.conv2d(x, self.weight * self.seen))
        return result


class MethaneBranch(nn.Module):
    """Depthwise-separable U-Net at strides 1-2-4-8; sees 29 lines up and down, within the halo."""

    def __init__(self, seen: Sequence[bool], widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        w1, w2, w3, w4 = widths
        self.enter = nn.Sequential(PlanesPointwise(seen, w1), separable(w1, w1))
        self.down = nn.ModuleList(
            [
                nn.Sequential(halve(w1, w2), separable(w2, w2)),
                nn.Sequential(halve(w2, w3), separable(w3, w3)),
                nn.Sequential(halve(w3, w4), separable(w4, w4)),
            ]
        )
        self.reduce = nn.ModuleList([pointwise(w4, w3), pointwise(w3, w2), pointwise(w2, w1)])
        self.up = nn.ModuleList([separable(w3, w3), separable(w2, w2), separable(w1, w1)])
        self.head = nn.Conv2d(w1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 1, lines, samples) logits; lines and samples are multiples of 8."""
        skips = [self.enter(x)]
        for stage in self.down:
            skips.append(stage(skips[-1]))
        y = skips.pop()
        for reduce, up in zip(self.reduce, self.up, strict=True):
            y = nn.functional.interpolate(reduce(y), scale_factor=2.0, mode="nearest")
            y = up(y + skips.pop())
        logits: Tensor = self.head(y)
        return logits


class MineralBranch(nn.Module):
    """A small perceptron on each pixel's features, with a look at its neighbours at strides 1 and 2."""

    def __init__(self, seen: Sequence[bool], widths: tuple[int, int]) -> None:
        super().__init__()
        w1, w2 = widths
        self.enter = nn.Sequential(PlanesPointwise(seen, w1), separable(w1, w1))
        self.around = nn.Sequential(halve(w1, w2), separable(w2, w2), pointwise(w2, w1))
        self.leave = nn.Sequential(separable(w1, w1), nn.Conv2d(w1, len(MINERALS), 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 10, lines, samples) logits; lines and samples are even."""
        near = self.enter(x)
        around = nn.functional.interpolate(self.around(near), scale_factor=2.0, mode="nearest")
        logits: Tensor = self.leave(near + around)
        return logits


def methane_planes(settings: LinescanSettings) -> list[bool]:
    """Return which input planes methane sees: physics, a few static features, most dynamic ones."""
    static, own = settings.static_features, settings.mineral_features
    shared = [index < settings.shared_features for index in range(static)]
    return [True] * PHYSICS_CHANNELS + shared + [True] * (settings.dynamic_features - own) + [False] * own


def mineral_planes(settings: LinescanSettings) -> list[bool]:
    """Return which input planes minerals see: all but the filter's two."""
    return [False] * 2 + [True] * (2 + settings.static_features + settings.dynamic_features)


class LinescanBody(nn.Module):
    """Both branches over one stack of feature planes."""

    def __init__(self, settings: LinescanSettings) -> None:
        super().__init__()
        self.settings = settings
        self.methane = MethaneBranch(methane_planes(settings), settings.widths)
        self.minerals = MineralBranch(mineral_planes(settings), settings.mineral_widths)

    @property
    def channels(self) -> int:
        """Number of input planes."""
        return PHYSICS_CHANNELS + self.settings.static_features + self.settings.dynamic_features

    def forward(self, features: Tensor) -> Tensor:
        """Return (n, 11, lines, samples) logits, methane first, of (n, channels, lines, samples)."""
        return torch.cat([self.methane(features), self.minerals(features)], dim=1)


class Linescan(nn.Module):
    """Stem and body together, with the settings they were built with.

    Attributes:
        settings: Sizes.
        stem: Bands to features, at ingest.
        body: Features to logits, once a strip.
    """

    def __init__(
        self,
        centres: npt.NDArray[np.float64],
        fwhm: npt.NDArray[np.float64],
        settings: LinescanSettings | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings or LinescanSettings()
        if not 0 <= self.settings.mineral_features < self.settings.dynamic_features:
            raise UsageError(
                "no dynamic feature is left for methane",
                field="mineral_features",
                found=self.settings.mineral_features,
                expected=f"0 to {self.settings.dynamic_features - 1}",
            )
        if self.settings.stem not in STEMS:
            raise UsageError(
                "no such stem", field="stem", found=self.settings.stem, expected=" or ".join(STEMS)
            )
        self.stem = STEMS[self.settings.stem](
            centres, fwhm, self.settings.static_features, self.settings.dynamic_features
        )
        self.body = LinescanBody(self.settings)


@register("linescan")
def linescan(centres: npt.NDArray[np.float64], fwhm: npt.NDArray[np.float64], **settings: object) -> Linescan:
    """Build a Linescan network for a band table; see :class:`LinescanSettings`."""
    for name in ("widths", "mineral_widths"):
        if name in settings:
            settings[name] = tuple(settings[name])  # type: ignore[arg-type]
    return Linescan(centres, fwhm, LinescanSettings(**settings))  # type: ignore[arg-type]
