from __future__ import annotations

import numpy as np
import torch

from onboard.minerals import MINERALS
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.training.calibrated import calibrated
from onboard.training.operating_point import Scored
from onboard.training.tables import FlightTables


def network(tables: FlightTables) -> Linescan:
    torch.manual_seed(2)
    built = registry.build("linescan", centres=tables.centres, fwhm=tables.fwhm)
    assert isinstance(built, Linescan)
    return built.eval()


def over_confident(seed: int = 3) -> Scored:
    """Probabilities whose logits are twice too large and 2 too high."""
    rng, shape = np.random.default_rng(seed), (3, 40, 50)
    z = rng.normal(-2.0, 2.0, shape).astype(np.float32)
    truth = rng.random(shape) < 1.0 / (1.0 + np.exp(-z))
    shown = (1.0 / (1.0 + np.exp(-(2.0 * z + 2.0)))).astype(np.float32)
    many = (shape[0], len(MINERALS), *shape[1:])
    return Scored(
        plume=shown,
        minerals=np.broadcast_to(shown[:, None], many).astype(np.float16),
        plume_id=truth.astype(np.int32),
        enhancement=3000.0 * truth.astype(np.float32),
        present=np.broadcast_to(truth[:, None], many).copy(),
        filtered=np.zeros(shape, np.float32),
        valid=np.ones(shape, bool),
    )


def test_what_is_said_comes_true(tables: FlightTables) -> None:
    scored = over_confident()
    found, lines = calibrated(network(tables), scored)
    for name, said, true in (
        ("plume", found.plume, found.plume_id > 0),
        ("mineral", found.minerals[:, 4].astype(np.float32), found.present[:, 4]),
    ):
        sure = said > 0.5
        assert abs(float(said[sure].mean()) - float(true[sure].mean())) < 0.05, name
    assert abs(float(scored.plume[scored.plume > 0.5].mean()) - 0.6) > 0.1
    assert 0.3 < lines.methane.scale < 0.7


def test_the_network_says_what_the_scores_say(tables: FlightTables) -> None:
    net = network(tables)
    planes = torch.randn(1, net.body.channels, 16, 16)
    before = net.body(planes)
    _, lines = calibrated(net, over_confident())
    expected = lines.methane.scale * before[:, 0] + lines.methane.offset
    torch.testing.assert_close(net.body(planes)[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_without_plumes_nothing_changes(tables: FlightTables) -> None:
    scored, net = over_confident(), network(tables)
    weight = net.body.methane.head.weight.clone()
    scored.plume_id[:] = 0
    found, lines = calibrated(net, scored)
    assert found is scored
    assert lines.methane.scale == 1.0
    assert torch.equal(net.body.methane.head.weight, weight)
