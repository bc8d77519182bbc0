from __future__ import annotations

import numpy as np
import pytest
import torch

from export.denoiser import OPERATORS, probe_planes
from export.onnx import export_graph
from onboard.models.denoiser import Denoiser, DenoiserSettings
from onboard.models.subspace import BandTable, SpectralMoments

BANDS, SIZE = 20, 32
SOURCE = np.linspace(400.0, 2500.0, 120)
SMALL = DenoiserSettings(components=6, widths=(4, 4, 4, 4))


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    torch.manual_seed(3)
    waves = np.stack([np.cos(SOURCE / 2100.0 * np.pi * k) / (1 + 2 * k) for k in range(6)], axis=1)
    moment = np.stack([waves @ waves.T, waves @ waves.T])
    return Denoiser(SpectralMoments(SOURCE, moment, moment), SMALL).eval()


def table(domain: str = "unit") -> BandTable:
    return BandTable(np.linspace(1000.0, 2400.0, BANDS), np.full(BANDS, 20.0), domain)  # type: ignore[arg-type]


def clean_cube(denoiser: Denoiser, domain: str = "unit", seed: int = 5) -> torch.Tensor:
    """A cube of the model's own shapes with smooth maps, (1, bands, lines, samples)."""
    random = torch.Generator().manual_seed(seed)
    shapes = denoiser.shapes(table(domain)).whole
    rough = torch.randn(1, shapes.shape[1], 8, 8, generator=random)
    maps = torch.nn.functional.interpolate(rough, size=(SIZE, SIZE), mode="bilinear")
    maps[:, 0] += 2.0
    return torch.einsum("br,nrls->nbls", shapes, maps)


def rmse(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(((a - b) ** 2).mean().sqrt())


def denoise(denoiser: Denoiser, noisy: torch.Tensor, domain: str = "unit") -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = denoiser(noisy, torch.ones(1, 1, SIZE, SIZE), table(domain))
    return found


def test_clean_cubes_stay_clean(denoiser: Denoiser) -> None:
    clean = clean_cube(denoiser)
    assert rmse(denoise(denoiser, clean), clean) < 0.003


def test_what_no_shape_explains_stays_where_there_is_no_noise(denoiser: Denoiser) -> None:
    clean = clean_cube(denoiser)
    clean[:, 7] += 0.05 * torch.sin(torch.arange(SIZE) / 5.0)[:, None] * torch.ones(SIZE)
    assert rmse(denoise(denoiser, clean)[:, 7], clean[:, 7]) < 0.015


def test_gaussian_noise_goes_down_as_the_number_of_shapes_promises(denoiser: Denoiser) -> None:
    clean = clean_cube(denoiser)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    assert rmse(denoise(denoiser, noisy), clean) < 0.1 * (6 / BANDS) ** 0.5 * 1.15


def test_one_loud_band_does_not_spoil_the_others(denoiser: Denoiser) -> None:
    clean = clean_cube(denoiser)
    random = torch.Generator().manual_seed(2)
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=random)
    quiet = denoise(denoiser, noisy)
    noisy[:, 9] += torch.randn(1, SIZE, SIZE, generator=random)
    loud = denoise(denoiser, noisy)
    others = [band for band in range(BANDS) if band != 9]
    assert rmse(loud[:, others], clean[:, others]) < 1.3 * rmse(quiet[:, others], clean[:, others])
    assert rmse(loud[:, 9], clean[:, 9]) < 0.05


@pytest.mark.parametrize("kind", ["impulses", "stripe", "dead column"])
def test_outliers_leave_no_trace(denoiser: Denoiser, kind: str) -> None:
    domain = "log" if kind == "dead column" else "unit"
    clean = clean_cube(denoiser, domain)
    random = torch.Generator().manual_seed(4)
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=random)
    quiet = rmse(denoise(denoiser, noisy, domain), clean)
    if kind == "impulses":
        hit = torch.rand(SIZE, SIZE, generator=random) < 0.1
        noisy[0, 6, hit], noisy[0, 13, hit.T] = 1.0, 0.0
    elif kind == "stripe":
        noisy[0, 6, :, 10] += 0.25
        noisy[0, 12, :, 20] -= 0.25
    else:
        noisy[0, 5:9, :, 10] = -4.0
    found = rmse(denoise(denoiser, noisy, domain), clean)
    assert found < min(2.5 * quiet, 0.6 * rmse(noisy, clean))


def test_invalid_lines_teach_nothing(denoiser: Denoiser) -> None:
    clean = clean_cube(denoiser, "log")
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(6))
    valid = torch.ones(1, 1, SIZE, SIZE)
    valid[:, :, 12:16] = 0.0
    noisy[:, :, 12:16] = noisy[:, :, 11:12]
    with torch.no_grad():
        found = denoiser(noisy, valid, table("log"))
    rows = [*range(11), *range(17, SIZE)]
    assert rmse(found[:, :, rows], clean[:, :, rows]) < 0.02 * (6 / BANDS) ** 0.5 * 1.3


@pytest.mark.parametrize("what", ["padding", "cloud"])
def test_invalid_columns_make_no_stripes(denoiser: Denoiser, what: str) -> None:
    clean = clean_cube(denoiser, "log")
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(7))
    valid = torch.ones(1, 1, SIZE, SIZE)
    gone = (slice(None), slice(26, SIZE)) if what == "padding" else (slice(8, SIZE), slice(12, 20))
    valid[..., gone[0], gone[1]] = 0.0
    noisy[..., gone[0], gone[1]] = 0.0
    with torch.no_grad():
        found = denoiser(noisy, valid, table("log"))
    seen = valid[0, 0] > 0
    assert rmse(found[..., seen], clean[..., seen]) < 0.02 * (6 / BANDS) ** 0.5 * 1.3


@pytest.mark.slow
def test_the_baked_graph_flies(denoiser: Denoiser) -> None:
    shape = (1, BANDS + 1, 16, 24)
    baked = denoiser.baked(table("log"))
    graph = export_graph(
        baked,
        name="denoiser",
        input_name="planes",
        input_shape=shape,
        output_name="denoised",
        operators=OPERATORS,
        inputs=[probe_planes(BANDS, 16, 24, 1)],
    )
    assert graph.output_shape == (1, BANDS, 16, 24)
    assert {"Abs", "Div", "Sqrt"} <= set(graph.operators)


def test_settings_are_plain_values() -> None:
    assert DenoiserSettings(**SMALL.as_dict()) == SMALL  # type: ignore[arg-type]
