from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from onboard.errors import UsageError
from onboard.models.network import BandSettings, PeerNetwork, methane_bands
from onboard.models.registry import NetworkInput
from onboard.sensors import load_sensor

CENTRES = np.asarray(load_sensor("emit").centres)


def test_methane_has_86_bands_of_emit() -> None:
    assert len(methane_bands(CENTRES)) == 86


@pytest.mark.parametrize(
    ("given", "bands"),
    [
        ({}, 86),
        ({"tasks": "minerals"}, 285),
        ({"tasks": ["minerals", "methane"]}, 285),
        ({"window": "all"}, 285),
        ({"tasks": "minerals", "window": "methane"}, 86),
    ],
)
def test_window_follows_the_tasks_unless_named(given: dict[str, object], bands: int) -> None:
    assert len(BandSettings.checked(given).bands(CENTRES)) == bands


def test_settings_survive_being_saved() -> None:
    settings = BandSettings.checked({"tasks": ["minerals", "methane"], "small_strides": True})
    assert settings.tasks == ("methane", "minerals")
    assert BandSettings.checked(settings.as_dict()) == settings


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"strides": 2}, "strides"),
        ({"upscale": 1}, "upscale"),
        ({"tasks": ["clouds"]}, "tasks"),
        ({"tasks": []}, "tasks"),
        ({"window": "visible"}, "window"),
    ],
)
def test_wrong_settings_are_named(given: dict[str, object], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        BandSettings.checked(given)


def test_logit_of_two_classes_is_the_log_odds_of_their_softmax() -> None:
    takes = NetworkInput("bands")
    core = nn.Conv2d(3, 12, 1)
    network = PeerNetwork(core, BandSettings(), takes, ("methane", "minerals"), np.arange(3))
    x = torch.randn(2, 3, 4, 4)
    logits, scores = network(x), core(x)
    assert logits.shape[1] == network.logits == 11
    torch.testing.assert_close(torch.sigmoid(logits[:, 0]), torch.softmax(scores[:, :2], 1)[:, 1])
    torch.testing.assert_close(logits[:, 1:], scores[:, 2:], rtol=0, atol=0)
