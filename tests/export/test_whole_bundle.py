"""Everything a bundle can hold at once: a body in eight bits, a denoiser, a card; built, signed and flown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from export.assemble import build_from_training, export_run
from export.bundle import sign_container
from export.denoiser import export_denoiser, load_denoiser
from export.int8 import require_gate
from export.keys import public_key_of
from export.measure import probe_radiance
from export.run_folder import load_run
from onboard.flight import FlightSession
from onboard.flight.bundle import read_container, verify_signature
from onboard.flight.card import read_card
from onboard.flight.contents import read_contents
from onboard.flight.types import ProductBlock
from quantize.gate import Verdict
from tests.export.samples import write_quantized, write_run_folder

SEED = bytes(range(32))
SAMPLES, LINES = 90, 70
WIDTH = 72
"""Of the denoiser's graph: two panels a line, which overlap by twice the halo."""
SCORES = {"methane_f1": 0.7, "mineral_f1": 0.6}


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Measured by one opening in place of dozens, and a narrow denoiser: what flies is the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("export.measure.THREADS", (1,))
        patch.setattr("export.measure.ROUNDS", 1)
        patch.setattr("export.measure.DENOISING_ROUNDS", 1)
        patch.setattr("export.assemble.export_denoiser", partial(export_denoiser, samples=WIDTH))
        yield


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, small_denoiser: Path, quick: None) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run = write_run_folder(folder / "run")
    write_quantized(folder, export_run(load_run(run))[1].data, Verdict("x", SCORES, SCORES).as_dict())
    digest = load_denoiser(small_denoiser).digest
    known = {"source": "scenes", "name": "a", "case": "EMIT", "psnr": 50.0, "sam": 1.0}
    scores = [known | {"method": "noisy", "stamp": "1"}, known | {"method": "ours", "stamp": digest}]
    (folder / "scores.json").write_text(json.dumps(scores))
    path = build_from_training(
        run, folder / "whole.onb", 8, quantized=folder, denoiser=small_denoiser, denoiser_scores=folder
    )
    path.write_bytes(sign_container(path.read_bytes(), SEED))
    return path


def fly(bundle: Path, *, denoise: bool) -> list[ProductBlock]:
    radiance = probe_radiance(read_contents(read_container(bundle)), LINES, SAMPLES)
    keys = [public_key_of(SEED)]
    with FlightSession(
        bundle.read_bytes(), samples=SAMPLES, threads=1, trusted_keys=keys, denoise=denoise
    ) as session:
        blocks = [*session.push(radiance[:41]), *session.push(radiance[41:]), *session.flush()]
        health = session.health()
    assert health.allocations_after_open == 0
    assert 0 < health.inference_high_water <= health.inference_bytes
    return blocks


def joined(blocks: list[ProductBlock], name: str) -> npt.NDArray[np.float32]:
    return np.concatenate([getattr(block, name) for block in blocks], axis=-2)


def test_it_verifies_and_says_what_it_is(bundle: Path) -> None:
    container = read_container(bundle)
    verify_signature(container, [public_key_of(SEED)])
    contents = read_contents(container)
    require_gate(contents, bundle)
    assert contents.precision == "int8"
    assert contents.denoiser is not None
    assert contents.denoiser.samples == WIDTH
    assert contents.denoiser.inference_bytes > contents.plan.inference_bytes
    card = read_card(container)
    assert card is not None
    assert set(card["parts"]) == {"stem.onnx", "body.i8", "denoiser.onnx"}
    assert card["precision"]["body"] == "int8"
    assert card["denoiser"]["macs_a_pixel"] > 0
    assert [row["psnr_db"]["denoised"] for row in card["denoiser"]["accuracy"]] == [50.0]
    assert any("--denoiser-scores" in line for line in card["reproduce"])


def test_it_flies_and_denoises_and_neither_changes_the_other(bundle: Path) -> None:
    plain, both = fly(bundle, denoise=False), fly(bundle, denoise=True)
    for name in ("plume_probability", "ch4_enhancement", "mineral_probability", "quality"):
        assert joined(plain, name).tobytes() == joined(both, name).tobytes()
    assert np.isfinite(joined(both, "plume_probability")).all()
    assert all(block.swir_radiance is None for block in plain)
    parts = [block.swir_radiance for block in both]
    assert all(part is not None for part in parts)
    found = np.concatenate([part for part in parts if part is not None])
    contents = read_contents(read_container(bundle))
    given = probe_radiance(contents, LINES, SAMPLES)[..., contents.mf_bands]
    assert found.shape == given.shape
    assert (found > 0).all()
    # A network that learned nothing keeps the ground's level, and is no copy.
    ratio = found / given
    assert 0.8 < float(np.median(ratio)) < 1.25
    assert float(np.abs(ratio - 1.0).max()) > 1e-3
