"""The fitting itself: steps, checkpoints, and rounds of mining in between."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader

from onboard.models.linescan import Linescan
from onboard.training.adapters.mixture import MixedBatches, SceneSource, Source
from onboard.training.dataset import PlumePatches
from onboard.training.mining import mined_weights
from onboard.training.module import LinescanTraining
from onboard.training.network_input import AnyNetwork
from onboard.training.plain_progress import PlainProgress
from onboard.training.pool import Pool
from onboard.training.ranks import Ranks, check_share, wait_until
from onboard.training.recipe import Recipe
from onboard.training.stem_start import start_stem
from onboard.training.stopwatch import Stopwatch
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
    ranks: Ranks | None = None,
    watch: Stopwatch | None = None,
) -> LinescanTraining:
    """Train, going on from the last checkpoint of the folder if there is one.

    Args:
        recipe: What to train.
        out: The run folder.
        tables: Of the recipe's sensor.
        pool: Training patches; None if no scenes are trained on.
        sources: Data sets, if the recipe has any.
        interactive: Show a bar instead of plain lines.
        ranks: This process among those of the training; alone if None.
        watch: Counts the seconds of all runs; checkpoints carry it.
    """
    ranks = ranks or Ranks()
    watch = watch or Stopwatch()
    share = check_share(recipe, ranks)
    module = LinescanTraining(recipe, tables, sources)
    checkpoint = out / CHECKPOINT
    done = _taken_up(module, checkpoint, pool, tables)
    ends = phases(recipe)
    if pool is None and recipe.mining_rounds:
        log.warning("mining_rounds is %d, but there are no scenes to mine", recipe.mining_rounds)
    for index, end in enumerate(ends):
        if done >= end and end != ends[-1]:
            continue
        weights = _mined(out, module, pool, tables, index, ranks)
        if sources:
            loader = _mixed_loader(recipe, sources, weights, done)
        else:
            assert pool is not None
            label, crop, sigma = recipe.mineral_label, recipe.crop, recipe.continuum_sigma
            first = done * recipe.batch
            data = PlumePatches(pool, tables, recipe.seed, label, crop, first, weights, ranks, sigma)
            loader = DataLoader(data, batch_size=share, num_workers=1, prefetch_factor=2)
        trainer = _trainer(recipe, out, end, interactive, ranks, watch)
        path = str(checkpoint) if checkpoint.exists() else None
        trainer.fit(module, loader, ckpt_path=path, weights_only=False)
        trainer.save_checkpoint(checkpoint)
        done = end
    return module


def _taken_up(module: LinescanTraining, checkpoint: Path, pool: Pool | None, tables: FlightTables) -> int:
    """Return the steps that are done: those of the checkpoint, or none, the stem at its start."""
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=False)
        module.load_state_dict(state["state_dict"])
        log.info("going on from step %d of %d", state["global_step"], module.recipe.steps)
        return int(state["global_step"])
    if pool is not None and isinstance(module.network, Linescan):
        start_stem(module.network, pool, tables, module.recipe)
        module.average.module.load_state_dict(module.network.state_dict())
    return 0


def _mixed_loader(
    recipe: Recipe, sources: list[Source], weights: Weights | None, first: int
) -> DataLoader[Any]:
    """Return batches of data sets from number ``first`` on; scenes are drawn as often as they weigh."""
    now = [
        replace(source, weights=weights) if isinstance(source, SceneSource) else source for source in sources
    ]
    mixed = MixedBatches(now, [item.share for item in recipe.data], recipe, first=first)
    return DataLoader(mixed, batch_size=None, num_workers=1, prefetch_factor=2)


def _mined(
    out: Path, module: LinescanTraining, pool: Pool | None, tables: FlightTables, phase: int, ranks: Ranks
) -> Weights | None:
    """Return what the network of a phase's start thinks of the patches; nothing in the first phase."""
    if phase == 0 or pool is None:
        return None
    file = out / f"mined-{phase}.npy"
    if not ranks.first:
        wait_until(file.exists, file.name)
    network = module.average.module.cpu().eval()
    assert isinstance(network, AnyNetwork)
    weights = mined_weights(file, network, pool, tables)
    network.train()
    return weights


def _trainer(recipe: Recipe, out: Path, steps: int, interactive: bool, ranks: Ranks, watch: Stopwatch) -> Any:
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
    several = ranks.world > 1
    return lightning.Trainer(
        accelerator="auto",
        devices=ranks.local_world if several else 1,
        num_nodes=ranks.nodes,
        strategy="ddp" if several else "auto",
        precision=recipe.precision,  # type: ignore[arg-type]
        max_steps=steps,
        logger=False,
        callbacks=[keeper, watch, TQDMProgressBar() if interactive and ranks.first else PlainProgress(steps)],
        enable_model_summary=False,
        enable_progress_bar=interactive and ranks.first,
        gradient_clip_val=1.0,
        use_distributed_sampler=False,
    )
