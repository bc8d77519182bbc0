"""A training becomes a bundle that flies, the same one each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export.assemble import array_parts, build_from_training, export_run
from export.benchmark_gate import FloatFlight
from export.bundle import sign_container
from export.keys import public_key_of
from export.onnx import Graph
from export.plan import plan_of_run
from export.run_folder import TrainedRun, load_run
from onboard.errors import CaptureError, OutputError, UsageError
from onboard.flight.bundle import read_container
from onboard.flight.card import CARD_PART, read_card
from onboard.flight.class_plan import CLASSES_PART, unpack_class_plan
from onboard.flight.contents import read_contents
from onboard.flight.int8_body import INT8_PART
from quantize.gate import verdict_of
from tests.export.samples import write_quantized, write_run_folder
from tests.support.simemit import score

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


def test_the_bundle_has_a_card_of_its_own_networks(bundle: Path) -> None:
    container = read_container(bundle)
    card = read_card(container)
    assert card is not None
    assert card["bundle"]["sequence"] == 5
    assert card["training"]["recipe"]["name"] == "sample"
    assert [row["set"] for row in card["accuracy"]["sets"]] == ["test"]
    assert list(container.parts)[-1] == CARD_PART


def test_scores_are_in_the_card_of_the_networks_that_earned_them(
    bundle: Path, run_folder: Path, exported_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unmeasured(run: TrainedRun, container_of: Callable[..., bytes], **_: object) -> bytes:
        return container_of(plan_of_run(run, inference_bytes=1 << 20))

    monkeypatch.setattr("export.assemble.complete_container", unmeasured)
    out = score(tmp_path / "simemit", bundle)
    path = build_from_training(run_folder, tmp_path / "x.onb", 6, results=out, scored=bundle)
    card = read_card(read_container(path))
    assert card is not None
    sets = [(row["on"], row["set"]) for row in card["accuracy"]["sets"]]
    assert [part for on, part in sets if on.startswith("SimEMIT")] == ["validation", "test"]
    assert any("--results SIMEMIT" in line for line in card["reproduce"])
    with pytest.raises(UsageError, match="another bundle"):
        build_from_training(run_folder, tmp_path / "y.onb", 6, results=out, scored=path)
    other = write_run_folder(tmp_path / "other")
    point = json.loads((other / "operating_point.json").read_text()) | {"z_clip": 4.0}
    (other / "operating_point.json").write_text(json.dumps(point))
    with pytest.raises(UsageError, match="other networks"):
        build_from_training(other, tmp_path / "y.onb", 6, results=out, scored=bundle)
    assert not (tmp_path / "y.onb").exists()


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


def test_the_gate_s_report_of_two_flights_is_in_the_manifest_and_on_the_card(
    run_folder: Path, exported_once: None, graphs: tuple[Graph, Graph], bundle: Path, tmp_path: Path
) -> None:
    write_quantized(tmp_path, graphs[1].data, {"passed": False})
    first = build_from_training(run_folder, tmp_path / "q.onb", 5, quantized=tmp_path)
    exact = FloatFlight(score(tmp_path / "exact", bundle, parts=("validation",)), bundle)
    found = score(tmp_path / "found", first, parts=("validation",))
    path = build_from_training(
        run_folder, tmp_path / "r.onb", 6, quantized=tmp_path, results=found, scored=first, exact=exact
    )
    container = read_container(path)
    report = read_contents(container).manifest["quantization"]["benchmark_gate"]
    assert "SimEMIT" in report["judged_on"]
    assert verdict_of(report) is not None
    card = read_card(container)
    assert card is not None
    assert card["precision"]["benchmark_gate"]["judged_on"] == report["judged_on"]
    assert any("--exact EXACT" in line for line in card["reproduce"])


def test_a_quantized_body_flies_in_the_place_of_the_graph(
    run_folder: Path, exported_once: None, graphs: tuple[Graph, Graph], tmp_path: Path
) -> None:
    body = write_quantized(tmp_path, graphs[1].data, {"passed": False})
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
    classes = unpack_class_plan(parts[CLASSES_PART], len(tables.centres))
    assert np.array_equal(classes.bands, tables.class_bands)
    assert np.array_equal(classes.centres, tables.class_centres)


def test_a_training_without_classes_has_no_such_part(run_folder: Path) -> None:
    tables = load_run(run_folder).tables
    plain = replace(tables, class_bands=tables.class_bands[:0], class_centres=tables.class_centres[:0])
    assert set(array_parts(tables)) - set(array_parts(plain)) == {CLASSES_PART}


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
