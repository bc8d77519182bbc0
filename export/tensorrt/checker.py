"""The checker: would the strongly typed Q/DQ route of TensorRT 10 and 11 take this file?"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from export.tensorrt.findings import CheckReport, Finding, GraphReport, Rule
from export.tensorrt.rules_format import FORMAT_RULES
from export.tensorrt.rules_placement import PLACEMENT_RULES
from export.tensorrt.rules_values import VALUE_RULES
from export.tensorrt.view import GraphView
from onboard.errors import BundleError
from onboard.flight.bundle import MAGIC, read_container

RULES: tuple[Rule, ...] = (*FORMAT_RULES, *VALUE_RULES, *PLACEMENT_RULES)
SUFFIX = ".onnx"
INT8_BODY = "body.i8"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A file with graphs in it.

    Attributes:
        path: The file.
        kind: ``bundle`` or ``onnx``.
        data: Its bytes.
        graphs: Bytes of each graph by name: names of parts, or the file's own name.
    """

    path: Path
    kind: Literal["bundle", "onnx"]
    data: bytes
    graphs: dict[str, bytes]


def read_source(path: Path) -> Source:
    """Read the graphs of a bundle or of an ONNX file; a bundle's hashes are checked, its signature is not.

    Raises:
        BundleError: If the file cannot be read, is a damaged bundle, or a bundle without graphs.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError("the file cannot be read", file=path, found=error.strerror) from None
    if not data.startswith(MAGIC):
        return Source(path, "onnx", data, {path.name: data})
    parts = read_container(data, name=str(path)).parts
    graphs = {name: bytes(part) for name, part in parts.items() if name.endswith(SUFFIX)}
    if INT8_BODY in parts:
        log.warning(
            "%s: the body is in the core's own INT8 form (%s), of which no engine is made; give the "
            "body.s8.onnx that onboard quantize wrote, or a float32 bundle",
            path,
            INT8_BODY,
        )
    if not graphs:
        raise BundleError("the bundle holds no graph", file=path, expected=f"parts named *{SUFFIX}")
    return Source(path, "bundle", data, graphs)


def check_model(data: bytes, name: str) -> GraphReport:
    """Check one ONNX graph against every rule.

    Args:
        data: The graph's bytes, weights inside.
        name: What to call it.

    Raises:
        BundleError: If it is no valid ONNX graph.
        MissingExtraError: If ``onnx`` is not installed.
    """
    view = GraphView(data, name)
    findings = [
        Finding(rule.identity, rule.severity, rule.basis, name, hit.node, hit.found, rule.remedy)
        for rule in RULES
        for hit in rule.check(view)
    ]
    findings.sort(key=lambda item: item.severity)  # Errors first, else in the order of rules and nodes.
    return GraphReport(name, view.opset, len(view.nodes), view.precision, tuple(findings))


def check_source(source: Source) -> CheckReport:
    """Check every graph of a file that was read."""
    graphs = tuple(check_model(data, name) for name, data in source.graphs.items())
    return CheckReport(str(source.path), source.kind, graphs)


def check_file(path: Path) -> CheckReport:
    """Check an ONNX file, or every graph of a bundle.

    Raises:
        BundleError: If the file cannot be read or holds no valid ONNX graph.
        MissingExtraError: If ``onnx`` is not installed.
    """
    return check_source(read_source(path))


def require_accepted(report: CheckReport) -> None:
    """Refuse a file that has errors.

    Raises:
        BundleError: Naming the first node, its rule, and how many more there are.
    """
    if not report.refused:
        return
    first, *more = report.errors
    raise BundleError(
        "TensorRT's strongly typed Q/DQ route would refuse this file",
        file=report.file,
        field=f"{first.graph}: {first.node}",
        found=f"{first.rule}: {first.found}" + (f" (and {len(more)} more errors)" if more else ""),
        expected=f"no error of {len(RULES)} rules",
        remedy=first.remedy,
    )
