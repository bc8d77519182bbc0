from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.validation.reference import (
    built_in_statistics,
    check_bands,
    emit_statistics,
    find_file,
    read_statistics,
    statistics_of,
    summary_text,
)
from onboard.sensors import load_sensor

SHARED = Path(__file__).parents[3].parent / "shared/data/emit"


def save(path: Path, **arrays: np.ndarray) -> Path:
    from scipy.io import savemat

    savemat(path, arrays)
    return path


def test_the_built_in_summary_is_of_unit_norm_spectra() -> None:
    found = built_in_statistics()
    assert found.bands == load_sensor("emit").bands
    # E|x|^2 = |mean|^2 + trace of the covariance, which is 1 for spectra of norm 1.
    assert found.mean @ found.mean + (found.deviation**2).sum() == pytest.approx(1, abs=1e-4)
    assert found.eigenvalues.sum() == pytest.approx((found.deviation**2).sum(), rel=1e-3)
    assert (np.diff(found.eigenvalues) <= 0).all()
    assert found.covariance is None


def test_a_file_is_found_in_its_folder_and_read(tmp_path: Path) -> None:
    file = save(
        tmp_path / "EMIT_Normalized_Radiances_20990101.mat",
        radiance_mean=np.array([[0.5, 0.6, 0.1]]),
        radiance_covariance=np.diag([0.1, 0.2, 0.05]),
    )
    found = emit_statistics(tmp_path)
    assert found.source == file.name
    np.testing.assert_allclose(found.mean, [0.5, 0.6, 0.1])
    np.testing.assert_allclose(found.eigenvalues, [0.2, 0.1, 0.05])
    np.testing.assert_allclose(found.deviation, np.sqrt([0.1, 0.2, 0.05]))
    assert find_file(file) == file


def test_without_a_place_the_summary_stands_in() -> None:
    assert emit_statistics(None).source.startswith("built-in")


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_place_without_the_file_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(CaptureError, match=r"EMIT_Normalized_Radiances_\*"):
        emit_statistics(tmp_path / place)


@pytest.mark.parametrize(
    "arrays",
    [
        {"radiance_mean": np.zeros(3)},
        {"radiance_mean": np.zeros(3), "radiance_covariance": np.zeros((2, 2))},
        {"radiance_mean": np.zeros(2), "radiance_covariance": np.full((2, 2), np.nan)},
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(CaptureError):
        read_statistics(save(tmp_path / "EMIT_Normalized_Radiances_1.mat", **arrays))


@pytest.mark.parametrize("content", [b"", b"no MATLAB file at all, but some text that is long enough" * 10])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "EMIT_Normalized_Radiances_1.mat"
    file.write_bytes(content)
    with pytest.raises(CaptureError, match="cannot be read"):
        emit_statistics(tmp_path)


def test_another_instrument_is_refused() -> None:
    small = statistics_of(np.ones(3), np.eye(3), "a file")
    with pytest.raises(CaptureError, match="3 bands"):
        check_bands(small, load_sensor("emit"))
    check_bands(built_in_statistics(), load_sensor("emit"))


@pytest.mark.shared
def test_the_summary_is_that_of_the_real_file() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data/emit, EMIT's real files")
    real, built_in = emit_statistics(SHARED), built_in_statistics()
    np.testing.assert_allclose(built_in.mean, real.mean, rtol=1e-5)
    np.testing.assert_allclose(built_in.deviation, real.deviation, rtol=1e-5)
    np.testing.assert_allclose(built_in.eigenvalues[:200], real.eigenvalues[:200], rtol=1e-3)
    assert summary_text(real).splitlines()[-1].startswith("284,")
