"""Adapters: they alone learn, and what they learned merges into weights that differ by their rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from export.delta_operations import low_rank
from export.lora import adapt, adapters, heads, merge
from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.sensors import load_sensor

RANK = 3
SENSOR = load_sensor("emit")


def small_network(seed: int = 4) -> Linescan:
    torch.manual_seed(seed)
    network = registry.build("linescan", centres=SENSOR.centres, fwhm=SENSOR.fwhm, widths=(8, 8, 8, 8))
    assert isinstance(network, Linescan)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert module.running_mean is not None
            module.running_mean.normal_(0.0, 0.1)
    return network.eval()


def logits(network: Linescan, log: torch.Tensor) -> torch.Tensor:
    """Return the body's logits over a (lines, samples, bands) window, with empty filter planes."""
    lines, samples, _ = log.shape
    features = network.stem(log.reshape(lines * samples, -1)).T.reshape(1, -1, lines, samples)
    planes = torch.zeros(1, network.body.channels - features.shape[1], lines, samples)
    result: torch.Tensor = network.body(torch.cat([planes, features], dim=1))
    return result


def fine_tuned(network: Linescan, steps: int = 25) -> tuple[Linescan, list[float]]:
    """Train the adapters to tell bright pixels from dark ones; returns the losses too."""
    torch.manual_seed(9)
    adapted = adapt(network, RANK).train()
    brightness = torch.randn(16, 16)
    log = brightness[..., None] + torch.randn(16, 16, len(SENSOR.centres)) * 0.1
    truth = (brightness > 0).float().expand(1, 1 + len(MINERALS), 16, 16)
    learning = [item for item in adapted.parameters() if item.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=0.02)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(logits(adapted, log), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return adapted, losses


def test_adapters_start_at_nothing() -> None:
    network = small_network()
    adapted = adapt(network, RANK)
    log = torch.randn(8, 8, len(SENSOR.centres))
    torch.testing.assert_close(logits(adapted, log), logits(network, log), rtol=0, atol=0)
    names = [name for name, _, _ in adapters(adapted)]
    assert names == ["stem", *heads(network)]
    assert [layer.out_channels for layer in heads(network).values()] == [1, len(MINERALS)]
    learning = sum(item.numel() for item in adapted.parameters() if item.requires_grad)
    assert learning < sum(item.numel() for item in network.parameters()) / 4


def test_loss_falls_while_only_adapters_move() -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    adapted, losses = fine_tuned(network)
    assert losses[-1] < 0.9 * losses[0]
    after = adapted.state_dict()
    for name, value in before.items():
        torch.testing.assert_close(network.state_dict()[name], value, rtol=0, atol=0)
        path, _, leaf = name.rpartition(".")
        held = after.get(name, after.get(f"{path}.parametrizations.{leaf}.original"))
        assert held is not None
        torch.testing.assert_close(held, value, rtol=0, atol=0)
    for _, _, adapter in adapters(adapted):
        assert adapter.left.abs().max() > 0


def test_merged_weights_differ_by_the_rank_alone() -> None:
    network = small_network()
    adapted, _ = fine_tuned(network)
    merged = merge(adapted)
    assert not list(adapters(merged))
    assert merged.state_dict().keys() == network.state_dict().keys()
    log = torch.randn(8, 8, len(SENSOR.centres))
    torch.testing.assert_close(logits(merged, log), logits(adapted.eval(), log), rtol=1e-4, atol=1e-5)
    moved = {
        name
        for name, value in network.state_dict().items()
        if not torch.equal(value, merged.state_dict()[name])
    }
    assert moved == {"stem.weight", *(f"{name}.weight" for name in heads(network))}
    change = (merged.stem.weight - network.stem.weight).detach().double().numpy()
    values = np.linalg.svd(change, compute_uv=False)
    assert values[RANK - 1] > 1e-3
    assert values[RANK] < 1e-5 * values[0]


def test_the_baked_stem_is_sent_as_factors() -> None:
    network = small_network()
    merged = merge(fine_tuned(network)[0])
    old, new = (item.stem.baked(SENSOR.centres, SENSOR.fwhm).weight.numpy() for item in (network, merged))
    operation = low_rank(old.astype("<f4").tobytes(), 0, new.astype("<f4").tobytes(), old.shape)
    assert operation is not None
    assert operation.rank == RANK


def test_batch_norms_learn_again_after_the_merge() -> None:
    network = small_network()
    adapted = adapt(network, RANK).train()
    log = torch.randn(16, 16, len(SENSOR.centres))
    logits(adapted, log)
    norms = [m for m in adapted.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert not any(norm.training for norm in norms)
    merged = merge(adapted).train()
    logits(merged, log)
    assert all(
        norm.training for norm in merged.modules() if isinstance(norm, nn.modules.batchnorm._BatchNorm)
    )
    assert all(item.requires_grad for item in merged.parameters())


def test_further_layers_and_small_ones() -> None:
    network = small_network()
    name = "body.methane.enter.1.3"
    adapted = adapt(network, 64, also=[name])
    ranks = {name: adapter.left.shape[1] for name, _, adapter in adapters(adapted)}
    assert ranks[name] == 8
    assert ranks["body.methane.head"] == 1


def test_what_cannot_be_adapted_is_refused() -> None:
    network = small_network()
    with pytest.raises(UsageError, match="no such rank"):
        adapt(network, 0)
    for name in ("body.nowhere", "body", "stem.scale"):
        with pytest.raises(UsageError, match="no such layer"):
            adapt(network, 1, also=[name])
    with pytest.raises(UsageError, match="no adapters"):
        merge(network)
