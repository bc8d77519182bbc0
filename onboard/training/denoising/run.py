"""A training of a denoiser, from recipe to run folder; goes on where it was stopped."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from onboard.errors import OutputError
from onboard.training.denoising.data import NoisyPatches, Sample, ensure_scenes, spectral_moments
from onboard.training.denoising.module import DenoisingTraining, build_network, save_network
from onboard.training.denoising.recipe import DenoisingRecipe
from onboard.training.plain_progress import PlainProgress

log = logging.getLogger(__name__)
LATER_FIELDS = {"precision": "32-true"}
"""What recipes of older run folders do not say, and were trained with."""
CHECKPOINT, RECIPE_FILE, NETWORK_FILE, REPORT_FILE = "last.ckpt", "recipe.json", "network.pt", "report.json"


def train(
    recipe: DenoisingRecipe, out: Path, *, scenes: Path | None = None, workers: int = 2, threads: int = 1
) -> Path:
    """Train a recipe into a run folder, going on from its last checkpoint if there is one.

    The folder then holds ``network.pt``, ``recipe.json`` and ``report.json``; ``scenes/`` and ``last.ckpt``
    serve a resumed run.

    Args:
        recipe: What to train.
        out: The run folder.
        scenes: Where clean scenes are kept, to share them between trainings; in the run folder if None.
        workers: Processes that simulate.
        threads: Threads of the network.

    Returns:
        The network's file.

    Raises:
        OutputError: The folder holds another training, or cannot be written.
    """
    _claim(out, recipe)
    lightning.seed_everything(recipe.seed, verbose=False)
    torch.set_num_threads(threads)
    pool = ensure_scenes(
        scenes or out / "scenes", recipe.sensor, "train", recipe.scenes, recipe.size, workers
    )
    network = build_network(recipe, spectral_moments(pool), len(pool.tables.mf_bands))
    checkpoint, done = out / CHECKPOINT, 0
    if checkpoint.exists():
        done = int(torch.load(checkpoint, map_location="cpu", weights_only=False)["global_step"])
        log.info("going on from step %d of %d", done, recipe.steps)
    loader: DataLoader[Sample] = DataLoader(
        NoisyPatches(pool, recipe, first=done), batch_size=None, num_workers=1, prefetch_factor=4
    )
    started = time.process_time()
    _trainer(recipe, out).fit(
        DenoisingTraining(network, recipe),
        loader,
        ckpt_path=str(checkpoint) if done else None,
        weights_only=False,
    )
    save_network(network.cpu().eval(), out / NETWORK_FILE)
    report = {
        "steps": recipe.steps,
        "patches": recipe.steps * recipe.batch,
        "steps_of_this_run": recipe.steps - done,
        "processor_seconds_of_this_run": round(time.process_time() - started, 1),
    }
    _write(out / REPORT_FILE, report)
    return out / NETWORK_FILE


def _trainer(recipe: DenoisingRecipe, out: Path) -> lightning.Trainer:
    for noisy in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    keeper = ModelCheckpoint(
        dirpath=out,
        filename=Path(CHECKPOINT).stem,
        every_n_train_steps=recipe.checkpoint_steps,
        save_top_k=1,
        enable_version_counter=False,
    )
    return lightning.Trainer(
        accelerator="auto",
        devices=1,
        precision=recipe.precision,  # type: ignore[arg-type]
        max_steps=recipe.steps,
        logger=False,
        callbacks=[keeper, PlainProgress(recipe.steps)],
        enable_model_summary=False,
        enable_progress_bar=False,
        gradient_clip_val=1.0,
        use_distributed_sampler=False,
    )


def _claim(out: Path, recipe: DenoisingRecipe) -> None:
    """Make the folder ours, or find that it was ours."""
    stamp, file = asdict(recipe), out / RECIPE_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _write(file, stamp)
        elif LATER_FIELDS | json.loads(file.read_text(encoding="utf-8")) != stamp:
            raise OutputError(
                "run folder holds another training",
                file=out,
                field=RECIPE_FILE,
                found="a different recipe",
                expected=recipe.network,
                remedy="choose another --out, or remove the folder",
            )
    except ValueError as error:
        raise OutputError(
            "the recipe of the run folder is damaged", file=file, found=str(error), remedy="remove the folder"
        ) from None
    except OSError as error:
        raise OutputError("run folder cannot be written", file=out, found=error.strerror) from error


def _write(path: Path, content: object) -> None:
    aside = path.with_suffix(path.suffix + ".partial")
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)
