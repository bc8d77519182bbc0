"""Pictures of hits, misses and false alarms: `python -m bench.gallery CAPTURE-NAME`, or `--run RUN`.

Three columns of cases: plumes that an event met, labelled plumes that none met, and events that met no gas.
Each case shows the ground in colour, the enhancement that flight retrieved and the probability it gave,
with the outline of the labelled truth and that of the events. Nothing is picked by hand: hits are spread over
peak strength, misses and false alarms are the strongest ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
import numpy.typing as npt

from bench.command import bundle_option, tells_errors
from bench.flights import RGB_NM, Flown, fly_scene, pyplot, save_figure
from onboard.captures import open_capture
from onboard.errors import CaptureError, UsageError
from onboard.replay.colours import stretch
from onboard.replay.components import dilate, label_components
from onboard.replay.prediction import read_prediction
from onboard.replay.protocol import Rules
from onboard.replay.quality import lost_lines
from onboard.replay.run_folder import EVENTS, PRODUCTS, write_json
from onboard.scenes.scene import build_scene
from onboard.scenes.simemit import SETS, benchmark_set, shrunk
from onboard.scenes.truth import Truth, read_truth, truth_path
from onboard.sensors import load_sensor

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Row = dict[str, Any]
KINDS = ("hit", "miss", "false alarm")
SIDE = 96
TOP_PPM_M = 4000.0
TRUTH_COLOUR, EVENT_COLOUR = "#35e0ff", "#ffe23a"


@dataclass(frozen=True)
class Seen:
    """A capture as it was flown, with its truth.

    Attributes:
        name: What it is called.
        rgb: (lines, samples, 3) float32 radiance at 640, 550 and 460 nm.
        enhancement: (lines, samples) float32 ppm m, NaN where invalid.
        probability: (lines, samples) float32, NaN where invalid.
        events: (lines, samples) int32, number of the event that has a pixel, 0 none.
        truth: What is there.
    """

    name: str
    rgb: Array
    enhancement: Array
    probability: Array
    events: npt.NDArray[np.int32]
    truth: Truth


@dataclass(frozen=True)
class Case:
    """One picture: of what kind, where, and what is written above it."""

    seen: Seen
    kind: str
    line: int
    sample: int
    title: str


def fly_capture(name: str, bundle: Path | None, size: tuple[int, int] | None = None) -> Seen:
    """Simulate and fly a capture of the benchmark.

    Raises:
        UsageError: It has no capture of that name.
    """
    known = {capture.name: capture for part in SETS for capture in benchmark_set(part)}
    if name not in known:
        raise UsageError(
            "no such capture", field="CAPTURE", found=name, expected=", ".join(list(known)[-32:])
        )
    capture = known[name] if size is None else shrunk(known[name], *size)
    scene = build_scene(capture.recipe, load_sensor("emit"))
    rgb = np.zeros((scene.lines, scene.samples, 3), np.float32)
    bands = [int(np.abs(scene.centres - nm).argmin()) for nm in RGB_NM]

    def see(block: Array, first: int) -> None:
        rgb[first : first + len(block)] = block[..., bands]

    (flown,) = fly_scene(scene, bundle, see=see)
    return Seen(name, rgb, flown.enhancement, flown.probability, event_numbers(flown), scene.truth)


def event_numbers(flown: Flown) -> npt.NDArray[np.int32]:
    """Return the number of the event that has each pixel, from 1, (lines, samples)."""
    numbers = np.zeros(flown.mask.shape, np.int32)
    for index, pixels in enumerate(flown.event_pixels(), 1):
        numbers[pixels] = index
    return numbers


def read_run(run: Path, capture: Path, truth: Path | None = None) -> Seen:
    """Read a run of ``onboard replay``, the capture that it flew, and its truth.

    Raises:
        CaptureError: Something is missing, or they do not belong together.
    """
    said, true = read_prediction(run), read_truth(truth or truth_path(capture))
    if said.plume_score is None or said.enhancement is None or said.plume_score.shape != true.plume_id.shape:
        raise CaptureError(
            "run and truth do not belong together",
            file=run / PRODUCTS,
            found="no methane" if said.plume_score is None else said.plume_score.shape,
            expected=true.plume_id.shape,
        )
    found = json.loads((run / EVENTS).read_text(encoding="utf-8"))["features"]
    with h5py.File(run / PRODUCTS, "r") as file:
        labels, _ = label_components(file["plume_mask"][...] != 0, lost_lines(file["quality"][...]))
    numbers = np.zeros(labels.shape, np.int32)
    for index, event in enumerate(found, 1):
        at = event["properties"]
        numbers[labels == max(1, labels[at["peak_line"], at["peak_sample"]])] = index
    with open_capture(capture) as opened:
        bands = [int(np.abs(np.asarray(opened.centres) - nm).argmin()) for nm in RGB_NM]
        rgb = np.concatenate([block.radiance[..., bands] for block in opened.blocks(64)])
    return Seen(run.name, rgb.astype(np.float32), said.enhancement, said.plume_score, numbers, true)


def cases_of(seen: Seen, each: int = 3) -> list[Case]:
    """Return up to so many hits, misses and false alarms of a capture."""
    truth, rules = seen.truth, Rules()
    true = (truth.plume_id > 0) & (np.asarray(truth.valid) != 0)
    met = set(np.unique(truth.plume_id[true & (seen.events > 0)]).tolist())
    sources = sorted((s for s in truth.sources if (truth.plume_id[true] == s["plume_id"]).any()), key=_peak)
    hits = [s for s in sources if int(s["plume_id"]) in met]
    misses = [s for s in sources if int(s["plume_id"]) not in met][::-1]
    spread = (
        [hits[i] for i in np.unique(np.linspace(0, len(hits) - 1, each).round().astype(int))] if hits else []
    )
    found = [_of_source(seen, "hit", one) for one in spread]
    found += _apart([_of_source(seen, "miss", one) for one in misses], each)
    real = dilate(true, rules.tolerance_px) | (truth.ch4_enhancement >= rules.faint_ppm_m)
    false = set(np.unique(seen.events).tolist()) - {0} - set(np.unique(seen.events[real]).tolist())
    sizes = np.bincount(seen.events.ravel())
    worst = sorted(false, key=lambda event: -int(sizes[event]))
    return found + _apart([_of_event(seen, event, int(sizes[event])) for event in worst], each)


def _apart(cases: Sequence[Case], each: int) -> list[Case]:
    """Return the first cases whose windows do not show the same ground twice."""
    kept: list[Case] = []
    for case in cases:
        near = [max(abs(case.line - k.line), abs(case.sample - k.sample)) < SIDE // 2 for k in kept]
        if not any(near) and len(kept) < each:
            kept.append(case)
    return kept


def _peak(source: np.void) -> float:
    return float(source["peak_ppm_m"])


def _of_source(seen: Seen, kind: str, source: np.void) -> Case:
    lines, samples = np.nonzero(seen.truth.plume_id == source["plume_id"])
    title = f"{source['emission_kg_h'] / 1000:.1f} t/h, peak {_peak(source):.0f} ppm m, {lines.size} px"
    return Case(seen, kind, int(lines.mean()), int(samples.mean()), title)


def _of_event(seen: Seen, event: int, size: int) -> Case:
    lines, samples = np.nonzero(seen.events == event)
    highest = float(np.nanmax(seen.probability[lines, samples]))
    title = f"{size} px, probability to {highest:.3f}"
    return Case(seen, "false alarm", int(lines.mean()), int(samples.mean()), title)


def draw(cases: Sequence[Case], path: Path, rows: int = 3) -> None:
    """Draw a page: a column of cases a kind, three panels each; what is not there stays empty.

    Args:
        cases: Cases; of each kind the first so many are drawn.
        path: The PNG to write.
        rows: Cases of each kind.
    """
    plt = pyplot()
    figure = plt.figure(figsize=(15.5, 1.98 * rows + 0.45))
    blocks = figure.subfigures(1, len(KINDS), wspace=0.02)
    for block, kind in zip(blocks, KINDS, strict=True):
        members = [case for case in cases if case.kind == kind][:rows]
        block.suptitle(
            {"hit": "Hits", "miss": "Misses", "false alarm": "False alarms"}[kind], fontsize=12, y=0.995
        )
        grid = block.subplots(
            rows,
            3,
            gridspec_kw={
                "wspace": 0.04,
                "hspace": 0.12,
                "top": 0.9,
                "bottom": 0.01,
                "left": 0.02,
                "right": 0.98,
            },
        )
        for index, axes in enumerate(np.atleast_2d(grid)):
            for axis in axes:
                axis.set_axis_off()
            if index < len(members):
                _panels(axes, members[index])
            elif index == 0:
                axes[1].text(
                    0.5, 0.5, "none", ha="center", va="center", color="0.4", transform=axes[1].transAxes
                )
    figure.text(
        0.5,
        -0.005,
        f"Left to right: radiance in colour, enhancement retrieved (black 0, white {TOP_PPM_M:.0f} ppm m), "
        "probability of plume. Cyan: labelled truth. Yellow: events. Windows of 96 x 96 pixels.",
        ha="center",
        va="top",
        fontsize=9,
    )
    save_figure(figure, path, dpi=100)


def _panels(axes: Any, case: Case) -> None:
    seen = case.seen
    window = tuple(
        slice(*_span(at, size))
        for at, size in zip((case.line, case.sample), seen.probability.shape, strict=True)
    )
    rgb = seen.rgb[window]
    lit = np.isfinite(seen.probability[window])
    colour = np.stack([stretch(rgb[..., band], lit) for band in range(3)], axis=2)
    axes[0].imshow(colour)
    axes[1].imshow(seen.enhancement[window], cmap="inferno", vmin=0, vmax=TOP_PPM_M)
    axes[2].imshow(seen.probability[window], cmap="viridis", vmin=0, vmax=1)
    for axis in axes:
        _outline(axis, seen.truth.plume_id[window] > 0, TRUTH_COLOUR)
    for axis in axes[:2]:
        _outline(axis, seen.events[window] > 0, EVENT_COLOUR)
    place = f"{seen.name.removeprefix('test-')}, line {case.line}, sample {case.sample}"
    axes[0].set_title(f"{place}: {case.title}", fontsize=7, loc="left", pad=3)


def _outline(axis: Any, mask: Mask, colour: str) -> None:
    if mask.any() and not mask.all():
        axis.contour(mask.astype(float), levels=[0.5], colors=colour, linewidths=0.8)


def _span(middle: int, size: int) -> tuple[int, int]:
    first = max(0, min(middle - SIDE // 2, size - SIDE))
    return first, min(size, first + SIDE)


def rows_of(cases: Sequence[Case]) -> list[Row]:
    """Return the cases as plain values."""
    return [
        {"capture": c.seen.name, "kind": c.kind, "line": c.line, "sample": c.sample, "what": c.title}
        for c in cases
    ]


PATH = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("captures", nargs=-1)
@click.option("--run", type=PATH, help="A run of `onboard replay`, in place of captures of the benchmark.")
@click.option("--capture", "file", type=PATH, help="The capture that the run flew.")
@click.option("--truth", type=PATH, help="Its truth; X.truth.nc beside X.nc if not given.")
@bundle_option
@click.option("--each", default=3, show_default=True, help="Cases of each kind on a page.")
@click.option("--size", type=(int, int), help="Lines and samples, to try things on small captures.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/gallery"), show_default=True)
@tells_errors
def main(
    captures: tuple[str, ...],
    run: Path | None,
    file: Path | None,
    truth: Path | None,
    bundle: Path | None,
    each: int,
    size: tuple[int, int] | None,
    out: Path,
) -> None:
    """Draw a page for each of SimEMIT-1's CAPTURES, such as test-farmland-1, or for a run."""
    if (run is None) == (not captures) or (run is None) != (file is None):
        raise UsageError(
            "name captures of the benchmark, or --run with --capture", found=captures or "neither"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in captures or [str(run)]:
        seen = fly_capture(name, bundle, size) if run is None else read_run(run, file or run, truth)
        cases = cases_of(seen, each)
        draw(cases, out / f"{seen.name}.png", each)
        write_json(out / f"{seen.name}.json", rows_of(cases))
        counts = {kind: sum(case.kind == kind for case in cases) for kind in KINDS}
        click.echo(f"{out / seen.name}.png: {', '.join(f'{n} x {kind}' for kind, n in counts.items())}")


if __name__ == "__main__":
    main()
