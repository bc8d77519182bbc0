"""What a network costs: parameters, and multiplications with addition (MAC), layer by layer.

Counted while the network runs, by torch's own dispatcher (``torch.utils.flop_counter``): convolutions and
matrix products, attention's included. Norms, activations, additions and interpolation count as nothing, as
in published figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from onboard.models.linescan import Linescan, methane_planes

FLOPS_A_MAC = 2


@dataclass(frozen=True)
class LayerCost:
    """One module's own share, without that of modules in it.

    Attributes:
        name: Its path in the network.
        kind: Its class.
        parameters: Number of parameters.
        macs: Number of MACs.
    """

    name: str
    kind: str
    parameters: int
    macs: int


@dataclass(frozen=True)
class Cost:
    """What a network costs at one input shape.

    Attributes:
        parameters: Number of parameters.
        macs: Number of MACs.
        pixels: Lines times samples times images.
        layers: The modules that have either, in the order of the network.
    """

    parameters: int
    macs: int
    pixels: int
    layers: tuple[LayerCost, ...]

    @property
    def macs_a_pixel(self) -> float:
        """MACs a pixel."""
        return self.macs / self.pixels

    def table(self) -> str:
        """Return the layers as a Markdown table."""
        rows = [f"| {x.name} | {x.kind} | {x.parameters:,} | {x.macs:,} |" for x in self.layers]
        total = f"| all | | {self.parameters:,} | {self.macs:,} |"
        return "\n".join(["| layer | kind | parameters | MAC |", "|---|---|---:|---:|", *rows, total])


def measure(network: nn.Module, shape: Sequence[int], pixels: int = 0) -> Cost:
    """Run a network once on zeros, and count.

    Args:
        network: Any module of one tensor; it runs in evaluation mode and is left as it was.
        shape: Of its input: (n, channels, lines, samples), or another with ``pixels`` given.
        pixels: How many pixels that is.
    """
    before = network.training
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    counter = FlopCounterMode(display=False)
    network.eval()
    with torch.inference_mode(), counter:
        network(torch.zeros(*shape, device=device))
    network.train(before)
    modules = dict(network.named_modules())
    # The counter names modules from the network's class on.
    root = type(network).__name__
    totals = {
        name: sum(counter.get_flop_counts().get(f"{root}.{name}" if name else root, {}).values())
        for name in modules
    }
    layers = []
    for name, module in modules.items():
        prefix = f"{name}." if name else ""
        inside = sum(totals[prefix + child] for child, _ in module.named_children())
        own = sum(p.numel() for p in module.parameters(recurse=False))
        macs = (totals[name] - inside) // FLOPS_A_MAC
        if own or macs:
            layers.append(LayerCost(name, type(module).__name__, own, macs))
    parameters = sum(p.numel() for p in network.parameters())
    macs = counter.get_total_flops() // FLOPS_A_MAC
    return Cost(parameters, macs, pixels or shape[0] * math.prod(shape[2:]), tuple(layers))


@dataclass(frozen=True)
class LinescanCost:
    """MACs a pixel of a Linescan network.

    Attributes:
        parameters: Number of parameters, as trained.
        stem: All features of the stem.
        filter: The matched filter's product.
        methane_body: The methane branch.
        mineral_body: The mineral branch.
        methane_stem: The features that methane sees.
    """

    parameters: int
    stem: float
    filter: float
    methane_body: float
    mineral_body: float
    methane_stem: float

    @property
    def methane(self) -> float:
        """Methane alone: its features, the filter, its branch."""
        return self.methane_stem + self.filter + self.methane_body

    @property
    def all_tasks(self) -> float:
        """Everything."""
        return self.stem + self.filter + self.methane_body + self.mineral_body


def linescan_cost(network: Linescan, bands: int, filter_bands: int, side: int = 64) -> LinescanCost:
    """Return what a Linescan network costs a pixel in flight, stem, filter and body.

    The branches are counted as they fly: dense over all planes, those they do not see included.

    Args:
        network: The network.
        bands: Bands of the sensor; the baked stem is one product of bands and features.
        filter_bands: Bands of the matched filter.
        side: Lines and samples to count on.
    """
    settings, body = network.settings, network.body
    features = settings.static_features + settings.dynamic_features
    seen = sum(methane_planes(settings)[-features:])
    shape = (1, body.channels, side, side)
    return LinescanCost(
        sum(p.numel() for p in network.parameters()),
        float(bands * features),
        float(filter_bands),
        measure(body.methane, shape).macs_a_pixel,
        measure(body.minerals, shape).macs_a_pixel,
        float(bands * seen),
    )
