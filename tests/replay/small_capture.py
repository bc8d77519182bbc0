"""Small captures on EMIT's own bands, smooth enough to fly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from onboard.minerals import MINERALS
from onboard.replay.components import label_components
from onboard.sensors import load_sensor
from tests.captures.files import write_l1b
from tests.support.bundles import TestBundle, build_test_bundle, make_radiance

LINES, SAMPLES = 48, 40
SENSOR = load_sensor("emit")


def radiance(lines: int = LINES, samples: int = SAMPLES, seed: int = 4) -> NDArray[np.float32]:
    """Sunlight on uneven ground, with one percent of noise."""
    rng = np.random.default_rng(seed)
    spectrum = 9.0 * np.exp(-((SENSOR.centres - 500.0) / 700.0)) + 0.3
    ground = rng.uniform(0.6, 1.4, (lines, samples, 1))
    return (ground * spectrum * rng.normal(1, 0.01, (lines, samples, SENSOR.bands))).astype(np.float32)


def write_capture(path: Path, data: NDArray[np.float32] | None = None, **options: Any) -> Path:
    """Write a capture in EMIT's L1B layout; options as for ``write_l1b``."""
    data = radiance() if data is None else data
    whole = data.shape[2] == SENSOR.bands
    options = {"wavelengths": SENSOR.centres, "fwhm": SENSOR.fwhm} | options if whole else options
    return write_l1b(path, data, **options)


def emit_bundle(reference: NDArray[np.float32] | None = None) -> TestBundle:
    """A small real bundle, baked for EMIT's bands and, if given, a reference radiance."""
    parts = {"bands.f32": np.stack([SENSOR.centres, SENSOR.fwhm]).astype("<f4").tobytes()}
    if reference is not None:
        parts["reference.f32"] = reference.astype("<f4").tobytes()
    return build_test_bundle(bands=SENSOR.bands, parts=parts)


def write_bundle(path: Path, bundle: TestBundle | None = None) -> Path:
    """Write a bundle to ``path``, and beside it ``path``.pub, the key that it is signed with.

    Without one, it is a bundle whose reference is the spectrum of ``radiance``.
    """
    bundle = bundle or emit_bundle(radiance(8, 64).mean(axis=(0, 1)))
    path.write_bytes(bundle.data)
    path.with_suffix(".pub").write_text(bundle.public_key.hex() + "\n")
    return path


def write_plume_scene(folder: Path, lines: int = 96, samples: int = 64) -> tuple[Path, Path, Path]:
    """Write a capture with two plumes, its truth, and the bundle that finds them."""
    bundle = emit_bundle()
    data, enhancement = make_radiance(bundle, lines, samples)
    with h5py.File(folder / "scene.truth.nc", "w") as file:
        inside = enhancement > 500
        file["ch4_enhancement"] = enhancement * inside
        file["plume_id"] = label_components(inside)[0]
        file["valid"] = np.ones(inside.shape, np.uint8)
        file["mineral_abundance"] = np.zeros((len(MINERALS), lines, samples), np.float32)
        file.create_dataset("mineral_names", data=list(MINERALS))
    capture = write_capture(folder / "scene.nc", data)
    return capture, folder / "scene.truth.nc", write_bundle(folder / "scene.onb", bundle)
