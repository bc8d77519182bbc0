"""How strong a source must be to be found: `python -m bench.detection`.

Controlled releases: point sources of known emission at one wind speed, laid apart from each other into
captures of ground that no training saw, flown through the core. The share found against emission is a
logistic curve in the logarithm of emission, as surveys fit it (Ayasse et al. 2024, ES&T 58, 21536, who find
EMIT's 90 % at 1060 kg/h and 3 m/s in favourable conditions).

A release is found by an *event* when any pixel of one meets at least 100 ppm m of its gas. It is found by
the *mask* when at least a tenth of its pixels of 500 ppm m or more, and at least one, are in the plume mask;
SimEMIT-1's own label, 2000 ppm m, is more than a tonne an hour reaches anywhere at 3 m/s. Either must
happen by itself: releases are laid apart, and an event that meets none of them is counted as false.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bench.command import bundle_option, tells_errors
from bench.detection_curve import PUBLISHED_KG_H, draw, markdown, summarise
from bench.digests import bundle_digest
from bench.flights import Flown, fly_scene, kept
from onboard.errors import UsageError
from onboard.progress import progress
from onboard.replay.components import dilate
from onboard.replay.run_folder import write_json
from onboard.scenes.arrays import NumpyRandom
from onboard.scenes.gas.plumes import Window, draw_windows, overlap
from onboard.scenes.gas.sources import Sources
from onboard.scenes.gas.turbulence import draw_wind_history
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.scenes.simemit import benchmark_set
from onboard.sensors import load_sensor

Array = npt.NDArray[np.float32]
Row = dict[str, Any]
RATES = (100.0, 200.0, 300.0, 500.0, 700.0, 1060.0, 1500.0, 2500.0, 5000.0)
WIND_M_S = 3.0
FIRST_SEED = 195_000
FOOTPRINT_PPM_M = 100.0
STRONG_PPM_M = 500.0
APART_PX = 6
TRIES = 400
FOUND_SHARE = 0.1


@dataclass(frozen=True)
class Releases:
    """Controlled releases in a scene.

    Attributes:
        enhancement: (lines, samples) float32 ppm m, of all together.
        footprint: (lines, samples) int32, number from 1 of the release with at least 100 ppm m there.
        strong: (lines, samples) int32, likewise with at least 500 ppm m.
        rates: Emission of each in kg/h.
        peaks: Highest enhancement of each in ppm m.
    """

    enhancement: Array
    footprint: npt.NDArray[np.int32]
    strong: npt.NDArray[np.int32]
    rates: tuple[float, ...]
    peaks: tuple[float, ...]


def place_releases(
    seed: int, shape: tuple[int, int], rates: Sequence[float], wind_m_s: float, pixel_m: float
) -> Releases:
    """Lay point sources into a scene so that no plume comes near another or leaves the scene.

    Args:
        seed: Seed of plumes and places.
        shape: Lines and samples.
        rates: Emission of each source, kg/h.
        wind_m_s: Mean wind over all; directions are drawn.
        pixel_m: Size of a pixel in metres.

    Raises:
        UsageError: They do not fit.
    """
    random = NumpyRandom(seed, "releases")
    count = len(rates)
    sources = Sources(
        np.asarray(rates, np.float32),
        np.full(count, wind_m_s, np.float32),
        random.uniform((count,), 0.0, 2 * math.pi),
        np.zeros(count, np.int64),
    )
    histories = (draw_wind_history(random, (1,)), draw_wind_history(random, (1,)))
    windows = list(draw_windows(random, sources, histories, pixel_m=pixel_m))
    field, taken = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    footprint, strong = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    rng = np.random.default_rng((seed, 0x9E1))
    for index in sorted(range(count), key=lambda i: -rates[i]):
        part, own = _free_place(rng, shape, windows[index], taken)
        field[part] += own
        footprint[part][own >= FOOTPRINT_PPM_M] = index + 1
        strong[part][own >= STRONG_PPM_M] = index + 1
        taken |= dilate(footprint == index + 1, APART_PX)
    peaks = tuple(float(window.field.max(initial=0.0)) for window in windows)
    return Releases(field, footprint, strong, tuple(float(rate) for rate in rates), peaks)


def _free_place(
    rng: np.random.Generator, shape: tuple[int, int], window: Window, taken: npt.NDArray[np.bool_]
) -> tuple[tuple[slice, slice], Array]:
    gas = window.field >= FOOTPRINT_PPM_M
    for _ in range(TRIES):
        at = (int(rng.integers(shape[0])), int(rng.integers(shape[1])))
        part, own = overlap(shape, window, at)
        here = own >= FOOTPRINT_PPM_M
        if here.sum() == gas.sum() and not (taken[part] & here).any():
            return part, own
    raise UsageError(
        "releases do not fit apart from each other",
        field="--size",
        found=shape,
        remedy="larger captures, or fewer repeats",
    )


def judge(flown: Flown, releases: Releases) -> Row:
    """Return which releases were found, and how many events were none."""
    met: set[int] = set()
    false = 0
    for pixels in flown.event_pixels():
        ids = np.unique(releases.footprint[pixels])
        met |= {int(i) for i in ids if i}
        false += not ids.any()
    count = len(releases.rates) + 1
    size = np.bincount(releases.strong.ravel(), minlength=count)
    hits = np.bincount(releases.strong[flown.mask], minlength=count)
    rows = [
        {
            "rate": rate,
            "peak": round(peak, 1),
            "pixels": int(size[index]),
            "event": index in met,
            "mask": bool(size[index]) and bool(hits[index] >= max(1.0, FOUND_SHARE * size[index])),
        }
        for index, (rate, peak) in enumerate(zip(releases.rates, releases.peaks, strict=True), 1)
    ]
    return {"releases": rows, "false_events": false}


def recipe_for(climate: str, number_: int, size: tuple[int, int]) -> SceneRecipe:
    """Return a capture without plumes, clouds or lost lines, under the benchmark's test conditions."""
    rows = [one.recipe for one in benchmark_set("test") if one.recipe.climate == climate]
    if not rows:
        known = sorted({str(one.recipe.climate) for one in benchmark_set("test")})
        raise UsageError("no such climate", field="--climates", found=climate, expected=", ".join(known))
    index = [str(one.recipe.climate) for one in benchmark_set("test")].index(climate)
    return replace(
        rows[number_ % len(rows)],
        seed=FIRST_SEED + 100 * index + number_,
        lines=size[0],
        samples=size[1],
        plumes=0,
        emission_kg_h=None,
        cloud_fraction=0.0,
        flagged_lines=0,
    )


def fly_releases(
    recipe: SceneRecipe, bundle: Path | None, rates: Sequence[float], repeats: int, wind: float
) -> Row:
    """Simulate one capture, release gas into it, fly it and judge it."""
    sensor = load_sensor("emit")
    releases = place_releases(
        recipe.seed, (recipe.lines, recipe.samples), [*rates] * repeats, wind, sensor.pixel_size_m
    )
    scene = build_scene(recipe, sensor)
    (flown,) = fly_scene(scene, bundle, enhancement=releases.enhancement)
    return {"climate": recipe.climate, **judge(flown, releases)}


def climates_of(text: str | None) -> list[str]:
    """Return the climates named, or all of the benchmark's test set."""
    known = list(dict.fromkeys(str(one.recipe.climate) for one in benchmark_set("test")))
    return [name.strip() for name in text.split(",")] if text else known


Study = Callable[[SceneRecipe, Path | None, Sequence[float], int, float], Row]
"""From a capture's recipe, bundle, rates, repeats and wind to what is kept of it."""
OPTIONS = (
    bundle_option,
    click.option("--captures", default=3, show_default=True, help="Captures of each climate."),
    click.option("--repeats", default=3, show_default=True, help="Releases of each rate in a capture."),
    click.option(
        "--size", type=(int, int), default=(640, 1242), show_default=True, help="Lines and samples."
    ),
    click.option("--rates", default=",".join(f"{rate:g}" for rate in RATES), show_default=True, help="kg/h."),
    click.option("--wind", default=WIND_M_S, show_default=True, help="m/s."),
    click.option("--climates", help="Comma-separated; the benchmark's four if not given."),
)


def release_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a study of releases."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def study_captures(
    study: Study,
    label: str,
    out: Path,
    bundle: Path | None,
    captures: int,
    repeats: int,
    size: tuple[int, int],
    rates: str,
    wind: float,
    climates: str | None,
) -> list[Row]:
    """Return what a study keeps of each capture, making what is missing; options as given.

    Raises:
        UsageError: A rate is no number, or there is no such climate.
    """
    try:
        amounts = [float(rate) for rate in rates.split(",")]
    except ValueError:
        raise UsageError(
            "an emission is no number", field="--rates", found=rates, expected="kg/h, as in 500,1060,5000"
        ) from None
    recipes = [recipe_for(c, n, size) for n in range(captures) for c in climates_of(climates)]
    rows = []
    for recipe in progress(recipes, total=len(recipes), label=label, unit="captures"):
        basis = {
            "study": label,
            "recipe": asdict(recipe),
            "rates": amounts,
            "repeats": repeats,
            "wind": wind,
            "bundle": bundle_digest(bundle),
        }
        make = partial(study, recipe, bundle, amounts, repeats, wind)
        rows.append(kept(out / "captures" / f"{recipe.climate}-{recipe.seed}.json", basis, make))
    return rows


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/detection"), show_default=True)
@release_options
@tells_errors
def main(out: Path, wind: float, **options: Any) -> None:
    """Release gas of known emission, and say from where on it is found."""
    groups = summarise(study_captures(fly_releases, "detection", out, wind=wind, **options))
    write_json(out / "detection.json", {"wind_m_s": wind, "published_kg_h": PUBLISHED_KG_H, "groups": groups})
    draw(groups, wind, out / "detection.png")
    click.echo(markdown(groups))


if __name__ == "__main__":
    main()
