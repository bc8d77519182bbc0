from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.errors import UsageError
from onboard.minerals import MINERALS
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.replay.calibration import calibration
from onboard.replay.curves import ScoreCurve
from onboard.sensors import load_sensor
from onboard.training.calibration import Platt, fit_network, fit_platt, fit_platt_curve, fold_into_head


def drawn(scale: float, offset: float, count: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that are true with the probability of a line through them."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0.0, 2.0, count)
    return logits, rng.random(count) < 1 / (1 + np.exp(-(scale * logits + offset)))


@settings(max_examples=15, deadline=None)
@given(st.floats(0.4, 2.5), st.floats(-3.0, 2.0))
def test_the_line_that_made_the_labels_is_found(scale: float, offset: float) -> None:
    line = fit_platt(*drawn(scale, offset))
    assert line.scale == pytest.approx(scale, rel=0.12)
    assert line.offset == pytest.approx(offset, abs=0.15)


def test_weights_count_as_pixels() -> None:
    logits, labels = drawn(0.7, -1.0, 500)
    whole = fit_platt(np.repeat(logits, 3), np.repeat(labels, 3))
    weighed = fit_platt(logits, labels, np.full(500, 3.0))
    assert weighed.scale == pytest.approx(whole.scale, rel=1e-4)
    assert weighed.offset == pytest.approx(whole.offset, abs=1e-4)
    assert fit_platt(np.append(logits, 99.0), np.append(labels, False), np.append(np.ones(500), 0.0)) == (
        fit_platt(logits, labels)
    )


def test_cleanly_parted_classes_give_a_finite_line() -> None:
    line = fit_platt(np.asarray([-2.0, -1.0, 1.0, 2.0]), [0, 0, 1, 1])
    assert 0 < line.scale < 50


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        ([0.0, 1.0], [1, 1], "both kinds"),
        ([0.0, np.nan], [0, 1], "not finite"),
        ([0.0, 1.0, 2.0], [0, 1], "belong together"),
        ([3.0, 2.0, 1.0, 0.0] * 50, [0, 0, 1, 1] * 50, "backwards"),
    ],
)
def test_what_cannot_be_fitted_is_refused(logits: list[float], labels: list[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit_platt(logits, labels)


def test_an_over_confident_score_is_mended_from_its_histogram() -> None:
    logits, labels = drawn(0.6, -1.5)
    raw = ScoreCurve("probability")
    raw.add(labels, 1 / (1 + np.exp(-logits)))
    line = fit_platt_curve(raw)
    assert (line.scale, line.offset) == pytest.approx((0.6, -1.5), abs=0.08)
    mended = ScoreCurve("probability")
    mended.add(labels, 1 / (1 + np.exp(-line.logits(logits))))
    assert calibration(raw)["ece"] > 0.1
    assert calibration(mended)["ece"] < 0.02
    assert mended.average_precision() == pytest.approx(raw.average_precision(), abs=0.002)
    with pytest.raises(UsageError, match="only probabilities"):
        fit_platt_curve(ScoreCurve("ppm m"))


@given(st.floats(0.001, 0.999), st.floats(0.2, 3.0), st.floats(-4.0, 4.0))
def test_thresholds_move_as_logits_do(raw: float, scale: float, offset: float) -> None:
    line = Platt(scale, offset)
    moved = 1 / (1 + np.exp(-line.logits(np.asarray(np.log(raw / (1 - raw))))))
    assert line.probability(raw) == pytest.approx(float(moved), abs=1e-9)
    assert (line.probability(0.0), line.probability(1.0)) == (0.0, 1.0)


def network() -> Linescan:
    torch.manual_seed(3)
    sensor = load_sensor("emit")
    built = registry.build("linescan", centres=sensor.centres, fwhm=sensor.fwhm).eval()
    assert isinstance(built, Linescan)
    return built


def test_folding_moves_every_logit_along_its_line() -> None:
    net = network()
    planes = torch.randn(1, net.body.channels, 16, 16)
    before = net.body(planes).detach()
    lines = [Platt(0.5 + 0.1 * index, -0.2 * index) for index in range(len(MINERALS))]
    fold_into_head(net, Platt(0.4, -1.25), [*lines[:-1], None])
    after = net.body(planes).detach()
    torch.testing.assert_close(after[:, 0], 0.4 * before[:, 0] - 1.25, rtol=1e-4, atol=1e-5)
    for index, line in enumerate(lines[:-1]):
        expected = line.scale * before[:, 1 + index] + line.offset
        torch.testing.assert_close(after[:, 1 + index], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after[:, -1], before[:, -1])
    with pytest.raises(UsageError, match="number of lines"):
        fold_into_head(net, Platt(), [Platt()])


def test_minerals_too_rare_for_a_line_keep_their_logits() -> None:
    logits, labels = drawn(0.6, -1.0, 5000)
    present = np.stack([labels, np.arange(5000) < 10], axis=1)
    found = fit_network(np.stack([logits, logits, logits], axis=1), labels, present)
    assert found.minerals[1] is None
    assert found.minerals[0] == found.methane
    assert found.as_dict()["minerals"] == [[found.methane.scale, found.methane.offset], None]
