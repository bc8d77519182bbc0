from __future__ import annotations

import numpy as np
import torch

from onboard.models.stem import BakedStem, PlainStem, WavelengthAwareStem, baking_matrix, knot_grid
from onboard.sensors import load_sensor


def stem() -> WavelengthAwareStem:
    torch.manual_seed(4)
    sensor = load_sensor("emit")
    return WavelengthAwareStem(sensor.centres, sensor.fwhm)


def test_a_constant_weight_function_bakes_to_the_band_spacing() -> None:
    sensor = load_sensor("emit")
    matrix = baking_matrix(knot_grid(), sensor.centres, sensor.fwhm)
    baked = np.ones(len(knot_grid())) @ matrix
    lit = baked > 0
    np.testing.assert_allclose(baked[lit], np.gradient(sensor.centres)[lit] / 7.4, rtol=1e-6)


def test_saturated_water_gets_no_weight() -> None:
    sensor = load_sensor("emit")
    matrix = baking_matrix(knot_grid(), sensor.centres, sensor.fwhm)
    assert not matrix[:, (sensor.centres > 1340) & (sensor.centres < 1460)].any()


def test_baked_equals_trained_in_evaluation() -> None:
    sensor, network = load_sensor("emit"), stem()
    network.train()
    network(torch.randn(512, sensor.bands))
    network.eval()
    log = torch.randn(64, sensor.bands)
    baked = network.baked(sensor.centres, sensor.fwhm)
    assert isinstance(baked, BakedStem)
    torch.testing.assert_close(baked(log), network(log), rtol=1e-4, atol=1e-4)


def test_a_smooth_spectrum_gives_the_same_features_on_a_shifted_table() -> None:
    sensor, network = load_sensor("emit"), stem()
    network.eval()
    nominal, moved = (
        network.baked(sensor.centres + shift, sensor.fwhm)(
            torch.from_numpy(np.sin((sensor.centres + shift) / 300.0)).float()[None]
        )
        for shift in (0.0, 0.5)
    )
    assert float((nominal - moved).abs().max()) < 0.05 * float(nominal.abs().max())


def test_gradients_reach_the_weights() -> None:
    network = stem()
    network(torch.randn(64, 285)).square().sum().backward()
    assert network.weight.grad is not None
    assert float(network.weight.grad.abs().sum()) > 0


def plain() -> PlainStem:
    torch.manual_seed(4)
    sensor = load_sensor("emit")
    network = PlainStem(sensor.centres, sensor.fwhm)
    network.train()
    network(torch.randn(512, sensor.bands))
    return network.eval()


def test_a_plain_stem_has_a_weight_for_every_band_that_light_reaches() -> None:
    sensor, network = load_sensor("emit"), plain()
    assert network.weight.shape == (28, sensor.bands)
    water = (sensor.centres > 1340) & (sensor.centres < 1460)
    assert not network.band_weights()[:, torch.from_numpy(water)].any()
    log = torch.randn(64, sensor.bands)
    baked = network.baked(sensor.centres, sensor.fwhm)
    torch.testing.assert_close(baked(log), network(log), rtol=1e-4, atol=1e-4)


def test_a_plain_stem_takes_the_nearest_band_of_another_table() -> None:
    sensor, network = load_sensor("emit"), plain()
    log = torch.randn(8, sensor.bands)
    at_home = network(log)
    # Half a nanometre is less than half a band, so nothing moves.
    torch.testing.assert_close(
        network.baked(sensor.centres + 0.5, sensor.fwhm)(log), at_home, rtol=1e-4, atol=1e-4
    )
    # Of a table with every band twice, one of each pair is taken.
    twice = np.sort(np.concatenate([sensor.centres, sensor.centres + 0.4]))
    baked = network.baked(twice, np.repeat(sensor.fwhm, 2))
    torch.testing.assert_close(baked(log.repeat_interleave(2, 1)), at_home, rtol=1e-4, atol=1e-4)
    assert torch.count_nonzero(baked.weight[0]) == torch.count_nonzero(network.band_weights()[0])


def test_baked_stems_give_their_weights_like_those_in_training() -> None:
    sensor = load_sensor("emit")
    for network in (stem().eval(), plain()):
        baked = network.baked(sensor.centres, sensor.fwhm)
        torch.testing.assert_close(
            baked.band_weights()[16:], network.band_weights()[16:].detach(), rtol=1e-5, atol=1e-6
        )
