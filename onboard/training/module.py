"""The Lightning module: both heads of a network on injected patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor

from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.models.streaming_filter import LOG_SCALE
from onboard.training.adapters.mixture import Source
from onboard.training.adapters.stems import TileStems
from onboard.training.body_input import FeaturePrior, InputScales, body_input
from onboard.training.losses import methane_loss, mineral_loss
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables

AVERAGE_DECAY = 0.995


def _decayed(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
    """Exponential moving average, with a short memory while few updates have been made."""
    decay = min(AVERAGE_DECAY, (1.0 + float(count)) / (10.0 + float(count)))
    return decay * average + (1.0 - decay) * current


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
    weight = (network.stem.weight @ network.stem.basis)[network.settings.static_features :]
    mean = sample["before_mean"] @ weight.T
    variance = torch.einsum("fb,nbc,fc->nf", weight, sample["covariance"], weight)
    return FeaturePrior(mean, sample["before_lines"], variance.clamp_min(0.0))


class LinescanTraining(lightning.LightningModule):
    """Trains stem and body together; keeps an exponential moving average of the weights."""

    def __init__(self, recipe: Recipe, tables: FlightTables, sources: Sequence[Source] = ()) -> None:
        super().__init__()
        self.recipe = recipe
        self.scales = InputScales()
        self.network = registry.build(
            recipe.model, centres=tables.centres, fwhm=tables.fwhm, **recipe.settings
        )
        self.tiles = TileStems(self.network.stem, list(sources), tables) if sources else None
        if self.tiles is not None:
            self.tiles.silence_unseen(self.network.stem)
        self.average = torch.optim.swa_utils.AveragedModel(self.network, avg_fn=_decayed, use_buffers=True)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Return the loss of one batch, of simulated patches or of a public set's tiles."""
        if self.tiles is not None and "plume_weight" in batch:
            methane, minerals = self.tiles.losses(self.network, batch, self.scales)
        else:
            logits = logits_of(self.network, batch, self.scales)
            valid = batch["physics"][..., 2]
            methane = methane_loss(logits[:, 0], batch["plume"] * valid, batch["enhancement"], valid)
            minerals = mineral_loss(logits[:, 1:], batch["minerals"], valid)
        self.log_dict({"methane": methane, "minerals": minerals}, prog_bar=True)
        return methane + 2.0 * minerals

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then move the average; here rather than at batch end, where checkpoints come first."""
        super().optimizer_step(*args, **kwargs)
        self.average.update_parameters(self.network)

    def configure_optimizers(self) -> Any:
        """Return AdamW under a one-cycle schedule over the recipe's steps."""
        recipe = self.recipe
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
