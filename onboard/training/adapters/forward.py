"""A network on tiles of any band table, and losses that count only what is labelled."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, binary_cross_entropy_with_logits

from onboard.models.linescan import Linescan
from onboard.models.log_radiance import LOG_SCALE
from onboard.models.stem import WavelengthAwareStem
from onboard.training.body_input import InputScales, body_input
from onboard.training.losses import plume_loss


def tile_features(stem: WavelengthAwareStem, log: Tensor, basis: Tensor, own: bool) -> Tensor:
    """Return (pixels, static + dynamic) features of tiles whose bands are not the stem's.

    Args:
        stem: The stem.
        log: (pixels, bands) log radiance relative to the reference of these bands.
        basis: (knots, bands) of these bands.
        own: The level of these features is the level that flight will see, so the running statistics that
            scale static features follow it; else they stay, and training scales by the batch alone.
    """
    static, dynamic = (log @ (stem.weight @ basis).T).tensor_split([stem.static_features], dim=1)
    if stem.training and not own:
        return torch.cat([batch_norm(static, None, None, training=True, eps=stem.scale.eps), dynamic], dim=1)
    return torch.cat([stem.scale(static), dynamic], dim=1)


def tile_logits(
    network: Linescan, batch: dict[str, Tensor], scales: InputScales, basis: Tensor, own: bool = True
) -> Tensor:
    """Return (n, 11, lines, samples) logits of a batch of tiles of one band table.

    Args:
        network: Stem and body.
        batch: As :func:`~onboard.training.adapters.samples.tile_sample` makes them, stacked.
        scales: Input scaling.
        basis: (knots, bands) of the batch's band table.
        own: See :func:`tile_features`.
    """
    # As for scenes: no half precision before the body.
    with torch.autocast(batch["log"].device.type, enabled=False):
        log = batch["log"].float() / LOG_SCALE
        count, lines, samples, bands = log.shape
        features = tile_features(network.stem, log.view(-1, bands), basis, own)
        planes = body_input(
            features.view(count, lines, samples, -1),
            network.settings.static_features,
            batch["physics"],
            batch["keep"],
            scales,
        )
    logits: Tensor = network.body(planes).float()
    return logits


def tile_losses(logits: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the losses of methane and of minerals; a head without labels has a loss of 0.

    Args:
        logits: (n, 11, lines, samples).
        batch: As in :func:`tile_logits`.
    """
    weight = batch["plume_weight"]
    methane = plume_loss(logits[:, 0], batch["plume"] * (weight > 0), batch["enhancement"], weight)
    return methane, known_mineral_loss(logits[:, 1:], batch["minerals"], batch["minerals_known"])


def known_mineral_loss(logits: Tensor, label: Tensor, known: Tensor) -> Tensor:
    """Return cross-entropy over minerals where they are known, rare presences raised as on scenes.

    Args:
        logits: (n, minerals, lines, samples).
        label: (n, minerals, lines, samples) 0 or 1.
        known: (n, minerals, lines, samples) 0 or 1.
    """
    weight = known * (1.0 + 2.0 * label)
    pixels = known.amax(dim=1).sum().clamp_min(1)
    return binary_cross_entropy_with_logits(logits, label, weight, reduction="sum") / pixels
