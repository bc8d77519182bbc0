from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from onboard.errors import CaptureError
from onboard.models.subspace import BandTable
from onboard.training.denoising.data import CleanScenes, Sample, spectral_moments
from onboard.training.denoising.module import build_network, load_network, loss_of, save_network
from onboard.training.denoising.recipe import NETWORKS, DenoisingRecipe

TABLE = BandTable(np.linspace(1000.0, 2400.0, 9), np.full(9, 10.0), "unit")


def sample(error: float, valid: torch.Tensor | None = None) -> tuple[torch.Tensor, Sample]:
    clean = torch.zeros(1, 9, 8, 8)
    seen = torch.ones(1, 1, 8, 8) if valid is None else valid
    return clean + error, Sample(clean, seen, clean, TABLE)


def test_a_tenth_of_the_error_is_worth_the_same_everywhere() -> None:
    losses = [float(loss_of(*sample(error))) for error in (0.5, 0.05, 0.005)]
    assert losses[0] - losses[1] == pytest.approx(2 * np.log(10), rel=0.01)
    assert losses[1] - losses[2] == pytest.approx(2 * np.log(10), rel=0.02)


def test_invalid_pixels_do_not_count() -> None:
    valid = torch.ones(1, 1, 8, 8)
    valid[:, :, 3] = 0
    output, batch = sample(0.1, valid)
    before = float(loss_of(output, batch))
    output[:, :, 3] = 50.0
    assert float(loss_of(output, batch)) == pytest.approx(before)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_come_back_as_they_were(name: str, scenes: CleanScenes, tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = build_network(DenoisingRecipe(name), spectral_moments(scenes), 63).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    save_network(network, tmp_path / "network.pt")
    again = load_network(tmp_path / "network.pt")
    cube, valid = torch.rand(1, 9, 8, 8), torch.ones(1, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(network(cube, valid, TABLE), again(cube, valid, TABLE))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"other": 1}, tmp_path / "network.pt")
    with pytest.raises(CaptureError, match="cannot be read"):
        load_network(tmp_path / "network.pt")
    with pytest.raises(CaptureError, match="cannot be read"):
        load_network(tmp_path / "missing.pt")
