"""Judge denoisers: ``python -m bench.denoise --denoiser runs/denoiser/network.pt --out runs/denoise``.

Every method gets the same noisy cubes. What is measured is kept by cube, case and method in one JSON, so that
a run goes on where it was stopped.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from bench.command import tells_errors
from bench.denoise_cubes import EMIT_CASE, Trial, real_trials, scene_trials
from bench.denoise_table import markdown, picture
from export.denoiser_scores import SCORES, WITHOUT_WEIGHTS
from onboard.errors import UsageError
from onboard.models.denoise_classical import gaussian_bands, low_rank, total_variation_bands
from onboard.models.denoiser import Denoiser
from onboard.replay.run_folder import write_json
from onboard.training.denoising.data import ensure_scenes
from onboard.training.denoising.module import load_network
from onboard.training.denoising.noise import CASES

Array = npt.NDArray[np.float32]
Method = Callable[[Trial], Array]
Row = dict[str, Any]

SENSOR = "emit"
LEAST_SSIM_SIZE = 16
ALL_CASES = [*CASES, EMIT_CASE]
SHOWN_CASE = "mixture"


def classical(function: Callable[[Array], Array]) -> Method:
    """Return a method of a function of cubes; invalid pixels are left as they are."""
    return lambda trial: function(trial.noisy)


def network(path: Path) -> Method:
    """Return a method of a trained network's file."""
    found = load_network(path)

    def run(trial: Trial) -> Array:
        noisy = torch.from_numpy(np.ascontiguousarray(trial.noisy))[None]
        valid = torch.from_numpy(trial.valid.astype(np.float32))[None, None]
        with torch.no_grad():
            return np.asarray(found(noisy, valid, trial.table)[0].numpy())

    return run


def cost(path: Path) -> Row:
    """Return a network's parameters, and thousands of multiply-adds a pixel at the flight table's bands."""
    from torch.utils.flop_counter import FlopCounterMode

    from onboard.sensors import load_sensor
    from onboard.training.denoising.data import band_table
    from onboard.training.tables import make_tables

    found = load_network(path)
    bands = make_tables(load_sensor(SENSOR)).mf_bands
    table = band_table(SENSOR, bands, "unit")
    size = 64
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        found(torch.rand(1, len(bands), size, size), torch.ones(1, 1, size, size), table)
    mac = counter.get_total_flops() / 2
    return {
        "kind": "denoiser" if isinstance(found, Denoiser) else "hsdt-style",
        "parameters": sum(parameter.numel() for parameter in found.parameters()),
        "kmac_a_pixel": mac / size**2 / 1e3,
        "mac_a_band_sample": mac / size**2 / len(bands),
    }


def score(output: Array, trial: Trial) -> Row:
    """Return PSNR in dB, SSIM and SAM in degrees over valid pixels, means over bands where bands have them.

    Log radiance is scaled to 0-1 by the truth's own extremes first, and back to radiance for SAM.
    """
    low, high = float(trial.clean.min()), float(trial.clean.max())
    clean, found = ((cube - low) / (high - low) for cube in (trial.clean, output))
    error = ((found - clean)[:, trial.valid].astype(np.float64) ** 2).mean(axis=1)
    psnr = float(-10 * np.log10(np.maximum(error, 1e-12)).mean())
    ssim = None
    if min(clean.shape[1:]) >= LEAST_SSIM_SIZE:
        a, b = (torch.from_numpy(np.ascontiguousarray(cube))[None] for cube in (found, clean))
        value = structural_similarity_index_measure(a, b, data_range=1.0)
        assert isinstance(value, torch.Tensor)
        ssim = float(value)
    if trial.table.domain == "log":
        clean, found = np.exp(trial.clean), np.exp(output)
    x, y = (cube[:, trial.valid].astype(np.float64) for cube in (clean, found))
    size = np.linalg.norm(x, axis=0) * np.linalg.norm(y, axis=0)
    angle = np.degrees(np.arccos(np.clip((x * y).sum(axis=0) / np.maximum(size, 1e-12), -1, 1)))
    return {"psnr": psnr, "ssim": ssim, "sam": float(angle.mean())}


def judge(
    trials: Iterator[Trial], methods: dict[str, Method], stamps: dict[str, str], out: Path
) -> list[Row]:
    """Score methods on cubes, and return a row each; what ``out/scores.json`` has of the same is kept.

    Args:
        trials: Noisy cubes.
        methods: By name.
        stamps: What a method was, by name: scores of another one, or of another cube, are made again.
        out: Folder of scores and pictures.
    """
    file = out / SCORES
    kept: list[Row] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    known = {_key(row): row for row in kept if row["stamp"] == stamps.get(row["method"], row["stamp"])}
    asked: list[Row] = []
    pictured: set[str] = set()
    for trial in trials:
        shown: dict[str, Array] = {}
        cube = cube_digest(trial)
        for name, method in methods.items():
            row: Row = {"source": trial.source, "name": trial.name, "case": trial.case, "method": name}
            key = _key(row)
            if key not in known or known[key].get("cube") != cube:
                started = time.process_time()
                output = shown[name] = method(trial)
                spent = time.process_time() - started
                row |= {"stamp": stamps[name], "cube": cube, "seconds": spent, **score(output, trial)}
                known[key] = row | {"pixels": int(trial.valid.size)}
                write_json(file, list(known.values()))
            asked.append(known[key])
        wanted = trial.case in (SHOWN_CASE, EMIT_CASE) and min(trial.clean.shape[1:]) >= LEAST_SSIM_SIZE
        subject = f"{trial.source}-{trial.case}".replace(" ", "-").lower()
        if wanted and subject not in pictured and len(shown) == len(methods):
            picture(trial, shown, out / f"{subject}.png")
            pictured.add(subject)
    return asked


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("source", "name", "case", "method"))


def cube_digest(trial: Trial) -> str:
    """Return the hash of what a method is given and held against: cubes, validity and bands."""
    digest = hashlib.sha256()
    for part in (trial.noisy, trial.clean, trial.valid, trial.table.centres):
        digest.update(repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def run(
    out: Path,
    networks: dict[str, Path],
    cases: Sequence[str],
    *,
    scenes: int = 6,
    size: int = 128,
    scene_folder: Path | None = None,
    real: Path | None = None,
    with_classical: bool = True,
) -> str:
    """Judge all methods, and write ``scores.json``, ``table.md`` and pictures; returns the table.

    Raises:
        UsageError: An unknown case.
        CaptureError: A network or a cube cannot be read.
    """
    unknown = [case for case in cases if case not in ALL_CASES]
    if unknown:
        raise UsageError("unknown case", field="cases", found=unknown[0], expected=", ".join(ALL_CASES))
    out.mkdir(parents=True, exist_ok=True)
    methods: dict[str, Method] = {"noisy": lambda trial: trial.noisy}
    if with_classical:
        methods |= {
            "Gaussian": classical(gaussian_bands),
            "total variation": classical(total_variation_bands),
            "low rank": classical(low_rank),
        }
    stamps = dict.fromkeys(methods, WITHOUT_WEIGHTS)
    costs = {}
    for name, path in networks.items():
        methods[name], costs[name] = network(path), cost(path)
        stamps[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    clean = ensure_scenes(scene_folder or out / "scenes", SENSOR, "test", scenes, size)
    rows = judge(scene_trials(clean, SENSOR, list(cases)), methods, stamps, out)
    if real is not None:
        rows += judge(real_trials(real, list(cases), size), methods, stamps, out)
    table = markdown(rows, list(methods), costs)
    (out / "table.md").write_text(table, encoding="utf-8")
    return table


PATH = click.Path(path_type=Path)


@click.command()
@click.option("--out", type=PATH, default=Path("runs/denoise"), show_default=True, help="Scores, pictures.")
@click.option("--denoiser", type=PATH, help="Network file of the denoiser.")
@click.option("--hsdt", type=PATH, help="Network file of the transformer.")
@click.option("--cases", default=",".join(ALL_CASES), show_default=True, help="Which cases.")
@click.option("--scenes", type=click.IntRange(1), default=6, show_default=True, help="Simulated test scenes.")
@click.option("--size", type=click.IntRange(16), default=128, show_default=True, help="Lines and samples.")
@click.option("--shared-scenes", type=PATH, help="Folder of clean scenes.")
@click.option("--real", type=PATH, help="Folder of real cubes; without it scenes alone.")
@click.option("--classical/--no-classical", default=True, help="Judge the classical denoisers too.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the networks.")
@tells_errors
def main(
    out: Path,
    denoiser: Path | None,
    hsdt: Path | None,
    cases: str,
    scenes: int,
    size: int,
    shared_scenes: Path | None,
    real: Path | None,
    classical: bool,
    threads: int,
) -> None:
    """Judge denoisers in the cases of HSDT and with EMIT's own noise."""
    torch.set_num_threads(threads)
    given = {"HSDT-style": hsdt, "ours": denoiser}
    networks = {name: path for name, path in given.items() if path is not None}
    table = run(
        out,
        networks,
        [case.strip() for case in cases.split(",")],
        scenes=scenes,
        size=size,
        scene_folder=shared_scenes,
        real=real,
        with_classical=classical,
    )
    click.echo(table)


if __name__ == "__main__":
    main()
