from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError, UsageError
from onboard.scenes.instrument import measured as files
from onboard.sensors import load_sensor

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "emit"
HEADER = """ENVI
samples = {samples}
lines = 328
bands = {bands}
header offset = 0
data type = {kind}
interleave = {interleave}
byte order = 0
"""


def write(folder: Path, name: str, values: np.ndarray, kind: int, interleave: str = "bip") -> None:
    """Write (rows, columns, layers) as EMIT's files are."""
    layers = values.shape[2]
    values.tofile(folder / name)
    text = HEADER.format(samples=values.shape[1], bands=layers, kind=kind, interleave=interleave)
    (folder / f"{name}.hdr").write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    bad = np.zeros((328, 1280, 1), np.int16)
    # Row 304 is the first band, column 1265 the first sample.
    bad[304, 1265] = -1
    bad[100:103, 24, 0] = [-1, -2, -3]
    bad[5, 5] = -1
    write(tmp_path, files.BAD_ELEMENTS, bad, 2, "bsq")
    flat = (1 + 0.003 * rng.standard_normal((328, 1280, 1))).astype(np.float32)
    flat[200, 700] = 1.5
    flat[3, 3] = -600
    write(tmp_path, files.FLAT_FIELD, flat, 4)
    centres = np.linspace(2642, 204, 328)[:, None] + 1e-5 * np.linspace(-1, 1, 1280)
    waves = np.stack([centres, np.full_like(centres, 8.5)], axis=-1).astype(np.float32)
    write(tmp_path, files.WAVELENGTHS, waves, 4)
    return tmp_path


def test_rows_and_columns_are_those_of_a_product(folder: Path) -> None:
    detector = files.load_measured(folder)
    assert detector.bad.shape == (files.BANDS, files.SAMPLES)
    assert detector.bad[0, 0]
    assert detector.bad[202:205, 1241].all()
    assert detector.bad.sum() == 4
    assert (np.diff(detector.centres) > 0).all()
    assert detector.smile_nm.shape == detector.departure.shape == (files.SAMPLES, files.BANDS)
    assert detector.smile_nm[0, 0] > 0 > detector.smile_nm[-1, 0]


def test_departures_are_against_neighbours_and_outliers_are_held(folder: Path) -> None:
    detector = files.load_measured(folder)
    assert np.abs(detector.departure).max() <= files.LARGEST_DEPARTURE + 1e-7
    assert detector.departure.std() == pytest.approx(0.003, rel=0.1)
    # Row 200, column 700.
    assert detector.departure[1265 - 700, 304 - 200] == pytest.approx(files.LARGEST_DEPARTURE)
    # A bad element says nothing.
    assert detector.departure[0, 0] == 0


def test_bands_of_other_tables_are_the_nearest_ones(folder: Path) -> None:
    detector = files.load_measured(folder)
    few = detector.select(detector.centres[[3, 50, 200]] + 1.0)
    np.testing.assert_allclose(few.centres, detector.centres[[3, 50, 200]])
    np.testing.assert_array_equal(few.bad, detector.bad[[3, 50, 200]])
    np.testing.assert_array_equal(few.departure, detector.departure[:, [3, 50, 200]])
    with pytest.raises(UsageError):
        detector.select(np.array([3000.0]))


@pytest.mark.parametrize("name", [files.BAD_ELEMENTS, files.FLAT_FIELD, files.WAVELENGTHS])
def test_missing_and_cut_files_are_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CaptureError, match=name):
        files.load_measured(folder)
    path.unlink()
    with pytest.raises(CaptureError, match=name):
        files.load_measured(folder)


def test_other_layouts_and_contents_are_refused(folder: Path) -> None:
    write(folder, files.FLAT_FIELD, np.ones((328, 1000, 1), np.float32), 4)
    with pytest.raises(CaptureError, match="layout"):
        files.load_measured(folder)
    write(folder, files.FLAT_FIELD, np.zeros((328, 1280, 1), np.float32), 4)
    with pytest.raises(CaptureError, match="unusable"):
        files.load_measured(folder)
    write(folder, files.WAVELENGTHS, np.zeros((328, 1280, 2), np.float32), 4)
    with pytest.raises(CaptureError, match="wavelengths"):
        files.load_measured(folder)


def test_header_without_data_is_named(folder: Path) -> None:
    (folder / f"{files.FLAT_FIELD}.hdr").unlink()
    with pytest.raises(CaptureError, match=files.FLAT_FIELD):
        files.load_measured(folder)


@pytest.mark.shared
def test_emits_own_files_are_read() -> None:
    if not (SHARED / files.FLAT_FIELD).exists():
        pytest.skip(f"EMIT's calibration files are not at {SHARED}")
    detector = files.load_measured(SHARED)
    assert np.abs(detector.centres - load_sensor("emit").centres).max() < 5
    assert detector.bad.mean() == pytest.approx(0.00277, rel=0.01)
    assert np.abs(detector.smile_nm).max() < 0.02
    robust = 1.4826 * np.median(np.abs(detector.departure), axis=0)
    assert np.median(robust) == pytest.approx(0.0036, abs=0.0002)
