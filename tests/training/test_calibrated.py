from __future__ import annotations

import numpy as np
import pytest
import torch

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.training.calibrated import calibrated
from onboard.training.calibration import fit_network
from onboard.training.operating_point import Scored
from onboard.training.tables import FlightTables

LABEL = 2000.0


def share_of(scored: Scored) -> float:
    return float(((scored.plume_id > 0) & (scored.enhancement >= LABEL)).mean())


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
    found, lines = calibrated(network(tables), scored, LABEL, share_of(scored))
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
    _, lines = calibrated(net, over_confident(), LABEL, share_of(over_confident()))
    expected = lines.methane.scale * before[:, 0] + lines.methane.offset
    torch.testing.assert_close(net.body(planes)[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_without_plumes_nothing_changes(tables: FlightTables) -> None:
    scored, net = over_confident(), network(tables)
    weight = net.body.methane.head.weight.clone()
    scored.plume_id[:] = 0
    found, lines = calibrated(net, scored, LABEL, 0.01)
    assert found is scored
    assert lines.methane.scale == 1.0
    assert torch.equal(net.body.methane.head.weight, weight)


def test_where_plumes_are_rarer_less_is_said(tables: FlightTables) -> None:
    scored = over_confident()
    _, as_here = calibrated(network(tables), scored, LABEL, share_of(scored))
    _, rarer = calibrated(network(tables), scored, LABEL, 0.1 * share_of(scored))
    # Odds follow the share of plume pixels.
    share = share_of(scored)
    odds = np.log(0.1 * share / (1 - 0.1 * share)) - np.log(share / (1 - share))
    assert rarer.methane.offset - as_here.methane.offset == pytest.approx(odds, abs=0.15)
    assert rarer.methane.scale == pytest.approx(as_here.methane.scale, rel=0.1)


def test_only_as_much_gas_as_the_label_counts(tables: FlightTables) -> None:
    scored = over_confident()
    scored.enhancement[:, :20] = np.minimum(scored.enhancement[:, :20], 1500.0)
    found, _ = calibrated(network(tables), scored, LABEL, share_of(scored))
    said = found.plume.mean()
    assert said == pytest.approx(share_of(scored), rel=0.1)
    assert said < 0.7 * (scored.plume_id > 0).mean()


def test_a_share_of_all_or_nothing_is_refused(tables: FlightTables) -> None:
    for share in (0.0, 1.0):
        with pytest.raises(UsageError, match="plume_share"):
            fit_network(
                np.random.default_rng(1).normal(size=(100, 1)),
                np.arange(100) % 2 == 0,
                np.zeros((100, 0), bool),
                share,
            )
