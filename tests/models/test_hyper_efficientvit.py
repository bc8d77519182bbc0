from __future__ import annotations

import pytest
import torch

from onboard.models.cost import measure
from onboard.models.hyper_efficientvit import HEAD_DIM, HyperEfficientViT, LinearAttention

CONV_UP: dict[str, bool] = {}
CONV_UP_STRIDE = {"small_strides": True}
BASE = {"spectral_conv": False, "upscale": False}


@pytest.mark.parametrize(
    ("bands", "classes", "switches", "parameters"),
    [
        (86, 2, CONV_UP, 4_855_548),
        (86, 2, CONV_UP_STRIDE, 4_855_548),
        # Three classes and the ground: the published network counts the latter as one of its own.
        (285, 4, CONV_UP, 4_958_490),
    ],
)
def test_has_the_published_parameters(
    bands: int, classes: int, switches: dict[str, bool], parameters: int
) -> None:
    network = HyperEfficientViT(bands, classes, **switches)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_the_base_is_efficientvit_b1_for_cityscapes() -> None:
    """4.8 M parameters (Cai et al. 2023, table 5), for three bands and 19 classes."""
    network = HyperEfficientViT(3, 19, **BASE)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 4.8


@pytest.mark.parametrize(("switches", "gmac"), [(CONV_UP, 0.398), (CONV_UP_STRIDE, 0.577)])
def test_has_the_published_cost(switches: dict[str, bool], gmac: float) -> None:
    cost = measure(HyperEfficientViT(86, 2, **switches), (1, 86, 128, 128))
    assert round(cost.macs / 1e9, 3) == gmac


def test_scores_have_the_size_of_the_image() -> None:
    for switches in (BASE, CONV_UP, CONV_UP_STRIDE):
        network = HyperEfficientViT(5, 3, **switches).eval()
        with torch.inference_mode():
            assert network(torch.randn(2, 5, 32, 64)).shape == (2, 3, 32, 64)


def attention(seed: int = 1) -> LinearAttention:
    torch.manual_seed(seed)
    return LinearAttention(2 * HEAD_DIM).eval()


def test_attention_is_a_weighted_mean_of_values() -> None:
    """Held against the quadratic form: weights relu(q) . relu(k), normalised over all pixels."""
    block = attention()
    x = torch.randn(1, 2 * HEAD_DIM, 4, 6)
    with torch.no_grad():
        own = block.triple(x)
        heads = torch.cat([own, block.around(own)], 1).reshape(-1, 3 * HEAD_DIM, 24)
        mixed = []
        for head in heads:
            query, key, value = (part.double() for part in head.split(HEAD_DIM))
            weight = query.relu().T @ key.relu()
            total = weight.sum(1, keepdim=True)
            mixed.append((weight / total.clamp_min(1e-30)) @ value.T)
        wanted = torch.stack(mixed).transpose(1, 2).reshape(1, -1, 4, 6).float()
        torch.testing.assert_close(block(x), x + block.project(wanted), rtol=1e-4, atol=1e-5)


def test_attention_where_no_query_sees_a_key_is_no_nan() -> None:
    block = attention()
    with torch.no_grad():
        block.triple.weight.copy_(-block.triple.weight.abs())
        out = block(torch.ones(1, 2 * HEAD_DIM, 4, 4))
    assert bool(torch.isfinite(out).all())
