"""From a training sample to a network's logits: each kind of network gets its own input."""

from __future__ import annotations

import torch
from torch import Tensor

from onboard.models.linescan import Linescan
from onboard.models.streaming_filter import LOG_SCALE
from onboard.training.body_input import FeaturePrior, InputScales, body_input


def logits_of(network: Linescan, sample: dict[str, Tensor], scales: InputScales) -> Tensor:
    """Return (n, 11, lines, samples) logits of a batch of samples.

    Args:
        network: Stem and body.
        sample: ``log``, ``physics``, ``keep`` and the capture's statistics, as
            :class:`~onboard.training.dataset.PlumePatches` makes them.
        scales: Input scaling.
    """
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
    logits: Tensor = network.body(planes)
    return logits


def feature_prior(network: Linescan, sample: dict[str, Tensor]) -> FeaturePrior:
    """Return what flight would know of the dynamic features: linear in what is known of log radiance."""
    weight = network.stem.band_weights()[network.settings.static_features :]
    mean = sample["before_mean"] @ weight.T
    variance = torch.einsum("fb,nbc,fc->nf", weight, sample["covariance"], weight)
    return FeaturePrior(mean, sample["before_lines"], variance.clamp_min(0.0))
