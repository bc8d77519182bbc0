"""Memory and known answer, as a flight of the sample bundle gives them."""

from __future__ import annotations

import numpy as np
import pytest

from export.assemble import contents_of
from export.bundle import write_container
from export.manifest import encode_manifest
from export.measure import GRAIN, known_answer, measure_inference_bytes, probe_radiance
from onboard.flight.contents import Contents
from tests.export.samples import SEQUENCE, flyable_parts, sample_manifest, sample_parts, sample_plan


@pytest.fixture(scope="module")
def parts() -> dict[str, bytes]:
    return flyable_parts()


def container_of(parts: dict[str, bytes], inference_bytes: int) -> bytes:
    plan = sample_plan(inference_bytes=inference_bytes)
    changed = {"manifest.json": encode_manifest(sample_manifest(plan)), "plan.bin": plan.pack()}
    return write_container(parts | changed, SEQUENCE)


@pytest.fixture(scope="module")
def contents() -> Contents:
    return contents_of(write_container(sample_parts(), SEQUENCE))


def test_the_probe_is_always_the_same_and_has_a_plume(contents: Contents) -> None:
    probe = probe_radiance(contents, 8, 10)
    assert probe.shape == (8, 10, 12)
    assert probe.dtype == np.float32
    assert (probe > 0).all()
    assert np.array_equal(probe, probe_radiance(contents, 8, 10))
    ratio = np.log(probe / contents.reference)[..., 2] - np.log(probe / contents.reference)[..., 3]
    assert ratio[4, 5] < np.median(ratio) - 0.05


def test_the_measured_memory_suffices_and_is_repeatable(parts: dict[str, bytes], contents: Contents) -> None:
    def make(size: int) -> bytes:
        return container_of(parts, size)

    needed = measure_inference_bytes(make, contents)
    assert needed % GRAIN == 0
    assert 0 < needed < 64 << 20
    assert needed == measure_inference_bytes(make, contents)
    final = make(needed)
    radiance, answer = known_answer(final, contents_of(final))
    assert answer.shape == (radiance.shape[0], 2, radiance.shape[1])
    assert np.isfinite(answer).all()
    assert ((answer[:, 0] >= 0) & (answer[:, 0] <= 1)).all()
    assert np.array_equal(answer, known_answer(final, contents_of(final))[1])
