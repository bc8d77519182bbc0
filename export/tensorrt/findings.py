"""What the checker says: rules, findings, and the report of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from export.tensorrt.view import GraphView

Severity = Literal["error", "warning"]
Precision = Literal["float32", "float16", "int8"]
Basis = Literal["parser", "placement", "flight"]
"""Who says no: TensorRT's ONNX parser; NVIDIA's recommendations on how fine and where to quantize (what
breaks them may build, and then runs in float, slower than float, or less accurately); or we, because flight
does without."""


@dataclass(frozen=True)
class Hit:
    """One place where a rule is broken.

    Attributes:
        node: Name of the node (or tensor) in the graph.
        found: What is there.
    """

    node: str
    found: str


Check = Callable[["GraphView"], Iterator[Hit]]


@dataclass(frozen=True)
class Rule:
    """One rule of the checker.

    Attributes:
        identity: Short name, such as ``zero-point``.
        severity: ``error`` refuses the file; ``warning`` does not.
        basis: Who says no.
        remedy: What to do about it.
        check: Yields every place where the rule is broken; its docstring names the source.
    """

    identity: str
    severity: Severity
    basis: Basis
    remedy: str
    check: Check


@dataclass(frozen=True)
class Finding:
    """A broken rule in a graph, as reported."""

    rule: str
    severity: Severity
    basis: Basis
    graph: str
    node: str
    found: str
    remedy: str

    def line(self) -> str:
        """Return the finding in one line of text."""
        return (
            f"{self.severity} {self.rule} at {self.graph}: {self.node}: {self.found}; remedy: {self.remedy}"
        )


@dataclass(frozen=True)
class GraphReport:
    """What the checker found in one graph.

    Attributes:
        graph: Name of the graph: a part of a bundle, or the file's name.
        opset: Version of the default operator set.
        nodes: Number of nodes.
        precision: The narrowest type that it computes in; ``int8`` if it holds Q/DQ nodes.
        findings: All findings, errors first.
    """

    graph: str
    opset: int
    nodes: int
    precision: Precision
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse the graph."""
        return tuple(item for item in self.findings if item.severity == "error")


@dataclass(frozen=True)
class CheckReport:
    """What the checker found in a file.

    Attributes:
        file: The file.
        kind: ``bundle`` or ``onnx``.
        graphs: One report a graph.
    """

    file: str
    kind: Literal["bundle", "onnx"]
    graphs: tuple[GraphReport, ...] = field(default_factory=tuple)

    @property
    def refused(self) -> bool:
        """Whether any graph has an error."""
        return any(graph.errors for graph in self.graphs)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The errors of all graphs."""
        return tuple(item for graph in self.graphs for item in graph.errors)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {**asdict(self), "refused": self.refused}

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        lines = []
        for graph in self.graphs:
            verdict = "refused" if graph.errors else "accepted"
            form = "int8 in Q/DQ form" if graph.precision == "int8" else graph.precision
            lines.append(f"{graph.graph}: {verdict}; {form}, opset {graph.opset}, {graph.nodes} nodes")
            lines.extend(f"  {finding.line()}" for finding in graph.findings)
        return lines
