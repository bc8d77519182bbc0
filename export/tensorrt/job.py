"""From a bundle or graph to engines beside it: check, build, compare, gate, write."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export.tensorrt.checker import Source, check_source, read_source, require_accepted
from export.tensorrt.findings import CheckReport, GraphReport
from export.tensorrt.layers import computes_in_int8, count_precisions
from export.tensorrt.parity import Parity, Run, compare, reference_run, require_parity
from export.tensorrt.routes import Built, Route
from export.tensorrt.samples import Samples
from export.tensorrt.sidecar import encode_sidecar, sha256, sidecar_path
from onboard.errors import BundleError, OutputError, UsageError
from onboard.scenes.outputs import whole_files

log = logging.getLogger(__name__)

Gate = Callable[[Mapping[str, Run]], Mapping[str, Any]]
"""Judges accuracy: takes the built graphs by name, each a function of one array; returns its report, in which
``passed`` says whether the engines may be written."""


@dataclass(frozen=True)
class Engine:
    """An engine that was written.

    Attributes:
        path: The engine, or the context model of ONNX Runtime.
        fields: What its sidecar says.
    """

    path: Path
    fields: dict[str, Any]


@dataclass(frozen=True)
class _Candidate:
    graph: str
    report: GraphReport
    built: Built
    parity: Parity


def export_engines(
    path: Path,
    out: Path,
    route: Callable[[], Route],
    *,
    gate: Gate | None = None,
    graphs: Sequence[str] = (),
    overwrite: bool = False,
) -> list[Engine]:
    """Build an engine of each graph of a file, and write them with their sidecars, all or none.

    Args:
        path: A bundle or an ONNX file.
        out: Folder to write to.
        route: Makes the route; called once the file has passed the checker.
        gate: Judges the engines' accuracy; none is run if not given, and the sidecar says so.
        graphs: Names of the graphs to build; all if empty.
        overwrite: Replace engines that are there already.

    Raises:
        BundleError: If a graph is refused by the checker or TensorRT, an engine computes something else than
            ONNX Runtime, runs nothing of a Q/DQ graph in INT8, or fails the gate.
        UsageError: If a named graph is not there, or this machine cannot build.
        OutputError: If the files cannot be written.
    """
    source = _choose(read_source(path), graphs)
    report = check_source(source)
    require_accepted(report)
    with_route = route()
    _require_room(source, out, with_route, overwrite)
    samples = Samples(source)
    candidates = [_candidate(source, item, with_route, samples) for item in report.graphs]
    verdict = _judge(gate, {item.graph: item.built.run for item in candidates})
    created = datetime.now(UTC).isoformat(timespec="seconds")
    engines = []
    for item in candidates:
        fields = _fields(source, item, with_route)
        fields["created"] = created
        fields["known_answer_difference"] = samples.answer(item.graph, item.built.run)
        fields["gate"] = verdict
        engines.append(Engine(out / item.built.main, fields))
    _write(out, candidates, engines, overwrite)
    return engines


def _choose(source: Source, graphs: Sequence[str]) -> Source:
    missing = [name for name in graphs if name not in source.graphs]
    if missing:
        raise UsageError(
            "there is no such graph", file=source.path, found=missing, expected=list(source.graphs)
        )
    chosen = {name: data for name, data in source.graphs.items() if not graphs or name in graphs}
    return Source(source.path, source.kind, source.data, chosen)


def _require_room(source: Source, out: Path, route: Route, overwrite: bool) -> None:
    """Say at once, not after a long build, that an engine is there already."""
    for graph in source.graphs:
        path = out / route.main_name(engine_stem(source, graph))
        if path.exists() and not overwrite:
            raise OutputError(
                "the engine exists already", file=path, remedy="give --overwrite or another --out"
            )


def _candidate(source: Source, report: GraphReport, route: Route, samples: Samples) -> _Candidate:
    data = source.graphs[report.graph]
    label, values = samples.of(report.graph)
    log.info("building %s; this takes minutes on a small board", report.graph)
    built = route.build(data, engine_stem(source, report.graph))
    counts = count_precisions(built.layers)
    if report.precision == "int8" and built.layers and not computes_in_int8(built.layers):
        raise BundleError(
            "the engine computes nothing in INT8",
            field=report.graph,
            found=counts,
            expected="INT8 layers other than conversions",
        )
    expected = reference_run(data)(values)
    parity = compare(expected, built.run(values), sample=label, precision=report.precision)
    require_parity(parity, report.graph)
    return _Candidate(report.graph, report, built, parity)


def engine_stem(source: Source, graph: str) -> str:
    """Return what the files of a graph's engine begin with."""
    stem = Path(graph).stem
    return f"{source.path.stem}.{stem}" if source.kind == "bundle" else stem


def _judge(gate: Gate | None, runs: Mapping[str, Run]) -> dict[str, Any] | None:
    if gate is None:
        log.warning("no accuracy gate was run on these engines")
        return None
    verdict = dict(gate(runs))
    if verdict.get("passed") is not True:
        raise BundleError(
            "the engines fail the accuracy gate", found=verdict, remedy="keep more layers in float"
        )
    return verdict


def _fields(source: Source, item: _Candidate, route: Route) -> dict[str, Any]:
    built = item.built
    check = CheckReport(source.path.name, source.kind, (item.report,))
    return {
        "route": route.name,
        "files": {
            name: {"sha256": sha256(data), "bytes": len(data)} for name, data in sorted(built.files.items())
        },
        "source": {"file": source.path.name, "kind": source.kind, "sha256": sha256(source.data)},
        "graph": {"name": item.graph, "sha256": sha256(source.graphs[item.graph])},
        "versions": route.versions(),
        "gpu": route.gpu(),
        "settings": built.settings,
        "build_seconds": round(built.seconds, 3),
        "precisions": count_precisions(built.layers),
        "layers": [asdict(layer) for layer in built.layers],
        "parity": asdict(item.parity),
        "check": check.to_json(),
    }


def _write(out: Path, candidates: Sequence[_Candidate], engines: Sequence[Engine], overwrite: bool) -> None:
    content: dict[Path, bytes] = {}
    for item in candidates:
        content |= {out / name: data for name, data in item.built.files.items()}
    for engine in engines:
        content[sidecar_path(engine.path)] = encode_sidecar(engine.fields)
    with whole_files(list(content), overwrite=overwrite) as parts:
        for part, data in zip(parts, content.values(), strict=True):
            part.write_bytes(data)
