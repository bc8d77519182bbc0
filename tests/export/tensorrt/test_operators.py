"""The parser's table: flight's own operators are in it, and ONNX knows all of it."""

from __future__ import annotations

import onnx

from export.onnx import ALLOWED_OPERATORS, OPSET
from export.tensorrt.operators import INTEGER, OPSET_HIGHEST, OPSET_LOWEST_QUANTIZED, SUPPORTED


def test_everything_that_flight_exports_is_read() -> None:
    assert ALLOWED_OPERATORS <= SUPPORTED
    assert OPSET_LOWEST_QUANTIZED <= OPSET <= OPSET_HIGHEST


def test_the_table_holds_real_operators_and_none_that_is_refused() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    assert known >= SUPPORTED
    assert not SUPPORTED & INTEGER
    assert {"ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"} <= INTEGER & known
