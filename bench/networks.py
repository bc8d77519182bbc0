"""One table of all networks: `python -m bench.networks PATH... --out FOLDER`.

Reads results of SimEMIT-1 (folders that ``bench.simemit --out`` wrote, or one set's in them). Run folders of
``onboard train`` and bundles beside them say what was flown: parameters, arithmetic, samples seen, seeds.
Several seeds of one network are several folders of results; their mean and deviation stand in one row. Run
folders alone give the same table of the patches they were judged on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.command import tells_errors
from bench.network_rows import patch_rows, simemit_rows
from bench.network_sources import BUNDLE_SUFFIX, Trained, is_training, read_training, require_distinct
from bench.network_table import draw, markdown
from export.simemit_results import RESULTS, SetResults, find_sets, read_set
from onboard.errors import UsageError
from onboard.replay.run_folder import output_error, write_json

Row = dict[str, Any]


def gather(paths: Sequence[Path]) -> tuple[list[SetResults], list[Trained]]:
    """Read results and trainings, told apart by what lies there.

    Raises:
        CaptureError: A path is neither, or damaged.
        UsageError: One is given twice.
        BundleError: A bundle cannot be read.
    """
    results: dict[Path, SetResults] = {}
    trainings: list[Trained] = []
    for path in paths:
        if path.suffix == BUNDLE_SUFFIX or is_training(path):
            trainings.append(read_training(path))
            continue
        for place in find_sets(path.parent if path.name == RESULTS else path):
            if place.resolve() in results:
                raise UsageError("results are given twice", file=place)
            results[place.resolve()] = read_set(place)
    require_distinct(trainings)
    return list(results.values()), trainings


def tabulate(results: Sequence[SetResults], trainings: Sequence[Trained]) -> Row:
    """Return the tables of results and trainings as plain values.

    Returns:
        ``benchmark`` (None without results), ``captures`` and ``frozen`` by set, and rows by set under
        ``simemit`` and ``patches``.

    Raises:
        UsageError: There is nothing to put into a table, or it cannot stand in one.
    """
    simemit, patches = simemit_rows(results, trainings), patch_rows(trainings)
    if not simemit and not patches:
        expected = "results of SimEMIT-1, or run folders with metrics.json"
        raise UsageError("nothing was scored", expected=expected)
    return {
        "benchmark": results[0].benchmark if results else None,
        "captures": {one.part: len(one.captures) for one in results},
        "frozen": {one.part: one.frozen for one in results},
        "simemit": {part: simemit[part] for part in sorted(simemit)},
        "patches": {part: patches[part] for part in sorted(patches)},
    }


def write(found: Row, out: Path) -> None:
    """Write networks.json, networks.md and networks.png into a folder.

    Raises:
        OutputError: It cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        draw(found, out / "networks.png")
        aside = out / ".networks.md.partial"
        aside.write_text(markdown(found), encoding="utf-8")
        aside.replace(out / "networks.md")
    except OSError as error:
        raise output_error(error, out) from None
    write_json(out / "networks.json", found)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/networks"), show_default=True,
    help="Folder for the table and the picture.",
)  # fmt: skip
@tells_errors
def main(paths: tuple[Path, ...], out: Path) -> None:
    """Put results of SimEMIT-1, run folders and bundles in PATHS into one table of networks."""
    found = tabulate(*gather(paths))
    write(found, out)
    click.echo(markdown(found))


if __name__ == "__main__":
    main()
