from __future__ import annotations

import pytest
import torch

from onboard.models.cost import measure
from onboard.models.hyper_segformer import HyperSegFormer, ReducedAttention

TILE = (128, 128)
CONV_UP: dict[str, bool] = {}
CONV_UP_STRIDE = {"small_strides": True}
BASE = {"spectral_conv": False, "upscale": False}


@pytest.mark.parametrize(
    ("bands", "classes", "switches", "parameters"),
    [
        (3, 150, BASE, 3_752_694),  # SegFormer-B0 on ADE20K, as Hugging Face has it
        (86, 2, CONV_UP, 4_326_140),
        (86, 2, CONV_UP_STRIDE, 4_326_140),
        (285, 3, CONV_UP, 4_712_329),
    ],
)
def test_has_the_published_parameters(
    bands: int, classes: int, switches: dict[str, bool], parameters: int
) -> None:
    network = HyperSegFormer(bands, classes, **switches)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize(("switches", "gmac"), [(CONV_UP, 2.495), (CONV_UP_STRIDE, 9.666)])
def test_has_the_published_cost(switches: dict[str, bool], gmac: float) -> None:
    cost = measure(HyperSegFormer(86, 2, **switches), (1, 86, *TILE))
    assert round(cost.macs / 1e9, 3) == gmac


def test_scores_have_the_size_of_the_image() -> None:
    for switches in (BASE, CONV_UP, CONV_UP_STRIDE):
        network = HyperSegFormer(5, 3, **switches).eval()
        with torch.inference_mode():
            assert network(torch.randn(2, 5, 32, 64)).shape == (2, 3, 32, 64)


def test_attention_without_a_query_is_the_mean_of_the_values() -> None:
    torch.manual_seed(1)
    attention = ReducedAttention(8, 2, 1)
    torch.nn.init.zeros_(attention.query.weight)
    torch.nn.init.zeros_(attention.query.bias)
    x = torch.randn(1, 4, 4, 8)
    mean = attention.out(attention.value(x).mean(dim=(1, 2)))
    torch.testing.assert_close(attention(x), mean[:, None, None].expand(1, 4, 4, 8))


def test_a_pixel_far_away_is_seen() -> None:
    """Attention spans the tile: the first pixel moves the last one's score."""
    torch.manual_seed(2)
    network = HyperSegFormer(3, 1).eval()
    x = torch.randn(1, 3, 64, 64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x)[0, 0, -1, -1], x)
    assert float(gradient[0, :, 0, 0].abs().sum()) > 0
