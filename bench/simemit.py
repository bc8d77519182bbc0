"""Score methods on SimEMIT-1: `python -m bench.simemit --set validation`, then `--set test`.

Each capture is simulated, given to every method, scored and let go; what is kept is one JSON a capture, so
that a run goes on where it was stopped. Thresholds come from the validation set alone.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.command import bundle_option, tells_errors
from bench.digests import bundle_digest, flight_digest, world_digest
from bench.methods import METHODS, Air, Method, Observation, find_method
from bench.tables import markdown, summarise
from onboard.errors import CaptureError, UsageError
from onboard.progress import progress
from onboard.replay.prediction import Thresholds
from onboard.replay.protocol import Rules, choose_thresholds, score_capture
from onboard.replay.run_folder import write_json
from onboard.replay.tally import Tally
from onboard.scenes.scene import Scene, build_scene
from onboard.scenes.simemit import (
    SETS,
    BenchmarkCapture,
    benchmark_name,
    benchmark_set,
    check_frozen,
    fingerprint,
    shrunk,
)
from onboard.sensors import load_sensor

THRESHOLDS = "thresholds.json"
RESULTS = "results.json"
TABLE = "results.md"
Row = dict[str, Any]


def observe(capture: BenchmarkCapture, scene: Scene, bundle: Path | None) -> Observation:
    """Make the radiance of a scene, and hide everything that an instrument would not tell."""
    light = scene.light
    flat = (np.asarray(table, np.float32).reshape(-1) for table in (light.scale, light.path, light.sphere))
    return Observation(
        name=capture.name,
        radiance=scene.radiance_block(0, scene.lines, workers=2),
        centres=np.asarray(scene.centres, np.float64),
        fwhm=np.asarray(scene.fwhm, np.float64),
        valid=np.asarray(scene.valid) != 0,
        air=Air(*flat),
        bundle=bundle,
    )


def score_one(
    capture: BenchmarkCapture,
    wanted: Mapping[str, Method],
    thresholds: Mapping[str, Thresholds],
    file: Path,
    bundle: Path | None,
    build: Callable[..., Scene] = build_scene,
) -> Row:
    """Score methods on one capture, and add them to its file; those that are there already are kept.

    Args:
        capture: The capture.
        wanted: Methods by name.
        thresholds: By method; without them curves and enhancements alone are counted.
        file: JSON of the capture.
        bundle: Bundle to fly; the shipped one if None.
        build: Maker of the scene.

    Raises:
        CaptureError: The capture is not the benchmark's any more.
    """
    basis = {"recipe": _plain(asdict(capture.recipe)), "rules": asdict(Rules()), "world": world_digest()}
    flown = bundle_digest(bundle)
    row = _read(file, basis) or {"capture": capture.name, "basis": basis, "methods": {}}
    recipe = capture.recipe
    row |= {name: getattr(recipe, name) for name in ("climate", "plumes", "lines", "samples")}
    todo = [name for name in wanted if not _is_done(row, name, thresholds.get(name), flown)]
    if not todo:
        return row
    scene = build(recipe, load_sensor("emit"))
    row["frozen"] = _is_full(capture) and check_frozen(capture, scene)
    seen, truth = observe(capture, scene, bundle), scene.truth
    for name in todo:
        started = time.perf_counter()
        prediction = wanted[name](seen)
        seconds = time.perf_counter() - started
        tally = score_capture(prediction, truth, thresholds.get(name))
        row["methods"][name] = {
            "seconds": round(seconds, 2),
            "thresholds": _limits(thresholds.get(name)),
            "bundle": flown,
            "flight": flight_digest(),
            "scored": time.strftime("%Y-%m-%d", time.gmtime()),
            "tally": tally.to_json(),
        }
        write_json(file, row)
    return row


def _is_done(row: Row, method: str, thresholds: Thresholds | None, flown: str) -> bool:
    done = row["methods"].get(method)
    if done is None or done["thresholds"] != _limits(thresholds):
        return False
    return not _knows_bundle(method) or (done["bundle"], done.get("flight")) == (flown, flight_digest())


def _knows_bundle(method: str) -> bool:
    """Filters of the list above know no bundle; of other people's methods nobody knows."""
    return method == "flight" or method not in METHODS


def tallies_of(rows: Sequence[Row], method: str) -> list[tuple[Row, Tally]]:
    """Return the counts of one method over the captures that have them."""
    return [
        (row, Tally.from_json(row["methods"][method]["tally"])) for row in rows if method in row["methods"]
    ]


def write_thresholds(file: Path, rows: Sequence[Row], methods: Sequence[str], flown: str) -> None:
    """Choose each method's thresholds on the captures given, and add them to the file.

    Args:
        file: thresholds.json.
        rows: Scored captures of the validation set.
        methods: Whose.
        flown: SHA-256 of the bundle, or of the weights, that were flown.
    """
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for method in methods:
        chosen = choose_thresholds([tally for _, tally in tallies_of(rows, method)])
        known[method] = {
            "limits": _limits(chosen),
            "bundle": flown if _knows_bundle(method) else None,
            "chosen_on": [row["capture"] for row in rows],
            "lines": rows[0]["lines"],
            "samples": rows[0]["samples"],
        }
    write_json(file, known)


def read_thresholds(
    file: Path, methods: Sequence[str], flown: str, whole: bool = False
) -> dict[str, Thresholds]:
    """Read thresholds that the validation set gave.

    Args:
        file: thresholds.json.
        methods: Whose.
        flown: SHA-256 of what is to fly now.
        whole: Full captures are to be scored: thresholds of a trial on fewer or smaller ones will not do.

    Raises:
        UsageError: A method has none, or has those of another bundle or of a trial.
    """
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    wrong: dict[str, str] = {}
    for method in methods:
        found = known.get(method)
        if found is None:
            wrong[method] = "none"
        elif _knows_bundle(method) and found.get("bundle") != flown:
            wrong[method] = "those of another bundle"
        elif whole and not _chosen_on_all(found):
            wrong[method] = "those of a trial on fewer or smaller captures"
    if wrong:
        raise UsageError(
            "the test set is not scored without thresholds from the validation set",
            file=file,
            found="; ".join(f"{method}: {why}" for method, why in wrong.items()),
            expected="those of the same bundle" + (" on the whole validation set" if whole else ""),
            remedy="with the same --bundle: python -m bench.simemit --set validation "
            f"--methods {','.join(wrong)} --out {file.parent}",
        )
    return {method: _thresholds(known[method]["limits"]) for method in methods}


def _chosen_on_all(found: Row) -> bool:
    captures = benchmark_set("validation")
    size = captures[0].recipe
    names = [capture.name for capture in captures]
    return (found["chosen_on"], found["lines"], found["samples"]) == (names, size.lines, size.samples)


def _limits(thresholds: Thresholds | None) -> Row | None:
    """Thresholds as JSON; None stands for one that nothing reaches."""
    if thresholds is None:
        return None
    minerals = {name: _finite(value) for name, value in thresholds.minerals.items()}
    return {"plume": _finite(thresholds.plume), "minerals": minerals}


def _thresholds(limits: Row) -> Thresholds:
    def number(value: float | None) -> float:
        return math.inf if value is None else float(value)

    minerals = {name: number(value) for name, value in limits["minerals"].items()}
    return Thresholds(number(limits["plume"]), minerals)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(values: Any) -> Any:
    return json.loads(json.dumps(values))


def _read(file: Path, basis: Row) -> Row | None:
    """What is there already, if it was made of the same recipe, world and rules."""
    if not file.is_file():
        return None
    try:
        row: Row = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CaptureError(
            "the scores of a capture are damaged", file=file, found=str(error), remedy="delete the file"
        ) from error
    return row if row.get("basis") == basis else None


def _is_full(capture: BenchmarkCapture) -> bool:
    return any(capture == other for other in benchmark_set(capture.part))


def run(
    part: str,
    captures: Sequence[BenchmarkCapture],
    methods: Sequence[str],
    out: Path,
    bundle: Path | None = None,
    build: Callable[..., Scene] = build_scene,
) -> Row:
    """Score methods on captures of one set, and write results.json and results.md.

    Raises:
        UsageError: Test captures without thresholds, or with those of another bundle or of a trial.
    """
    wanted = {name: find_method(name) for name in methods}
    flown = bundle_digest(bundle)
    whole = any(_is_full(capture) for capture in captures)
    thresholds = read_thresholds(out / THRESHOLDS, methods, flown, whole) if part == "test" else {}
    folder = out / part
    folder.mkdir(parents=True, exist_ok=True)
    shown = progress(captures, total=len(captures), label=part, unit="captures")
    rows = [score_one(c, wanted, thresholds, folder / f"{c.name}.json", bundle, build) for c in shown]
    if part == "validation":
        write_thresholds(out / THRESHOLDS, rows, methods, flown)
    found = {
        "benchmark": benchmark_name(),
        "set": part,
        "captures": [row["capture"] for row in rows],
        "frozen": all(row.get("frozen", False) for row in rows),
        "rules": asdict(Rules()),
        "methods": {name: summarise(tallies_of(rows, name)) for name in methods},
        "seconds": {name: [row["methods"][name]["seconds"] for row in rows] for name in methods},
    }
    write_json(folder / RESULTS, found)
    (folder / TABLE).write_text(markdown(found), encoding="utf-8")
    return found


def freeze(captures: Sequence[BenchmarkCapture], file: Path) -> None:
    """Write the fingerprints of captures: once, when the world is settled."""
    sensor = load_sensor("emit")
    shown = progress(captures, total=len(captures), label="freeze", unit="captures")
    write_json(file, {c.name: fingerprint(build_scene(c.recipe, sensor)) for c in shown})


PATH = click.Path(path_type=Path)


@click.command()
@click.option("--set", "part", type=click.Choice(SETS), default="test", show_default=True, help="Which set.")
@click.option("--methods", default=",".join(METHODS), show_default=True, help="Or package.module:function.")
@click.option("--out", type=PATH, default=Path("runs/simemit"), show_default=True, help="Where scores go.")
@bundle_option
@click.option("--captures", "count", type=int, help="The first so many captures only: a trial.")
@click.option("--size", type=(int, int), help="Lines and samples, to try things on small captures.")
@click.option("--freeze", "frozen", type=PATH, help="Write fingerprints there, and score nothing.")
@tells_errors
def main(
    part: str,
    methods: str,
    out: Path,
    bundle: Path | None,
    count: int | None,
    size: tuple[int, int] | None,
    frozen: Path | None,
) -> None:
    """Score methods on SimEMIT-1."""
    if frozen is not None:
        freeze([*benchmark_set("validation"), *benchmark_set("test")], frozen)
        return
    captures = benchmark_set(part)[:count]
    if size is not None:
        captures = [shrunk(capture, *size) for capture in captures]
    found = run(part, captures, [name.strip() for name in methods.split(",")], out, bundle)
    click.echo(markdown(found))


if __name__ == "__main__":
    main()
