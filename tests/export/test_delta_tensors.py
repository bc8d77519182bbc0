"""Finding tensors in graphs, and saying one graph by another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from export.delta_operations import joined
from export.delta_tensors import changed, find_tensors, onnx_operations
from onboard.flight.bundle import read_container
from onboard.flight.delta import COPY, RAW, WORDS
from tests.support.bundles import build_test_bundle
from tests.support.revisions import changed_graph


@pytest.fixture(scope="module")
def body(float_bundle: Path) -> bytes:
    return bytes(read_container(float_bundle).parts["body.onnx"])


def test_tensors_lie_where_onnx_reads_them(body: bytes) -> None:
    found = find_tensors(body)
    tensors = onnx.load_model_from_string(body).graph.initializer
    assert [item.name for item in found] == [item.name for item in tensors]
    for item, tensor in zip(found, tensors, strict=True):
        assert body[item.start : item.end] == tensor.raw_data
        assert (item.dims, item.data_type) == (tuple(tensor.dims), tensor.data_type)
        assert item.shape[0] * item.shape[1] == numpy_helper.to_array(tensor).size


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_what_is_no_graph_has_no_tensors(part: bytes) -> None:
    for tensor in find_tensors(part):
        assert 0 <= tensor.start < tensor.end <= len(part)


def test_a_cut_or_nested_graph_does_not_mislead(body: bytes) -> None:
    for size in range(0, len(body), 997):
        for tensor in find_tensors(body[:size]):
            assert tensor.end <= size


def test_only_the_changed_tensor_is_sent(body: bytes) -> None:
    new = changed_graph(
        body, lambda name, values: values * np.float32(1.01) if name == "methane.head.weight" else None
    )
    old = b"before" + body + b"after"
    operations = joined(onnx_operations(old, (6, 6 + len(body)), new))
    assert sum(item.size for item in operations) == len(new)
    sent = [item for item in operations if item.kind != COPY]
    assert [(item.kind, item.size) for item in sent] in ([(WORDS, 64)], [(RAW, 64)])


def test_graphs_of_other_shapes_fall_back_to_bytes() -> None:
    one, other = build_test_bundle(), build_test_bundle(bands=40)
    new = other.parts["stem.onnx"]
    operations = onnx_operations(one.parts["stem.onnx"], (0, len(one.parts["stem.onnx"])), new)
    assert b"".join(item.data for item in operations if item.kind == RAW) == new


def test_changed_copies_what_is_the_same() -> None:
    old = bytes(range(40))
    assert changed(old, (3, 9), old[3:9]).kind == COPY
    assert changed(old, (3, 9), b"longer than that").kind == RAW
    assert changed(old, (0, 40), old[:-4] + b"abcd", words=True).kind in (1, 2, WORDS)
