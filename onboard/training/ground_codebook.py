"""Derive `onboard/models/data/ground-classes.json`, the codebook of ground classes, from training patches.

``python -m onboard.training.ground_codebook RUN`` takes the training patches of a run folder of the shipped
recipe (their ground is made of the library's training samples) and clusters pixels by k-means.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.models.ground_classes import CLASS_SCALE, CODEBOOK
from onboard.models.teaching import DARK_LIMIT
from onboard.progress import progress
from onboard.training.dataset import unpack_log
from onboard.training.pool import Patch, Pool, patch_seeds
from onboard.training.recipe import PoolRecipe
from onboard.training.tables import FlightTables

WAVELENGTHS_NM = (480.0, 560.0, 660.0, 860.0, 1040.0, 1250.0, 1650.0, 2130.0)
"""Windows of the air in which ground differs most, clear of methane's bands."""
CLASSES = 16
PATCHES, PIXELS = 400, 300
SEED = 2
TARGET = Path(__file__).parents[1] / "models" / "data" / CODEBOOK


def drawn_pixels(
    rng: np.random.Generator, patch: Patch, bands: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return log radiance (n, B) of some valid pixels of a patch that are not too dark.

    Args:
        rng: Source of randomness.
        patch: Ground.
        bands: (B,) which bands.
    """
    places = np.argwhere(patch.valid)
    places = places[rng.permutation(len(places))[:PIXELS]]
    log = unpack_log(patch.log[places[:, 0], places[:, 1]][:, bands])
    return np.asarray(log[log[:, -2:].mean(axis=1) > DARK_LIMIT])


def codebook(pool: Pool, bands: npt.NDArray[np.int64], classes: int = CLASSES) -> npt.NDArray[np.int16]:
    """Return the centres (classes, B), in counts of 1024 a unit of log radiance.

    Args:
        pool: Training patches.
        bands: (B,) which bands.
        classes: How many.
    """
    from scipy.cluster.vq import kmeans2

    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(pool))[:PATCHES]
    shown = progress(chosen, total=len(chosen), label="look at ground", unit="patch")
    seen = np.concatenate([drawn_pixels(rng, pool[int(index)], bands) for index in shown])
    centres, _ = kmeans2(
        seen.astype(np.float64), classes, iter=40, minit="++", rng=np.random.default_rng(SEED)
    )
    # In the order of brightness, so that a number says something.
    ordered = centres[np.argsort(centres.mean(axis=1))]
    return np.asarray(np.rint(ordered * CLASS_SCALE), np.int16)


def written(centres: npt.NDArray[np.int16]) -> str:
    """Return the codebook as the text of its file.

    Args:
        centres: (C, B).
    """
    table: dict[str, Any] = {
        "what": "classes of ground: log radiance relative to the reference table, 1024 counts a unit",
        "from": "k-means over pixels of training patches; python -m onboard.training.ground_codebook",
        "wavelengths_nm": list(WAVELENGTHS_NM),
    }
    head = json.dumps(table, indent=1)[:-2]
    rows = ",\n".join(f"  {json.dumps(row)}" for row in centres.tolist())
    return f'{head},\n "centres": [\n{rows}\n ]\n}}\n'


def main() -> None:
    """Cluster the patches of a run folder, and write the data file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", type=Path, help="run folder of `onboard train shipped`")
    run: Path = parser.parse_args().run
    tables = FlightTables.load(run / "tables.npz")
    recipe = PoolRecipe(**json.loads((run / "recipe.json").read_text(encoding="utf-8"))["pool"])
    pool = Pool(run / "pool" / "train", tuple(patch_seeds(recipe, "train")), recipe.windows)
    bands = np.array([int(np.abs(tables.centres - nm).argmin()) for nm in WAVELENGTHS_NM], np.int64)
    TARGET.write_text(written(codebook(pool, bands)), encoding="utf-8")


if __name__ == "__main__":
    main()
