"""A training becomes a bundle that flies, the same one each time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from export.assemble import array_parts, build_from_training, export_run
from export.bundle import sign_container
from export.int8 import BODY_DIGEST, FORM, REPORT
from export.keys import public_key_of
from export.onnx import Graph
from export.run_folder import load_run
from onboard.errors import CaptureError, OutputError
from onboard.flight.bundle import read_container
from onboard.flight.contents import read_contents
from quantize.affine import Range
from quantize.flight_body import PlaneRanges, flight_body
from quantize.graph import load_model
from quantize.placement import find_sites
from quantize.post_training import Calibrated
from tests.export.samples import write_run_folder

SEED = bytes(range(32))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_folder(tmp_path_factory.mktemp("assemble") / "run")


@pytest.fixture(scope="module")
def graphs(run_folder: Path) -> tuple[Graph, Graph]:
    return export_run(load_run(run_folder))


@pytest.fixture(scope="module")
def exported_once(graphs: tuple[Graph, Graph]) -> Iterator[None]:
    """Spare the tests the export; that it gives the same bytes each time is tested with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("export.assemble.export_run", lambda run: graphs)
        yield


@pytest.fixture(scope="module")
def bundle(run_folder: Path, exported_once: None) -> Path:
    folder = run_folder.parent / "bundles"
    folder.mkdir()
    return build_from_training(run_folder, folder / "x.onb", 5)


def test_the_same_training_gives_the_same_bytes(bundle: Path, run_folder: Path) -> None:
    again = build_from_training(run_folder, bundle.with_name("y.onb"), 5)
    assert again.read_bytes() == bundle.read_bytes()
    assert {path.name for path in bundle.parent.iterdir()} == {"x.onb", "y.onb"}


def test_the_bundle_holds_what_the_training_left(bundle: Path, run_folder: Path) -> None:
    container = read_container(bundle)
    contents = read_contents(container)
    run = load_run(run_folder)
    assert not container.signed
    assert container.sequence == 5
    assert np.array_equal(contents.centres, run.tables.centres.astype(np.float32))
    assert np.array_equal(contents.log_transmittance, run.tables.log_transmittance.astype(np.float32))
    assert contents.manifest["metrics"] == {"test": {"plume_f1": 0.1, "odd": None}}
    assert contents.manifest["training"]["recipe"]["name"] == "sample"
    assert contents.known_input is not None


def test_the_signed_bundle_flies_on_its_own_memory(bundle: Path) -> None:
    from onboard.flight import FlightSession

    signed = sign_container(bundle.read_bytes(), SEED)
    known = read_contents(read_container(signed))
    assert known.known_input is not None
    assert known.known_output is not None
    with FlightSession(
        signed, samples=known.plan.known_samples, threads=1, trusted_keys=[public_key_of(SEED)]
    ) as session:
        blocks = [*session.push(known.known_input), *session.flush()]
        health = session.health()
    found = np.concatenate([block.ch4_enhancement for block in blocks])
    np.testing.assert_allclose(found, known.known_output[:, 1], rtol=1e-4, atol=1.0)
    assert health.inference_high_water <= known.plan.inference_bytes


def test_a_quantized_body_flies_in_the_place_of_the_graph(
    run_folder: Path, exported_once: None, graphs: tuple[Graph, Graph], tmp_path: Path
) -> None:
    from onboard.flight.int8_body import INT8_PART

    body = flight_body_of(graphs[1].data)
    (tmp_path / INT8_PART).write_bytes(body)
    report = {
        "calibration": {"seed": 1},
        "fine_tuning": None,
        "gate": {FORM: {"passed": False}},
        BODY_DIGEST: hashlib.sha256(graphs[1].data).hexdigest(),
    }
    (tmp_path / REPORT).write_text(json.dumps(report), encoding="utf-8")
    path = build_from_training(run_folder, tmp_path / "q.onb", 5, quantized=tmp_path)
    container = read_container(path)
    contents = read_contents(container)
    assert bytes(container.parts[INT8_PART]) == body
    assert "body.onnx" not in container.parts
    assert contents.precision == "int8"
    assert contents.manifest["quantization"]["gate"] == {"passed": False}
    assert contents.known_output is not None
    assert (
        build_from_training(run_folder, tmp_path / "r.onb", 5, quantized=tmp_path).read_bytes()
        == container.data
    )


def flight_body_of(graph: bytes) -> bytes:
    """Return the quantized body of a float graph, at ranges that nobody chose."""
    model = load_model(graph)
    sites = find_sites(model)
    planes = PlaneRanges((Range(-8.0, 8.0),) * 32, "made up", {})
    spans = dict.fromkeys(sites.names, Range(0.0, 8.0))
    return flight_body(Calibrated(model, sites, spans, {}), planes).pack()


def test_a_folder_that_is_no_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"model\.pt"):
        build_from_training(tmp_path, tmp_path / "x.onb", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(
    run_folder: Path, tmp_path: Path, exported_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.assemble.complete_container", lambda run, make, **_: b"x")
    with pytest.raises(OutputError, match="none"):
        build_from_training(run_folder, tmp_path / "none" / "x.onb", 1)


def test_tables_become_little_endian_parts(run_folder: Path) -> None:
    tables = load_run(run_folder).tables
    parts = array_parts(tables)
    assert np.frombuffer(parts["bands.f32"], "<f4").tolist()[:1] == [np.float32(tables.centres[0])]
    assert np.frombuffer(parts["mf_bands.u16"], "<u2").tolist() == tables.mf_bands.tolist()
    assert len(parts["mf_curve.f32"]) == 4 * len(tables.alphas) * (1 + len(tables.mf_bands))
    assert len(parts["mf_noise.f32"]) == 8 * len(tables.mf_bands)


def test_a_published_network_does_not_fly(tmp_path: Path) -> None:
    from onboard.models import registry
    from onboard.sensors import load_sensor

    folder, sensor = write_run_folder(tmp_path / "run"), load_sensor("emit")
    network = registry.build("hyper_starcop", centres=sensor.centres, fwhm=sensor.fwhm)
    settings = network.settings.as_dict()
    torch.save(
        {"model": "hyper_starcop", "settings": settings, "state": network.state_dict()}, folder / "model.pt"
    )
    with pytest.raises(CaptureError, match="only line networks fly"):
        export_run(load_run(folder))
