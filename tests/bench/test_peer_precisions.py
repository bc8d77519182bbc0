"""Published networks in every precision: which quantizer takes which, and what is put down of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from bench.peer_precisions import COLUMNS, Peer, main, measure, precisions, read_peer, score
from onboard.errors import CaptureError, UsageError
from onboard.models import registry
from onboard.sensors import load_sensor
from onboard.training.body_input import InputScales
from onboard.training.tables import make_tables
from quantize.scoring import ValidationSet
from tests.quantize.conftest import SMALL, finished_run  # noqa: F401
from tests.quantize.graphs import batches, clipped_graph, operators

POINT = {"plume_threshold": 0.5, "mineral_label": 0.15, "mineral_thresholds": [0.5] * 10}


def attention_graph() -> bytes:
    """A graph that our own quantizer has no place for: (1, 6, 16, 16) to (1, 1, 16, 16)."""
    weight = np.random.default_rng(4).normal(0.0, 0.4, (16, 16)).astype(np.float32)
    mix = np.random.default_rng(5).normal(0.0, 0.4, (1, 6, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["planes", "weight"], ["product"], "product"),
        helper.make_node("Softmax", ["product"], ["soft"], "soft", axis=-1),
        helper.make_node("Conv", ["soft", "mix"], ["logits"], "mix", kernel_shape=[1, 1]),
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes, "attention",
            [helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, 6, 16, 16])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, 16, 16])],
            [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(mix, "mix")],
        ),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=10,
    )  # fmt: skip
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def peer(body: bytes, size: int = 16) -> Peer:
    planes = batches(2, size)
    shape = (2, size, size)
    plume = np.zeros(shape, bool)
    plume[:, 4:8, 4:8] = True
    truth = ValidationSet(planes, plume, np.zeros((2, 10, size, size), bool), np.ones(shape, bool))
    return Peer("made", body, planes, truth, 0.5)


def test_convolutions_go_through_our_quantizer_and_are_fine_tuned() -> None:
    given = peer(clipped_graph(96), 96)
    graphs = precisions(given, 1)
    untuned = ["FP32", "FP16", "INT8 PTQ, u8", "INT8 PTQ, s8"]
    assert list(graphs) == [*untuned, "INT8 QAT, u8", "INT8 QAT, s8"]
    assert graphs["INT8 QAT, u8"] != graphs["INT8 PTQ, u8"]
    assert list(precisions(given, 0)) == untuned
    rows = measure(given, graphs, 1, 1)
    assert [row["precision"] for row in rows] == list(graphs)
    assert rows[2]["sqnr_db"] > 15.0
    assert rows[2]["size_ratio"] < 1.5


def test_attention_goes_through_the_library_s() -> None:
    graphs = precisions(peer(attention_graph()), 3)
    assert list(graphs) == ["FP32", "FP16", "INT8 PTQ, ONNX Runtime's quantizer"]
    assert "QuantizeLinear" in operators(graphs["INT8 PTQ, ONNX Runtime's quantizer"])
    rows = measure(peer(attention_graph()), graphs, 1, 1)
    assert rows[2]["sqnr_db"] > 10.0


def test_what_is_no_number_has_no_score() -> None:
    given = peer(attention_graph()).validation
    logits = np.where(given.plume, 4.0, -4.0).astype(np.float32)
    assert score(logits, given, 0.5) == {"methane_f1": 1.0, "methane_auprc": pytest.approx(1.0)}
    logits[0, 0, 0] = np.nan
    assert score(logits, given, 0.5) == {"methane_f1": None, "methane_auprc": None}


def test_a_training_of_a_published_network_is_measured(
    finished_run: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    tables = make_tables(load_sensor("emit"))
    torch.manual_seed(1)
    network = registry.build("hyper_efficientvit", centres=tables.centres, fwhm=tables.fwhm)
    state = {
        "model": "hyper_efficientvit",
        "settings": network.settings.as_dict(),
        "state": network.state_dict(),
    }
    torch.save(state, folder / "model.pt")
    tables.save(folder / "tables.npz")
    recipe = {"name": "peers", "model": "hyper_efficientvit", "sensor": "emit", "pool": asdict(SMALL)}
    for name, value in (
        ("operating_point", POINT | InputScales().as_dict()), ("metrics", {}), ("recipe", recipe),
    ):  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(CaptureError, match="not whole"):
        read_peer(folder, 1, 1)
    (folder / "pool").symlink_to(finished_run / "pool")
    options = ["--samples", "1", "--patches", "1", "--steps", "0", "--rounds", "1", "--threads", "1"]
    result = CliRunner().invoke(main, [str(folder), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "out/precisions.json").read_text())
    assert [row["precision"] for row in rows][:2] == ["FP32", "FP16"]
    assert 0.2 < rows[2]["size_ratio"] < 0.35
    lines = (tmp_path / "out/precisions.md").read_text().splitlines()
    assert len(lines) == 2 + len(rows)
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}


def test_our_own_network_is_sent_elsewhere(finished_run: Path) -> None:  # noqa: F811
    with pytest.raises(UsageError, match=r"bench\.quantized"):
        read_peer(finished_run, 1, 1)
