from __future__ import annotations

import numpy as np
import pytest
import torch

from onboard.errors import UsageError
from onboard.models import registry
from onboard.models.hyper_starcop import HyperStarcop, MobileNetEncoder

CENTRES = np.linspace(380.0, 2500.0, 285)


def build(**settings: object) -> torch.nn.Module:
    network: torch.nn.Module = registry.build(
        "hyper_starcop", centres=CENTRES, fwhm=np.full(285, 8.5), **settings
    )
    return network


def test_has_the_published_size() -> None:
    """6.6 M parameters (Ruzicka et al. 2023)."""
    assert round(sum(p.numel() for p in build().parameters()) / 1e6, 1) == 6.6


def test_the_encoder_is_mobilenet_v2() -> None:
    """3,504,872 parameters of the published classifier for RGB, less its last layer of 1000 x 1281."""
    encoder = MobileNetEncoder(3)
    assert sum(p.numel() for p in encoder.parameters()) == 3_504_872 - 1000 * 1281


def test_maps_lie_at_strides_2_to_32() -> None:
    maps = MobileNetEncoder(4).eval()(torch.randn(1, 4, 64, 96))
    assert [tuple(m.shape[2:]) for m in maps] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert [m.shape[1] for m in maps] == [16, 24, 32, 96, 1280]


def test_scores_have_the_size_of_the_image() -> None:
    with torch.inference_mode():
        assert HyperStarcop().eval()(torch.randn(2, 4, 32, 64)).shape == (2, 1, 32, 64)


def test_sees_the_filter_and_three_visible_bands() -> None:
    network = build()
    assert network.channels == 4
    picked = CENTRES[list(network.bands)]  # type: ignore[arg-type]
    assert np.abs(picked - [460.0, 550.0, 640.0]).max() < 5.0


def test_takes_no_settings() -> None:
    with pytest.raises(UsageError, match="no settings"):
        build(upscale=True)
