from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bench.denoise_cubes import Trial
from bench.denoise_table import markdown, picture
from onboard.models.subspace import BandTable


def row(source: str, case: str, method: str, psnr: float, ssim: float | None = 0.5) -> dict[str, object]:
    return {
        "source": source, "name": "a", "case": case, "method": method, "psnr": psnr, "ssim": ssim, "sam": 1.0,
        "seconds": 2.0, "pixels": 1000,
    }  # fmt: skip


def test_tables_hold_means_of_sources_and_costs() -> None:
    rows = [row("scenes", "x", "m", 20.0), row("scenes", "x", "m", 30.0), row("tiny", "x", "m", 9.0, None)]
    cost = {"m": {"parameters": 1234, "kmac_a_pixel": 7.5, "mac_a_band_sample": 119.0}}
    text = markdown(rows, ["m", "n"], cost)
    assert "| x | 25.00 |  |" in text
    assert "| x | 9.00 |  |" in text
    assert text.count("| SSIM |") == 1
    assert "| m | 1,234 | 7.50 | 119 | 2000.0 |" in text


def test_pictures_show_every_method(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    clean = rng.random((4, 24, 32), dtype=np.float32)
    table = BandTable(np.linspace(1000.0, 1300.0, 4), np.full(4, 10.0), "unit")
    trial = Trial("scenes", "a", "stripe", clean + 0.1, np.ones((24, 32), np.bool_), clean, table)
    picture(trial, {"noisy": trial.noisy}, tmp_path / "two.png")
    picture(trial, {"noisy": trial.noisy, "b": clean, "c": clean}, tmp_path / "four.png")
    with Image.open(tmp_path / "two.png") as two, Image.open(tmp_path / "four.png") as four:
        assert four.width > 1.5 * two.width
