"""From a training sample to a network's logits: each kind of network gets its own input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onboard.minerals import MINERALS
from onboard.models.filter_tables import FilterSettings
from onboard.models.linescan import Linescan
from onboard.models.log_radiance import LOG_SCALE
from onboard.models.network import TASKS, PeerNetwork
from onboard.training.body_input import (
    FeaturePrior,
    InputScales,
    body_input,
    normalise_dynamic,
    teaching_mask,
)

AnyNetwork = Linescan | PeerNetwork

SILENT_LOGIT = -20.0
"""What stands where a network has no output: as good as never."""
FILTER_SCALE_PPMM = 1750.0
FILTER_TOP = 2.0
"""HyperSTARCOP's filter plane is enhancement / 1750 ppm m within 0 and 2 (Ruzicka et al. 2023, "Methods")."""
VISIBLE_TOP = 2.0
"""Its visible planes are radiance over the reference table, within 0 and 2."""


def tasks_of(network: AnyNetwork) -> tuple[str, ...]:
    """Return what a network says, of "methane" and "minerals"."""
    return network.tasks if isinstance(network, PeerNetwork) else TASKS


def logits_of(network: AnyNetwork, sample: dict[str, Tensor], scales: InputScales) -> Tensor:
    """Return (n, 11, lines, samples) logits of a batch of samples, methane first.

    Tasks that the network does not have get a constant logit of -20, which no loss can move.

    Args:
        network: Any registered network.
        sample: ``log``, ``physics``, ``keep`` and the capture's statistics, as
            :class:`~onboard.training.dataset.PlumePatches` makes them.
        scales: Input scaling of line networks.
    """
    if isinstance(network, PeerNetwork):
        normal = relative_bands(network, sample) if network.relative else None
        return peer_logits(network, sample["log"], sample["physics"], normal=normal)
    # What tells methane from ground are differences of a thousandth: no half precision before the body.
    with torch.autocast(sample["log"].device.type, enabled=False):
        log = sample["log"].float() / LOG_SCALE
        count, lines, samples, bands = log.shape
        features = network.stem(log.view(-1, bands)).view(count, lines, samples, -1)
        planes = body_input(
            features,
            network.settings.static_features,
            sample["physics"],
            sample["keep"],
            scales,
            feature_prior(network, sample),
        )
    logits: Tensor = network.body(planes).float()
    return logits


def feature_prior(network: Linescan, sample: dict[str, Tensor]) -> FeaturePrior:
    """Return what flight would know of the dynamic features: linear in what is known of log radiance."""
    weight = network.stem.band_weights()[network.settings.static_features :]
    mean = sample["before_mean"] @ weight.T
    variance = torch.einsum("fb,nbc,fc->nf", weight, sample["covariance"], weight)
    return FeaturePrior(mean, sample["before_lines"], variance.clamp_min(0.0))


def relative_bands(network: PeerNetwork, sample: dict[str, Tensor]) -> Tensor:
    """Return (n, lines, samples, its bands) of a sample, less the column's running mean, over the deviation.

    Args:
        network: The network.
        sample: As :func:`logits_of` takes it.
    """
    bands = network.bands
    variance = torch.diagonal(sample["covariance"], dim1=-2, dim2=-1)[:, bands]
    prior = FeaturePrior(sample["before_mean"][..., bands], sample["before_lines"], variance)
    log = sample["log"][..., bands].float() / LOG_SCALE
    teaches = teaching_mask(sample["physics"])
    return normalise_dynamic(log, sample["keep"], teaches, FilterSettings(), prior)


def peer_logits(
    network: PeerNetwork,
    log: Tensor,
    physics: Tensor,
    *,
    picked: bool = False,
    normal: Tensor | None = None,
) -> Tensor:
    """Return (n, 11, lines, samples) logits of a published network, whatever the size of the image.

    Args:
        network: The network.
        log: (n, lines, samples, bands) int16 log radiance, 4096 a unit.
        physics: (n, lines, samples, 4): enhancement and sigma in ppm m, valid, brightness.
        picked: ``log`` holds the network's own bands only.
        normal: (n, lines, samples, its bands) relative to their column, for a network that sees them so.
    """
    if normal is not None:
        planes = relative_planes(normal, physics[..., 2])
    else:
        seen = log if picked else log[..., network.bands]
        planes = peer_planes(network, seen, physics[..., 0], physics[..., 2])
    lines, samples = planes.shape[-2:]
    down, across = (-size % network.input.multiple for size in (lines, samples))
    if down or across:
        planes = nn.functional.pad(planes, (0, across, 0, down), mode="replicate")
    return widened(network, network(planes)[..., :lines, :samples].float())


def peer_planes(network: PeerNetwork, log: Tensor, enhancement: Tensor, valid: Tensor) -> Tensor:
    """Return (n, channels, lines, samples) input planes of a published network, zero where invalid.

    Networks on bands see log radiance relative to the reference table; HyperSTARCOP sees the filter and
    the visible bands' radiance relative to it.

    Args:
        network: The network.
        log: (n, lines, samples, its bands) int16 log radiance, 4096 a unit.
        enhancement: (n, lines, samples) ppm m of a matched filter.
        valid: (n, lines, samples) 1 where radiance was measured.
    """
    planes = log.float() / LOG_SCALE
    if network.input.kind == "filter_rgb":
        filtered = (torch.nan_to_num(enhancement) / FILTER_SCALE_PPMM).clamp(0.0, FILTER_TOP)
        planes = torch.cat([filtered.unsqueeze(-1), planes.exp().clamp(0.0, VISIBLE_TOP)], dim=-1)
    return (planes * valid.unsqueeze(-1)).permute(0, 3, 1, 2).contiguous()


def relative_planes(normal: Tensor, valid: Tensor) -> Tensor:
    """Return (n, bands, lines, samples) of (n, lines, samples, bands) relative bands, clipped as ours are."""
    clip = InputScales().feature_clip
    return (normal.clamp(-clip, clip) * valid.unsqueeze(-1)).permute(0, 3, 1, 2)


def widened(network: PeerNetwork, logits: Tensor) -> Tensor:
    """Return (n, 11, lines, samples) of a network's own logits."""
    count, _, lines, samples = logits.shape
    first = 1 if "methane" in network.tasks else 0

    def silent(planes: int) -> Tensor:
        return logits.new_full((count, planes, lines, samples), SILENT_LOGIT)

    methane = logits[:, :first] if first else silent(1)
    minerals = logits[:, first:] if "minerals" in network.tasks else silent(len(MINERALS))
    return torch.cat([methane, minerals], dim=1)
