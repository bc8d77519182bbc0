"""``onboard export``: networks of a training as ONNX graphs, a checker of graphs, TensorRT engines."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from onboard.cli.ground import ground_tools
from onboard.errors import OutputError, UsageError

if TYPE_CHECKING:
    from export.onnx import Graph
    from export.tensorrt.job import Engine, Gate

FILE = click.Path(path_type=Path)
DEFAULT = "graphs"
MIB = 1 << 20


class DefaultGroup(click.Group):
    """A group that takes its default command where none is named: ``onboard export RUN --out DIR``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command first, unless a command is named or help is asked for."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup)
def command() -> None:
    """Write ONNX graphs of a training, check graphs, and build TensorRT engines.

    `onboard export RUN --out DIR` is short for `onboard export graphs RUN --out DIR`.
    """


@command.command(DEFAULT)
@click.argument("run_dir", type=FILE)
@click.option("--out", type=FILE, required=True, help="Folder for the two graphs.")
@click.option("--overwrite", is_flag=True, help="Replace graphs that are there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def graphs(run_dir: Path, out: Path, overwrite: bool, as_json: bool) -> None:
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


@command.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(file: Path, as_json: bool) -> None:
    """Say whether TensorRT's strongly typed Q/DQ route takes FILE: an ONNX graph, or every graph of a bundle.

    Needs no TensorRT. Exit code 4 if a graph is refused.
    """
    with ground_tools("checking graphs"):
        from export.tensorrt.checker import check_file, require_accepted
    report = check_file(file)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        click.echo("\n".join(report.lines()))
    require_accepted(report)


@command.command()
@click.argument("source", type=FILE)
@click.option("--out", type=FILE, help="Folder for engines and sidecars; that of SOURCE if not given.")
@click.option(
    "--route",
    type=click.Choice(["tensorrt", "onnxruntime"]),
    default="tensorrt",
    show_default=True,
    help="TensorRT's own API, or ONNX Runtime's TensorRT provider.",
)
@click.option("--graph", "names", multiple=True, help="Graph to build, such as body.onnx; all if not given.")
@click.option("--gate", metavar="MODULE:FUNCTION", help="Accuracy gate to pass before anything is written.")
@click.option(
    "--workspace", type=click.IntRange(1), default=1024, show_default=True, help="MiB a layer may borrow."
)
@click.option(
    "--level", type=click.IntRange(0, 5), default=3, show_default=True, help="How long to search for kernels."
)
@click.option("--tf32", is_flag=True, help="Let float32 layers multiply in TF32, with 10 bits of mantissa.")
@click.option("--overwrite", is_flag=True, help="Replace engines that are there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the sidecars as JSON.")
def tensorrt(
    source: Path,
    out: Path | None,
    route: str,
    names: tuple[str, ...],
    gate: str | None,
    workspace: int,
    level: int,
    tf32: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Build TensorRT engines of SOURCE, a bundle or an ONNX graph, on the machine that will run them.

    Each engine is compared with ONNX Runtime and gets a sidecar that says what it was built of, with and for.
    """
    with ground_tools("building an engine"):
        from export.tensorrt.builder import BuildSettings
        from export.tensorrt.job import export_engines
        from export.tensorrt.routes import ROUTES
    folder = source.parent if out is None else out
    settings = BuildSettings(workspace * MIB, level, tf32)
    engines = export_engines(
        source,
        folder,
        lambda: ROUTES[route](settings, folder),
        gate=None if gate is None else load_gate(gate),
        graphs=names,
        overwrite=overwrite,
    )
    if as_json:
        click.echo(json.dumps([engine.fields for engine in engines], indent=2, default=str))
        return
    for engine in engines:
        click.echo("\n".join(_engine_lines(engine)))


def _engine_lines(engine: Engine) -> list[str]:
    fields, parity = engine.fields, engine.fields["parity"]
    size = fields["files"][engine.path.name]["bytes"]
    precisions = ", ".join(f"{count} {name}" for name, count in fields["precisions"].items())
    gate = "not run" if fields["gate"] is None else "passed"
    return [
        f"{engine.path}: {size} bytes, built in {fields['build_seconds']:.0f} s for {fields['gpu']['name']}",
        f"  layers: {precisions or 'not told by this route'}; accuracy gate: {gate}",
        f"  against ONNX Runtime: largest difference {parity['largest']:.2g}, {parity['sqnr_db']:.1f} dB",
    ]


def load_gate(name: str) -> Gate:
    """Return the function that ``MODULE:FUNCTION`` names.

    Raises:
        UsageError: If there is no such function.
    """
    module, _, function = name.partition(":")
    try:
        gate = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UsageError(
            "there is no such gate", found=name, expected="MODULE:FUNCTION", remedy=str(error)
        ) from None
    if not callable(gate):
        raise UsageError("the gate is no function", found=name, expected="MODULE:FUNCTION")
    result: Gate = gate
    return result
