"""The Lightning module: both heads of a network on injected patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from onboard.errors import UsageError
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.training.adapters.mixture import Source
from onboard.training.adapters.stems import TileStems
from onboard.training.body_input import InputScales
from onboard.training.losses import methane_loss, mineral_loss
from onboard.training.network_input import logits_of, tasks_of
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables

AVERAGE_DECAY = 0.995


def step_seed(seed: int, rank: int, step: int) -> int:
    """Return the seed of what a process draws in a training step."""
    return int(np.random.SeedSequence((seed, rank, step)).generate_state(1, np.uint64)[0])


def _decayed(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
    """Exponential moving average, with a short memory while few updates have been made."""
    decay = min(AVERAGE_DECAY, (1.0 + float(count)) / (10.0 + float(count)))
    return decay * average + (1.0 - decay) * current


class LinescanTraining(lightning.LightningModule):
    """Trains stem and body together; keeps an exponential moving average of the weights."""

    def __init__(self, recipe: Recipe, tables: FlightTables, sources: Sequence[Source] = ()) -> None:
        super().__init__()
        self.recipe = recipe
        self.scales = InputScales()
        self.network = registry.build(
            recipe.model, centres=tables.centres, fwhm=tables.fwhm, **recipe.settings
        )
        if isinstance(self.network, Linescan):
            self.network.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        elif sources:
            raise UsageError(
                "public data sets train line networks only",
                field="data",
                found=recipe.model,
                expected="model=linescan, or the simulated patches alone",
            )
        elif recipe.precision != "32-true":
            # Half-precision units of processors take channels last.
            self.network.to(memory_format=torch.channels_last)
        self.tiles = TileStems(self.network.stem, list(sources), tables) if sources else None
        if self.tiles is not None:
            self.tiles.silence_unseen(self.network.stem)
        self.strong_offset = nn.Parameter(torch.tensor(1.5))
        self.average = torch.optim.swa_utils.AveragedModel(self.network, avg_fn=_decayed, use_buffers=True)
        self.average.requires_grad_(False)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Return the loss of one batch, of simulated patches or of a public set's tiles."""
        # What is dropped in a step follows from its number, so that a resumed training drops the same.
        torch.manual_seed(step_seed(self.recipe.seed, self.global_rank, self.global_step))
        if self.tiles is not None and "plume_weight" in batch:
            methane, minerals = self.tiles.losses(self.network, batch, self.scales)
        else:
            logits = logits_of(self.network, batch, self.scales)
            valid = batch["physics"][..., 2]
            offset = nn.functional.softplus(self.strong_offset)
            methane = minerals = logits.new_zeros(())
            if "methane" in tasks_of(self.network):
                label = batch["plume"] * valid
                methane = methane_loss(logits[:, 0], label, batch["enhancement"], valid, offset)
            if "minerals" in tasks_of(self.network):
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
            [*self.network.parameters(), self.strong_offset],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
