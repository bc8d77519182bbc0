from __future__ import annotations

import torch
from torch import Tensor, nn

from onboard.models import registry
from onboard.models.cost import linescan_cost, measure
from onboard.sensors import load_sensor


class Small(nn.Module):
    """A convolution, a depthwise one, a dense layer, and a bare matrix product."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding=1), nn.BatchNorm2d(8))
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.dense = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.deep(self.enter(x)).flatten(2).transpose(1, 2)
        scores: Tensor = self.dense(tokens)
        return scores @ scores.transpose(1, 2)


def test_counts_what_a_pencil_counts() -> None:
    cost = measure(Small(), (1, 3, 16, 16))
    by_name = {layer.name: layer for layer in cost.layers}
    assert by_name["enter.0"].macs == 64 * 8 * 3 * 9
    assert by_name["deep"].macs == 64 * 8 * 9
    assert by_name["dense"].macs == 64 * 8 * 5
    assert by_name[""].macs == 64 * 64 * 5
    assert by_name["enter.1"].parameters == 16
    assert cost.macs == sum(layer.macs for layer in cost.layers)
    assert cost.parameters == sum(p.numel() for p in Small().parameters())
    assert cost.macs_a_pixel == cost.macs / 256


def test_table_holds_every_layer_and_the_sum() -> None:
    cost = measure(Small(), (1, 3, 16, 16))
    rows = cost.table().splitlines()
    assert len(rows) == 2 + len(cost.layers) + 1
    assert f"{cost.macs:,}" in rows[-1]


def test_leaves_the_network_as_it_was() -> None:
    network = Small().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    measure(network, (2, 3, 16, 16))
    assert network.training
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_ours_keeps_its_budget_of_arithmetic() -> None:
    """At most 8 kMAC a pixel for methane and 25 for everything."""
    sensor = load_sensor("emit")
    network = registry.build("linescan", centres=sensor.centres, fwhm=sensor.fwhm)
    cost = linescan_cost(network, bands=285, filter_bands=63)
    assert cost.stem == 285 * 28
    assert cost.methane_stem == 285 * (4 + 12)
    whole = measure(network.body, (1, network.body.channels, 64, 64)).macs_a_pixel
    assert cost.methane_body + cost.mineral_body == whole
    assert cost.methane <= 8000
    assert cost.all_tasks <= 25_000
