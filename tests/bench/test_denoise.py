from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.denoise import Method, cost, judge, main, run, score
from bench.denoise_cubes import Trial
from export.denoiser_scores import read_denoiser_scores
from onboard.errors import UsageError
from onboard.models.denoiser import Denoiser, DenoiserSettings
from onboard.models.subspace import BandTable, SpectralMoments
from onboard.training.denoising.module import save_network

TABLE = BandTable(np.linspace(1000.0, 2400.0, 6), np.full(6, 10.0), "unit")


def trial(sigma: float = 0.1, size: int = 24) -> Trial:
    rng = np.random.default_rng(1)
    clean = rng.random((6, size, size), dtype=np.float32)
    clean.flat[:2] = 0, 1
    noisy = clean + rng.standard_normal(clean.shape, dtype=np.float32) * np.float32(sigma)
    return Trial("scenes", "one", "non-iid", noisy, np.ones((size, size), np.bool_), clean, TABLE)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = np.linspace(380.0, 2500.0, 120)
    waves = np.stack([np.cos(source / 2100.0 * np.pi * k) / (1 + k) for k in range(6)], axis=1)
    path = tmp_path_factory.mktemp("net") / "network.pt"
    moment = np.stack([waves @ waves.T, waves @ waves.T])
    moments = SpectralMoments(source, moment, moment)
    save_network(Denoiser(moments, DenoiserSettings(components=6, widths=(4, 4, 4, 4))), path)
    return path


def test_scores_say_what_noise_is() -> None:
    case = trial(0.1)
    found = score(case.noisy, case)
    assert found["psnr"] == pytest.approx(20.0, abs=0.3)
    assert 0 < found["ssim"] < 1
    assert found["sam"] > 5
    perfect = score(case.clean, case)
    assert perfect["psnr"] > 100
    assert perfect["ssim"] == pytest.approx(1)
    assert perfect["sam"] < 0.1


def test_brighter_spectra_have_the_same_angle() -> None:
    case = trial()
    assert score(1.5 * case.clean, case)["sam"] < 0.1


def test_small_cubes_have_no_ssim_and_invalid_pixels_do_not_count() -> None:
    case = trial(size=8)
    assert score(case.noisy, case)["ssim"] is None
    output = case.clean.copy()
    output[:, 2] += 9
    case.valid[2] = False
    assert score(output, case)["psnr"] > 100


def test_what_was_judged_is_not_judged_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def method(seen: Trial) -> np.ndarray:
        calls.append(seen.case)
        return seen.noisy

    for _ in range(2):
        rows = judge(iter([trial()]), {"m": method}, {"m": "1"}, tmp_path)
    assert len(rows) == len(calls) == 1
    rows = judge(iter([trial()]), {"m": method}, {"m": "another"}, tmp_path)
    assert len(rows) == 1
    assert len(calls) == 2
    # Another cube under the same name is judged anew, and takes the old one's place.
    (larger,) = judge(iter([trial(size=16)]), {"m": method}, {"m": "another"}, tmp_path)
    assert len(calls) == 3
    assert larger["pixels"] == 256 != rows[0]["pixels"]
    assert json.loads((tmp_path / "scores.json").read_text()) == [larger]


def test_only_what_was_asked_for_is_told(tmp_path: Path) -> None:
    def method(seen: Trial) -> np.ndarray:
        return seen.noisy

    both: dict[str, Method] = {"a": method, "b": method}
    judge(iter([trial()]), both, {"a": "1", "b": "1"}, tmp_path)
    (row,) = judge(iter([trial()]), {"b": method}, {"b": "1"}, tmp_path)
    assert row["method"] == "b"
    assert len(json.loads((tmp_path / "scores.json").read_text())) == 2


def test_the_whole_judge_writes_its_table(network: Path, tmp_path: Path) -> None:
    table = run(tmp_path, {"ours": network}, ["stripe", "EMIT"], scenes=1, size=32, with_classical=False)
    rows = json.loads((tmp_path / "scores.json").read_text())
    assert {(row["case"], row["method"]) for row in rows} == {
        (case, method) for case in ("stripe", "EMIT") for method in ("noisy", "ours")
    }
    assert (tmp_path / "table.md").read_text() == table
    assert "| stripe |" in table
    assert (tmp_path / "scenes-emit.png").stat().st_size > 1000
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    assert [each["case"] for each in read_denoiser_scores(tmp_path, digest)] == ["stripe", "EMIT"]


def test_cost_is_counted(network: Path) -> None:
    found = cost(network)
    assert found["kind"] == "denoiser"
    # Fits alone: four products of 63 bands and 6 shapes, two of 63 and 4 in every fourth column.
    assert 63 * (4 * 6 + 2 * 4 / 4) / 1e3 < found["kmac_a_pixel"] < 4


def test_unknown_cases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown case"):
        run(tmp_path, {}, ["fog"])
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--cases", "fog"])
    assert result.exit_code == 2
    assert "fog" in result.output
