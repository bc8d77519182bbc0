"""Reports count errors, put them into words, and say whether a file is refused."""

from __future__ import annotations

from export.tensorrt.findings import CheckReport, Finding, GraphReport, Severity


def finding(severity: Severity) -> Finding:
    return Finding("zero-point", severity, "parser", "body.onnx", "input_q", "zero point 3", "use 0")


def test_warnings_refuse_nothing_and_errors_do() -> None:
    warned = GraphReport("stem.onnx", 18, 3, "int8", (finding("warning"),))
    refused = GraphReport("body.onnx", 18, 9, "int8", (finding("error"), finding("warning")))
    assert not CheckReport("x.onb", "bundle", (warned,)).refused
    report = CheckReport("x.onb", "bundle", (warned, refused))
    assert report.refused
    assert report.errors == (finding("error"),)
    assert [line.split(";")[0] for line in report.lines()[:3:2]] == [
        "stem.onnx: accepted",
        "body.onnx: refused",
    ]
    assert report.to_json()["graphs"][1]["findings"][0]["basis"] == "parser"


def test_a_finding_in_words() -> None:
    assert finding("error").line() == ("error zero-point at body.onnx: input_q: zero point 3; remedy: use 0")
