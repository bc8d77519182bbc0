from __future__ import annotations

import pytest
import torch

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.models.stem import PlainStem
from onboard.sensors import load_sensor
from onboard.training.strips import HALO_LINES


def network(seed: int = 5) -> Linescan:
    torch.manual_seed(seed)
    sensor = load_sensor("emit")
    built = registry.build("linescan", centres=sensor.centres, fwhm=sensor.fwhm).eval()
    assert isinstance(built, Linescan)
    return built


def test_shapes_and_dtype() -> None:
    body = network().body
    logits = body(torch.randn(2, body.channels, 32, 48))
    assert logits.shape == (2, 1 + len(MINERALS), 32, 48)
    assert logits.dtype == torch.float32


def test_same_seed_same_network() -> None:
    one, other = network(6), network(6)
    x = torch.randn(1, one.body.channels, 16, 16)
    torch.testing.assert_close(one.body(x), other.body(x), rtol=0, atol=0)


def test_context_stays_within_the_halo() -> None:
    """What a row of logits depends on must lie within the halo, or strips would show seams."""
    body = network().body
    x = torch.randn(1, body.channels, 128, 16, requires_grad=True)
    logits = body(x)
    for row in range(HALO_LINES, 128 - HALO_LINES):
        (gradient,) = torch.autograd.grad(logits[0, :, row, 8].sum(), x, retain_graph=True)
        seen = torch.nonzero(gradient.abs().sum((0, 1, 3)))[:, 0]
        assert row - int(seen.min()) <= HALO_LINES
        assert int(seen.max()) - row <= HALO_LINES


def test_every_parameter_learns() -> None:
    net = network().train()
    net.body(torch.randn(2, net.body.channels, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in net.body.parameters())


def test_size_stays_small() -> None:
    assert sum(p.numel() for p in network().parameters()) < 60_000


def test_the_stem_is_a_setting() -> None:
    sensor = load_sensor("emit")
    plain = registry.build("linescan", centres=sensor.centres, fwhm=sensor.fwhm, stem="plain")
    assert isinstance(plain.stem, PlainStem)
    assert not isinstance(network().stem, PlainStem)
    assert plain.settings.as_dict()["stem"] == "plain"
    with pytest.raises(UsageError, match="no such stem"):
        registry.build("linescan", centres=sensor.centres, fwhm=sensor.fwhm, stem="none")
