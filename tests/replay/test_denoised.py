from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pytest

from onboard.captures import open_capture
from onboard.errors import BundleError, OutputError, UsageError
from onboard.replay.denoised import DenoisedHeader, DenoisedWriter
from onboard.replay.job import ReplayJob, run_replay
from tests.flight.denoisers import with_denoiser
from tests.replay.small_capture import LINES, SAMPLES, emit_bundle, write_bundle, write_capture
from tests.replay.stand_in import Block
from tests.support.bundles import make_radiance

HEADER = DenoisedHeader(10, 4, np.array([2200.0, 2300.0, 2400.0]), np.full(3, 8.0), {"source": "x"})


def block(first: int, lines: int, values: np.ndarray | None) -> Block:
    plane = np.zeros((lines, 4), np.float32)
    made = Block(first, plane, plane.astype(np.uint8), plane, plane, plane[None], plane.astype(np.uint8))
    object.__setattr__(made, "swir_radiance", values)
    return made


def test_the_file_reads_as_a_capture(tmp_path: Path) -> None:
    values = np.random.default_rng(1).uniform(0.1, 2.0, (8, 4, 3)).astype(np.float32)
    values[2, 1] = -9990.0
    with DenoisedWriter(tmp_path / "d.nc", HEADER) as writer:
        writer.write(block(0, 8, values))
        writer.write(block(8, 2, None))
    assert writer.strips == 1
    with open_capture(tmp_path / "d.nc") as capture:
        assert (capture.lines, capture.samples) == (10, 4)
        np.testing.assert_allclose(capture.centres, HEADER.centres)
        lines = np.array(capture.read_lines(0, 10))
    assert lines[:8].tobytes() == values.tobytes()
    assert (lines[8:] == -9999.0).all()


def test_a_failure_leaves_no_good_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        DenoisedWriter(tmp_path / "none" / "d.nc", HEADER)
    with pytest.raises(RuntimeError, match="on purpose"), DenoisedWriter(tmp_path / "d.nc", HEADER):
        raise RuntimeError("on purpose")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle") / "d.onb", with_denoiser(emit_bundle()))


@pytest.mark.parametrize("which", ["all", "plumes"])
def test_replay_writes_what_was_asked_for(
    tmp_path: Path, bundle: Path, which: Literal["all", "plumes"]
) -> None:
    data = make_radiance(emit_bundle(), LINES, SAMPLES, plumes=1)[0]
    data[:16], data[20, 7] = -9999.0, -9990.0
    capture = write_capture(tmp_path / "c.nc", data)
    trust = (bundle.with_suffix(".pub"),)
    job = ReplayJob(capture, tmp_path / "run", bundle, trust=trust, denoised=which)
    report = run_replay(job)
    with (
        h5py.File(tmp_path / "run" / "denoised.nc") as file,
        h5py.File(tmp_path / "run" / "products.nc") as other,
    ):
        found, mask = file["radiance"][:], other["plume_mask"][:]
    assert found.shape[:2] == (LINES, SAMPLES)
    strips = [slice(first, first + 16) for first in range(0, LINES, 16)]
    wanted = [which == "all" or bool(mask[strip].any()) for strip in strips]
    assert any(wanted)
    assert which == "all" or not all(wanted)
    assert report["denoised"] == {"file": "denoised.nc", "which": which, "strips": sum(wanted)}
    for strip, present in zip(strips, wanted, strict=True):
        assert (found[strip] > 0).any() == (present and strip.start > 0)
    assert (found[:16] == -9999.0).all()
    assert (found[20, 7] == (-9990.0 if wanted[1] else -9999.0)).all()
    plain = run_replay(dataclasses.replace(job, out=tmp_path / "plain", denoised=None))
    assert "denoised" not in plain
    assert not (tmp_path / "plain" / "denoised.nc").exists()
    with h5py.File(tmp_path / "plain" / "products.nc") as file:
        assert file["plume_mask"][:].tobytes() == mask.tobytes()


def test_plumes_cannot_be_asked_for_without_methane(tmp_path: Path, bundle: Path) -> None:
    capture = write_capture(tmp_path / "c.nc")
    job = ReplayJob(capture, tmp_path / "run", bundle, products=("minerals",), denoised="plumes")
    with pytest.raises(UsageError, match="--denoised"):
        run_replay(job)
    assert not (tmp_path / "run").exists()


def test_a_bundle_without_a_denoiser_is_refused(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "p.onb")
    job = ReplayJob(write_capture(tmp_path / "c.nc"), tmp_path / "run", bundle, denoised="all")
    with pytest.raises(BundleError, match=r"no denoiser.*--denoiser"):
        run_replay(job)
    assert not (tmp_path / "run").exists()
