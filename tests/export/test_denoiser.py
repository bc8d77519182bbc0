"""A denoiser's run folder becomes two parts of a bundle that flies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from export.denoiser import (
    OPERATORS,
    DenoiserRun,
    denoiser_parts,
    export_denoiser,
    load_denoiser,
    probe_planes,
)
from export.onnx import ExportError, Graph
from onboard.errors import CaptureError
from onboard.flight.denoiser_plan import unpack_denoiser_plan
from onboard.models.denoiser import Denoiser, DenoiserSettings
from onboard.models.hsdt_style import HsdtStyle
from onboard.models.subspace import SpectralMoments
from onboard.sensors import load_sensor
from onboard.training.denoising.data import band_table
from onboard.training.denoising.module import save_network
from onboard.training.tables import FlightTables, make_tables

LINES, SAMPLES = 16, 24


@pytest.fixture(scope="module")
def tables() -> FlightTables:
    return make_tables(load_sensor("emit"))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, tables: FlightTables) -> Path:
    folder = tmp_path_factory.mktemp("denoiser")
    waves = np.stack([np.cos(tables.centres / 2100.0 * np.pi * k) / (1 + 2 * k) for k in range(6)], axis=1)
    moment = np.stack([waves @ waves.T, waves @ waves.T])
    torch.manual_seed(1)
    settings = DenoiserSettings(components=6, widths=(4, 4, 4, 4))
    save_network(Denoiser(SpectralMoments(tables.centres, moment, moment), settings), folder / "network.pt")
    (folder / "recipe.json").write_text(json.dumps({"sensor": "emit", "steps": 5}))
    (folder / "report.json").write_text(json.dumps({"steps": 5}))
    return folder


@pytest.fixture(scope="module")
def graph(run_folder: Path, tables: FlightTables) -> Graph:
    return export_denoiser(load_denoiser(run_folder), tables, lines=LINES, samples=SAMPLES)


def test_the_graph_has_the_tensors_that_flight_binds(graph: Graph, tables: FlightTables) -> None:
    bands = len(tables.mf_bands)
    assert (graph.input_name, graph.input_shape) == ("planes", (1, bands + 1, LINES, SAMPLES))
    assert (graph.output_name, graph.output_shape) == ("denoised", (1, bands, LINES, SAMPLES))
    assert set(graph.operators) <= OPERATORS
    assert graph.parity < 1e-4


def test_the_graph_takes_noise_off(graph: Graph, run_folder: Path, tables: FlightTables) -> None:
    random = np.random.default_rng(2)
    shapes = (
        load_denoiser(run_folder).network.shapes(band_table("emit", tables.mf_bands, "log")).apart.numpy()
    )
    maps = random.normal(0.0, 1.0, (shapes.shape[1], 2, 3)).repeat(8, 1).repeat(8, 2)
    clean = np.einsum("br,rls->bls", shapes, maps)
    noisy = clean + random.normal(0.0, 0.02, clean.shape)
    planes = np.concatenate([noisy, np.ones((1, LINES, SAMPLES))])[None].astype(np.float32)
    session = onnxruntime.InferenceSession(graph.data, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"planes": planes})
    assert np.abs(found[0] - clean).mean() < 0.5 * np.abs(noisy - clean).mean()


def test_the_parts_say_what_they_are(graph: Graph) -> None:
    plan, parts = denoiser_parts(graph, 1 << 20)
    assert set(parts) == {"denoiser.bin", "denoiser.onnx"}
    assert unpack_denoiser_plan(parts["denoiser.bin"], LINES) == plan
    assert (plan.lines, plan.samples, plan.inference_bytes) == (LINES, SAMPLES, 1 << 20)


def test_other_folders_and_networks_are_refused(tmp_path: Path, run_folder: Path) -> None:
    with pytest.raises(CaptureError, match=r"no network\.pt"):
        load_denoiser(tmp_path)
    save_network(HsdtStyle(4), tmp_path / "network.pt")
    with pytest.raises(CaptureError, match="only the denoiser flies"):
        load_denoiser(tmp_path)
    (tmp_path / "network.pt").write_bytes((run_folder / "network.pt").read_bytes())
    with pytest.raises(CaptureError, match=r"recipe\.json"):
        load_denoiser(tmp_path)


def test_another_band_table_is_refused(run_folder: Path) -> None:
    sensor = load_sensor("emit")
    other = make_tables(sensor)
    moved = FlightTables(**{**vars(other), "centres": other.centres + 1.0})
    run = load_denoiser(run_folder)
    assert isinstance(run, DenoiserRun)
    with pytest.raises(ExportError, match="other bands"):
        export_denoiser(run, moved, lines=LINES, samples=SAMPLES)


def test_probe_planes_are_what_flight_fills_in() -> None:
    planes = probe_planes(7, 16, 24, 3)
    assert planes.shape == (1, 8, 16, 24)
    assert set(np.unique(planes[0, 7])) == {0.0, 1.0}
    counts = planes[0, :7] * 4096
    assert (counts == np.rint(counts)).all()
    assert np.abs(planes - probe_planes(7, 16, 24, 4)).max() > 0
