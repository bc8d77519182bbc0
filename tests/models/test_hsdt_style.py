from __future__ import annotations

import numpy as np
import pytest
import torch

from onboard.models.hsdt_style import HsdtStyle
from onboard.models.subspace import BandTable


def table(bands: int, domain: str = "unit") -> BandTable:
    return BandTable(np.linspace(400.0, 2400.0, bands), np.full(bands, 10.0), domain)  # type: ignore[arg-type]


def test_it_has_the_papers_size() -> None:
    assert sum(parameter.numel() for parameter in HsdtStyle(31).parameters()) == pytest.approx(
        130_000, rel=0.05
    )


@pytest.mark.parametrize("bands", [9, 12])
@pytest.mark.parametrize("domain", ["unit", "log"])
def test_it_takes_any_number_of_bands(bands: int, domain: str) -> None:
    torch.manual_seed(1)
    network = HsdtStyle(bands=12).eval()
    cube = torch.rand(2, bands, 8, 12)
    with torch.no_grad():
        first = network(cube, torch.ones(2, 1, 8, 12), table(bands, domain))
        again = network(cube, torch.ones(2, 1, 8, 12), table(bands, domain))
    assert first.shape == cube.shape
    assert torch.equal(first, again)


def test_bands_look_at_each_other() -> None:
    torch.manual_seed(2)
    network = HsdtStyle(bands=12).eval()
    cube = torch.rand(1, 12, 8, 8, requires_grad=True)
    network(cube, torch.ones(1, 1, 8, 8), table(12))[0, 0, 4, 4].backward()
    assert cube.grad is not None
    assert (cube.grad.abs().amax(dim=(0, 2, 3)) > 0).all()


def test_every_parameter_is_trained() -> None:
    torch.manual_seed(3)
    network = HsdtStyle(bands=8)
    for _ in range(6):
        network(torch.rand(1, 8, 8, 8), torch.ones(1, 1, 8, 8), table(8)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
