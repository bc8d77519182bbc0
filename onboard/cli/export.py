"""``onboard export``: the networks of a training as ONNX graphs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from onboard.cli.ground import ground_tools
from onboard.errors import OutputError

if TYPE_CHECKING:
    from export.onnx import Graph


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the two graphs.")
@click.option("--overwrite", is_flag=True, help="Replace graphs that are there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(run_dir: Path, out: Path, overwrite: bool, as_json: bool) -> None:
    """Write stem.onnx and body.onnx of the training in RUN_DIR, and report their parity with PyTorch."""
    with ground_tools("exporting networks"):
        from export.assemble import export_run
        from export.bundle import write_bundle_file
        from export.run_folder import load_run
    paths = [out / "stem.onnx", out / "body.onnx"]
    present = [path for path in paths if path.exists()]
    if present and not overwrite:
        raise OutputError(
            "the graph exists already", file=present[0], remedy="give --overwrite or another folder"
        )
    graphs = export_run(load_run(run_dir))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError("the folder cannot be made", file=out, found=error.strerror) from None
    for path, graph in zip(paths, graphs, strict=True):
        write_bundle_file(path, graph.data)
    report = [_report(path, graph) for path, graph in zip(paths, graphs, strict=True)]
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    for item in report:
        operators = ", ".join(f"{count} {name}" for name, count in item["operators"].items())
        click.echo(f"{item['file']}: {item['bytes']} bytes, {item['input']} to {item['output']}")
        click.echo(f"  operators: {operators}")
        click.echo(f"  largest difference from PyTorch: {item['parity']:.2g}")


def _report(path: Path, graph: Graph) -> dict[str, Any]:
    return {
        "file": str(path),
        "bytes": len(graph.data),
        "input": f"{graph.input_name} {list(graph.input_shape)}",
        "output": f"{graph.output_name} {list(graph.output_shape)}",
        "operators": graph.operators,
        "parity": graph.parity,
    }
