"""The fitting itself: steps, checkpoints, and rounds of mining in between."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader

from onboard.models.linescan import Linescan
from onboard.training.adapters.mixture import MixedBatches, Source
from onboard.training.dataset import PlumePatches
from onboard.training.mining import mined_weights
from onboard.training.module import LinescanTraining
from onboard.training.plain_progress import PlainProgress
from onboard.training.pool import Pool
from onboard.training.recipe import Recipe
from onboard.training.tables import FlightTables

log = logging.getLogger(__name__)
CHECKPOINT = "last.ckpt"
Weights = npt.NDArray[np.float32]


def phases(recipe: Recipe) -> list[int]:
    """Return the steps at which a phase ends; patches are mined between two of them."""
    count = recipe.mining_rounds + 1
    return [recipe.steps * (index + 1) // count for index in range(count)]


def fit(
    recipe: Recipe,
    out: Path,
    tables: FlightTables,
    pool: Pool | None,
    sources: list[Source],
    interactive: bool,
) -> LinescanTraining:
    """Train, going on from the last checkpoint of the folder if there is one.

    Args:
        recipe: What to train.
        out: The run folder.
        tables: Of the recipe's sensor.
        pool: Training patches; None if no scenes are trained on.
        sources: Data sets, if the recipe has any.
        interactive: Show a bar instead of plain lines.
    """
    module = LinescanTraining(recipe, tables, sources)
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=False)
        done = int(state["global_step"])
        module.load_state_dict(state["state_dict"])
        log.info("going on from step %d of %d", done, recipe.steps)
    else:
        done = 0
    ends = phases(recipe)
    for index, end in enumerate(ends):
        if done >= end and end != ends[-1]:
            continue
        weights = _mined(out, module, pool, tables, index) if pool is not None and not sources else None
        loader = _loader(recipe, tables, pool, sources, done, weights)
        trainer = _trainer(recipe, out, end, interactive)
        path = str(checkpoint) if checkpoint.exists() else None
        trainer.fit(module, loader, ckpt_path=path, weights_only=False)
        trainer.save_checkpoint(checkpoint)
        done = end
    return module


def _mined(
    out: Path, module: LinescanTraining, pool: Pool, tables: FlightTables, phase: int
) -> Weights | None:
    """Return what the network of a phase's start thinks of the patches; nothing in the first phase."""
    if phase == 0:
        return None
    network = module.average.module.eval()
    assert isinstance(network, Linescan)
    weights = mined_weights(out / f"mined-{phase}.npy", network, pool, tables)
    network.train()
    return weights


def _trainer(recipe: Recipe, out: Path, steps: int, interactive: bool) -> Any:
    keeper = ModelCheckpoint(
        dirpath=out,
        filename="last",
        every_n_train_steps=recipe.checkpoint_steps,
        save_top_k=1,
        enable_version_counter=False,
    )
    # Its advertisements are not our log.
    for noisy in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return lightning.Trainer(
        accelerator="cpu",
        max_steps=steps,
        logger=False,
        callbacks=[keeper, TQDMProgressBar() if interactive else PlainProgress(steps)],
        enable_model_summary=False,
        enable_progress_bar=interactive,
        gradient_clip_val=1.0,
        use_distributed_sampler=False,
    )


def _loader(
    recipe: Recipe,
    tables: FlightTables,
    pool: Pool | None,
    sources: list[Source],
    done: int,
    weights: Weights | None,
) -> DataLoader[dict[str, torch.Tensor]]:
    """Batches from step ``done`` on: of the pool alone, or of several sources."""
    if sources:
        mixed = MixedBatches(sources, [item.share for item in recipe.data], recipe, first=done)
        return DataLoader(mixed, batch_size=None, num_workers=1, prefetch_factor=2)
    assert pool is not None
    first = done * recipe.batch
    data = PlumePatches(pool, tables, recipe.seed, recipe.mineral_label, recipe.crop, first, weights)
    return DataLoader(data, batch_size=recipe.batch, num_workers=1, prefetch_factor=2)
