from __future__ import annotations

import numpy as np
import torch

from onboard.models.stem import BakedStem, WavelengthAwareStem, baking_matrix, knot_grid
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
