from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.models.log_radiance import LOG_SCALE
from onboard.models.network import PeerNetwork
from onboard.sensors import load_sensor
from onboard.training.body_input import InputScales
from onboard.training.network_input import (
    FILTER_SCALE_PPMM,
    FILTER_TOP,
    logits_of,
    peer_logits,
    peer_planes,
    relative_bands,
    relative_planes,
    tasks_of,
)

SENSOR = load_sensor("emit")


def build(name: str, **settings: object) -> PeerNetwork:
    torch.manual_seed(1)
    network = registry.build(name, centres=SENSOR.centres, fwhm=SENSOR.fwhm, **settings).eval()
    assert isinstance(network, PeerNetwork)
    return network


def image(lines: int = 40, samples: int = 50) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(2)
    log = (1000 * torch.randn(1, lines, samples, 285, generator=rng)).to(torch.int16)
    physics = torch.zeros(1, lines, samples, 4)
    physics[..., 2] = 1.0
    return log, physics


def test_band_networks_see_log_radiance_of_their_bands() -> None:
    network = build("hyper_efficientvit")
    log, physics = image()
    planes = peer_planes(network, log[..., network.bands], physics[..., 0], physics[..., 2])
    assert planes.shape == (1, 86, 40, 50)
    last = network.bands[-1]
    torch.testing.assert_close(planes[0, -1], log[0, ..., last].float() / LOG_SCALE, rtol=0, atol=0)


def test_starcop_sees_the_filter_within_bounds_and_colour() -> None:
    network = build("hyper_starcop")
    log, physics = image()
    physics[0, 0, :4, 0] = torch.tensor([-500.0, FILTER_SCALE_PPMM, 1e6, float("nan")])
    planes = peer_planes(network, log[..., network.bands], physics[..., 0], physics[..., 2])
    assert planes.shape[1] == 4
    assert planes[0, 0, 0, :4].tolist() == [0.0, 1.0, FILTER_TOP, 0.0]
    reference = torch.full((1, 1, 1, 3), 0, dtype=torch.int16)
    colour = peer_planes(network, reference, torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    assert colour[0, 1:].flatten().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["hyper_efficientvit", "hyper_starcop"])
def test_what_lies_under_an_invalid_pixel_does_not_matter(name: str) -> None:
    network = build(name)
    log, physics = image(32, 32)
    physics[0, 5, 5, 2] = 0.0
    other, gas = log.clone(), physics.clone()
    other[0, 5, 5], gas[0, 5, 5, 0] = 4000, 5000.0
    with torch.inference_mode():
        torch.testing.assert_close(peer_logits(network, log, physics), peer_logits(network, other, gas))


def test_own_bands_may_be_picked_ahead() -> None:
    network = build("hyper_efficientvit")
    log, physics = image(32, 32)
    with torch.inference_mode():
        whole = peer_logits(network, log, physics)
        picked = peer_logits(network, log[..., network.bands], physics, picked=True)
    torch.testing.assert_close(whole, picked, rtol=0, atol=0)


@pytest.mark.parametrize("tasks", [("methane",), ("minerals",), ("methane", "minerals")])
def test_logits_stand_where_linescans_do(tasks: tuple[str, ...]) -> None:
    """A bias of the classifier's must come out at its own plane among the eleven."""
    network = build("hyper_efficientvit", tasks=tasks)
    assert tasks_of(network) == tasks
    log, physics = image(32, 32)
    sample = {"log": log, "physics": physics}
    bias = dict(network.named_parameters())["core.head.classify.1.bias"]
    with torch.no_grad():
        before = logits_of(network, sample, InputScales())
        bias[-1] += 3.0
        change = logits_of(network, sample, InputScales()) - before
    moved = np.flatnonzero(change.abs().amax((0, 2, 3)).numpy() > 0.1)
    assert moved.tolist() == [10 if "minerals" in tasks else 0]


def test_mixed_precision_leaves_the_stem_alone() -> None:
    """Under half precision the body may round, but methane's contrasts must come to it whole."""
    torch.manual_seed(4)
    network = registry.build("linescan", centres=SENSOR.centres, fwhm=SENSOR.fwhm).eval()
    assert isinstance(network, Linescan)
    log, physics = image(96, 16)
    sample = {
        "log": log,
        "physics": physics + torch.tensor([0.0, 1.0, 0.0, 0.0]),
        "keep": torch.ones(1, 96, 16),
        "before_mean": torch.zeros(1, 16, 285),
        "before_lines": torch.zeros(1, 16),
        "covariance": torch.eye(285)[None],
    }
    seen: list[Tensor] = []
    network.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        whole = logits_of(network, sample, InputScales())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = logits_of(network, sample, InputScales())
    torch.testing.assert_close(seen[1], seen[0], rtol=0, atol=0)
    assert mixed.dtype == torch.float32
    assert not torch.equal(mixed, whole)


def known_sample(offset: float) -> dict[str, Tensor]:
    log, physics = image()
    columns = torch.linspace(-1.0, 1.0, 50)[None, None, :, None]
    moved = log + torch.round(offset * LOG_SCALE * columns).to(torch.int16)
    return {
        "log": moved,
        "physics": physics,
        "keep": torch.ones(1, 40, 50),
        "before_mean": (offset * columns[0, 0]).expand(50, 285)[None].clone(),
        "before_lines": torch.full((1, 50), 500.0),
        "covariance": torch.eye(285)[None] * 0.06,
    }


def test_relative_bands_do_not_see_what_a_column_has_all_along() -> None:
    network = build("hyper_efficientvit", relative=True)
    level, tilted = (logits_of(network, known_sample(offset), InputScales()) for offset in (0.0, 0.8))
    torch.testing.assert_close(level, tilted, rtol=1e-2, atol=2e-2)
    plain = build("hyper_efficientvit")
    apart = [logits_of(plain, known_sample(offset), InputScales())[:, 0] for offset in (0.0, 0.8)]
    assert float((apart[0] - apart[1]).abs().mean()) > 5 * float((level - tilted)[:, 0].abs().mean())


def test_relative_bands_are_of_unit_deviation_and_silent_where_invalid() -> None:
    network, sample = build("hyper_efficientvit", relative=True), known_sample(0.3)
    normal = relative_bands(network, sample)
    assert normal.shape == (1, 40, 50, 86)
    assert float(normal.std()) == pytest.approx(1.0, abs=0.1)
    valid = torch.ones(1, 40, 50)
    valid[0, 3, 7] = 0.0
    planes = relative_planes(100.0 * normal, valid)
    assert not planes[0, :, 3, 7].any()
    assert float(planes.abs().max()) == InputScales().feature_clip
