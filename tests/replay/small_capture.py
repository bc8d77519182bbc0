"""Small captures on EMIT's own bands, smooth enough to fly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onboard.sensors import load_sensor
from tests.captures.files import write_l1b
from tests.support.bundles import TestBundle, build_test_bundle

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


def emit_bundle() -> TestBundle:
    """A small real bundle, baked for EMIT's bands, whose reference is the captures' own spectrum."""
    bands = np.stack([SENSOR.centres, SENSOR.fwhm]).astype("<f4")
    reference = radiance(8, 64).mean(axis=(0, 1)).astype("<f4")
    parts = {"bands.f32": bands.tobytes(), "reference.f32": reference.tobytes()}
    return build_test_bundle(bands=SENSOR.bands, parts=parts)


def write_bundle(path: Path) -> Path:
    """Write ``emit_bundle`` to ``path``, and beside it ``path``.pub, the key that it is signed with."""
    bundle = emit_bundle()
    path.write_bytes(bundle.data)
    path.with_suffix(".pub").write_text(bundle.public_key.hex() + "\n")
    return path
