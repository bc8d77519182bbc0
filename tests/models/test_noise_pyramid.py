from __future__ import annotations

import torch

from onboard.models.noise_pyramid import CLIP, NoisePyramid

WIDTHS = (8, 8, 8, 8)


def stirred(seed: int = 1) -> NoisePyramid:
    """A pyramid with random weights, in double precision."""
    torch.manual_seed(seed)
    pyramid = NoisePyramid(3, WIDTHS).double()
    for parameter in pyramid.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return pyramid


def test_a_new_pyramid_finds_no_noise() -> None:
    maps = torch.randn(1, 3, 16, 24)
    assert not NoisePyramid(3, WIDTHS)(maps, torch.ones(1, 3, 1, 1)).any()


def test_a_pixel_reaches_no_further_than_the_halo() -> None:
    pyramid, ratio = stirred(), torch.full((1, 3, 1, 1), 0.5, dtype=torch.float64)
    maps = torch.randn(1, 3, 128, 8, dtype=torch.float64)
    changed = maps.clone()
    changed[:, :, 64] += 3.0
    moved = (pyramid(changed, ratio) - pyramid(maps, ratio)).abs().amax(dim=(0, 1, 3)) > 1e-12
    lines = torch.nonzero(moved)[:, 0]
    assert int(lines.min()) >= 64 - 32
    assert int(lines.max()) <= 64 + 32
    assert int(lines.max() - lines.min()) > 16


def test_strong_contrasts_do_not_grow_what_is_taken_off() -> None:
    pyramid, ratio = stirred(), torch.full((1, 3, 1, 1), 0.5, dtype=torch.float64)
    checks = (torch.rand(1, 3, 16, 16, dtype=torch.float64) > 0.5).double() - 0.5
    loud, louder = (pyramid(checks * scale, ratio).abs().max() for scale in (100 * CLIP, 10000 * CLIP))
    assert louder.item() < 1.5 * loud.item()
