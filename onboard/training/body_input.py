"""From raw stem features and filter products to the body's input planes, as in flight."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from onboard.models.filter_tables import FilterSettings
from onboard.models.streaming_filter import STD_FLOOR
from onboard.models.teaching import DARK_LIMIT, LEAST_LIT
from onboard.training.strips import finalised_spans

BRIGHTNESS_CLIP = 3.0


@dataclass(frozen=True)
class InputScales:
    """How physics and features are scaled and clipped before the body; part of the flight plan."""

    alpha_scale: float = 1000.0
    alpha_clip: float = 8.0
    z_clip: float = 10.0
    feature_clip: float = 6.0

    def as_dict(self) -> dict[str, float]:
        """Return the scales as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class FeaturePrior:
    """What flight would already know of dynamic features.

    Attributes:
        mean: (n, samples, F) column means over the lines before.
        lines: (n, samples) number of those lines that taught.
        variance: (n, F) about the column means, over the whole swath.
    """

    mean: Tensor
    lines: Tensor
    variance: Tensor


def teaching_mask(physics: Tensor) -> Tensor:
    """Return (n, lines, samples) 1 where a pixel teaches the statistics, as
    :func:`~onboard.models.teaching.teaching_pixels` has it.

    Args:
        physics: (n, lines, samples, 4): enhancement and sigma in ppm m, valid, brightness.
    """
    valid, brightness = physics[..., 2], physics[..., 3]
    lit = valid * (brightness > DARK_LIMIT)
    enough = lit.sum(dim=(1, 2)) >= LEAST_LIT * valid.sum(dim=(1, 2))
    return torch.where(enough[:, None, None], lit, valid)


def normalise_dynamic(
    dynamic: Tensor,
    keep: Tensor,
    teaches: Tensor,
    settings: FilterSettings,
    prior: FeaturePrior | None = None,
) -> Tensor:
    """Return dynamic features less their running column mean, over their running deviation.

    Strip by strip as :class:`~onboard.models.streaming_filter.StreamingMatchedFilter` does it, for
    patches shorter than its memory; gradients flow through the mean, not the deviation.

    Args:
        dynamic: (n, lines, samples, F) raw features.
        keep: (n, lines, samples) 1 where a pixel goes into the means.
        teaches: (n, lines, samples) 1 where it goes into the deviation, which plumes stay in.
        settings: Constants of the statistics.
        prior: Statistics on arrival at the patch; those of nothing if None.
    """
    weight, spread = keep.unsqueeze(-1), teaches.unsqueeze(-1)
    count = torch.zeros_like(weight[:, 0])
    total = torch.zeros_like(dynamic[:, 0])
    squares = torch.zeros_like(dynamic[:, 0, 0])
    pixels = torch.zeros_like(squares[:, :1])
    if prior is not None:
        count = count + prior.lines.unsqueeze(-1)
        total = prior.mean * count
        pixels = pixels + float(settings.memory_lines * dynamic.shape[2])
        squares = prior.variance.detach() * pixels
    parts = []
    for first, end in finalised_spans(dynamic.shape[1]):
        now, mask = dynamic[:, first:end], weight[:, first:end]
        count = count + mask.sum(1)
        total = total + (now * mask).sum(1)
        overall = total.sum(1, keepdim=True) / count.sum(1, keepdim=True).clamp_min(1e-6)
        used = (total + settings.kappa * overall) / (count + settings.kappa)
        off = now - used.unsqueeze(1)
        teaching = spread[:, first:end]
        squares = squares + (off * off * teaching).sum((1, 2))
        pixels = pixels + teaching.sum((1, 2))
        deviation = (squares / pixels.clamp_min(1.0)).sqrt().detach() + STD_FLOOR
        parts.append(off / deviation[:, None, None])
    return torch.cat(parts, dim=1)


def body_input(
    features: Tensor,
    static_features: int,
    physics: Tensor,
    keep: Tensor,
    scales: InputScales,
    prior: FeaturePrior | None = None,
) -> Tensor:
    """Return the body's (n, channels, lines, samples) input planes.

    Args:
        features: (n, lines, samples, static + dynamic) of the stem.
        static_features: How many of them keep their level.
        physics: (n, lines, samples, 4): enhancement and sigma in ppm m, valid, brightness.
        keep: (n, lines, samples) 1 where a pixel goes into the means.
        scales: Scaling and clipping.
        prior: What is known of dynamic features on arrival.
    """
    static, dynamic = features.tensor_split([static_features], dim=-1)
    clip = scales.feature_clip
    teaches = teaching_mask(physics)
    normal = normalise_dynamic(dynamic, keep, teaches, FilterSettings(), prior).clamp(-clip, clip)
    alpha, sigma, valid, brightness = physics.unbind(-1)
    # What is too dark to tell of gas tells of none.
    lit = (brightness > DARK_LIMIT).to(alpha.dtype)
    planes = torch.stack(
        [
            (alpha / scales.alpha_scale).clamp(-scales.alpha_clip, scales.alpha_clip) * lit,
            (alpha / sigma).clamp(-scales.z_clip, scales.z_clip) * lit,
            valid,
            brightness.clamp(-BRIGHTNESS_CLIP, BRIGHTNESS_CLIP),
        ],
        dim=-1,
    )
    stacked = torch.cat([planes, static.clamp(-clip, clip), normal], dim=-1) * valid.unsqueeze(-1)
    # Channels stay last in memory: the convolutions of a training like that best.
    return stacked.permute(0, 3, 1, 2)
