"""How weak a source could be found at best: `python -m bench.detection_bound`.

The releases of ``bench.detection``, looked for by somebody who knows each plume's own shape, wind and
strength to the pixel, and the power spectrum of the same capture's clutter without gas, and has to say only
where the plume is: the linear detector of the highest signal to noise that there is in stationary noise
(Turin 1960, IRE Trans. Inf. Theory 6, 311), on the map of enhancement over sigma as flown. A release is
found when the score at its place exceeds all but one place of the same capture without any gas: one false
alarm a capture. Networks know less about the plume; what they can know more about is the ground.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bench.command import tells_errors
from bench.detection import Releases, place_releases, release_options, study_captures
from bench.detection_curve import PUBLISHED_KG_H, figures
from bench.flights import Flown, fly_scene, number, table
from onboard.replay.run_folder import write_json
from onboard.scenes.recipe import SceneRecipe
from onboard.scenes.scene import build_scene
from onboard.sensors import load_sensor

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Row = dict[str, Any]
SMOOTH_SHARE, LEAST_POWER = 1 / 80, 1e-6
AROUND_PX = 2
"""A release is found where its score is highest this near to its place."""
BY = "informed"


def ratio_of(flown: Flown) -> Array64:
    """Return enhancement over sigma (lines, samples); 0 where invalid, which says nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = flown.enhancement.astype(np.float64) / flown.sigma
    return np.where(np.isfinite(ratio), ratio, 0.0)


def clutter_spectrum(ratio: Array64) -> Array64:
    """Return the power (lines, samples) at each spatial frequency of a map without gas, smoothed."""
    from scipy.fft import fft2
    from scipy.ndimage import gaussian_filter

    power = np.abs(fft2(ratio)) ** 2 / ratio.size
    return np.asarray(
        np.maximum(
            gaussian_filter(power, [SMOOTH_SHARE * size for size in power.shape], mode="wrap"), LEAST_POWER
        )
    )


def template_scores(template: Array64, ratio: Array64, power: Array64) -> Array64:
    """Return the score (lines, samples) of a plume with its first pixel at every place of a map.

    Clutter alone scores 0 on average with a deviation of 1.

    Args:
        template: (h, w) enhancement over sigma.
        ratio: (lines, samples) likewise, of the capture.
        power: What :func:`clutter_spectrum` gives.
    """
    from scipy.fft import fft2, ifft2

    wanted = fft2(template, ratio.shape)
    found = ifft2(fft2(ratio) * np.conj(wanted) / power).real
    return np.asarray(found / np.sqrt(np.mean(np.abs(wanted) ** 2 / power)))


def second_peak(scores: Array64, extent: tuple[int, int]) -> float:
    """Return the highest score but for the places within one plume's extent of the highest."""
    line, sample = np.unravel_index(int(np.argmax(scores)), scores.shape)
    rest = scores.copy()
    down, across = extent
    rest[
        max(0, line - down) : line + down + 1,
        max(0, sample - across) : sample + across + 1,
    ] = -np.inf
    return float(rest.max())


def judge_informed(flown: Flown, empty: Flown, releases: Releases) -> list[Row]:
    """Return for each release its score, the score that one false alarm a capture allows, and which won.

    Args:
        flown: The capture with the releases.
        empty: The same capture without any gas.
        releases: What was released.
    """
    quiet, seen = ratio_of(empty), ratio_of(flown)
    power = clutter_spectrum(quiet)
    sigma = np.where(np.isfinite(flown.sigma), flown.sigma, np.inf).astype(np.float64)
    rows = []
    for index, (rate, peak) in enumerate(zip(releases.rates, releases.peaks, strict=True), 1):
        lines, samples = np.nonzero(releases.footprint == index)
        row: Row = {"rate": rate, "peak": peak, "score": None, "needed": None, BY: False}
        own = np.zeros((0, 0))
        if len(lines):
            part = (slice(lines.min(), lines.max() + 1), slice(samples.min(), samples.max() + 1))
            own = np.where(releases.footprint[part] == index, releases.enhancement[part], 0.0) / sigma[part]
        # Gas on invalid pixels alone shows nowhere.
        if own.any():
            needed = second_peak(template_scores(own, quiet, power), own.shape)
            scores = template_scores(own, seen, power)
            near = tuple(
                slice(max(0, at.min() - AROUND_PX), at.min() + AROUND_PX + 1) for at in (lines, samples)
            )
            best = float(scores[near].max())
            # A plume as large as the map leaves no second place: nothing says what a false alarm is.
            if np.isfinite(needed):
                row |= {"score": best, "needed": needed, BY: best > needed}
        rows.append(row)
    return rows


def fly_capture(
    recipe: SceneRecipe, bundle: Path | None, rates: Sequence[float], repeats: int, wind: float
) -> Row:
    """Simulate one capture, fly it with and without gas, and look for each release."""
    sensor = load_sensor("emit")
    shape = (recipe.lines, recipe.samples)
    releases = place_releases(recipe.seed, shape, [*rates] * repeats, wind, sensor.pixel_size_m)
    scene = build_scene(recipe, sensor)
    (flown,) = fly_scene(scene, bundle, enhancement=releases.enhancement)
    (empty,) = fly_scene(scene, bundle, enhancement=np.zeros(shape, np.float32))
    return {"climate": recipe.climate, "releases": judge_informed(flown, empty, releases)}


def summarise(captures: Sequence[Row]) -> Row:
    """Return curves over all captures and by climate, and the median score against what is needed."""
    groups: dict[str, list[Row]] = {"all": [row for capture in captures for row in capture["releases"]]}
    for capture in captures:
        groups.setdefault(str(capture["climate"]), []).extend(capture["releases"])
    return {name: {**figures(rows, BY), "scores": _scores(rows)} for name, rows in groups.items()}


def _scores(rows: Sequence[Row]) -> list[Row]:
    found = []
    for rate in sorted({row["rate"] for row in rows}):
        those = [row for row in rows if row["rate"] == rate and row["score"] is not None]
        middle = {
            name: float(np.median([row[name] for row in those])) if those else None
            for name in ("score", "needed")
        }
        found.append({"rate": rate, **middle})
    return found


def markdown(groups: Mapping[str, Row]) -> str:
    """Return the tables: limits by climate, and shares and scores at every rate."""
    head = ["captures of", "50 % at, kg/h", "90 % at, kg/h", f"share at {PUBLISHED_KG_H:g} kg/h"]
    limits = [
        [name, number(row["rate_50"], 0), number(row["rate_90"], 0), number(row["at_published"])]
        for name, row in groups.items()
    ]
    shares = []
    for index, one in enumerate(groups["all"]["rates"]):
        cells = [f"{one['rate']:g}"]
        for row in groups.values():
            at, score = row["rates"][index], row["scores"][index]
            cells.append(
                f"{at['found']}/{at['cases']} ({number(score['score'], 1)} of {number(score['needed'], 1)})"
            )
        shares.append(cells)
    second = ["kg/h", *(f"{name}: found (median score of needed)" for name in groups)]
    return table(head, limits) + "\n" + table(second, shares)


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/detection_bound"), show_default=True
)
@release_options
@tells_errors
def main(out: Path, wind: float, **options: Any) -> None:
    """Say from which emission on a source could be found by whoever knows its plume's shape."""
    groups = summarise(study_captures(fly_capture, "detection bound", out, wind=wind, **options))
    write_json(out / "detection_bound.json", {"wind_m_s": wind, "groups": groups})
    click.echo(markdown(groups))


if __name__ == "__main__":
    main()
