from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from onboard.models.filter_tables import FilterSettings
from onboard.models.teaching import DARK_LIMIT
from onboard.training.body_input import InputScales, body_input, normalise_dynamic, teaching_mask
from onboard.training.strips import filter_patch
from tests.models.test_streaming_filter import ground, tables


def test_normalisation_agrees_with_the_streaming_reference() -> None:
    rng = np.random.default_rng(8)
    log, valid = ground(rng, 160, 24), np.ones((160, 24), bool)
    dynamic = rng.normal(1.0, 0.5, (160, 24, 5)).astype(np.float32)
    reference = filter_patch(log, valid, tables(), dynamic=dynamic)
    everywhere = torch.ones(1, 160, 24)
    found = normalise_dynamic(torch.from_numpy(dynamic)[None], everywhere, everywhere, FilterSettings())
    # The reference takes one pixel in a few for its deviation.
    assert np.abs(found[0].numpy() - reference.dynamic).max() < 0.15


def test_plumes_are_in_the_deviation_and_not_in_the_means() -> None:
    rng, gas = np.random.default_rng(9), replace(tables(), exclude_near=8)
    log, valid = ground(rng, 160, 48), np.ones((160, 48), bool)
    plume = np.zeros((160, 48), bool)
    plume[20:150, 8:20] = True
    log[plume] += gas.log_transmittance[4].astype(np.float32)
    dynamic = rng.normal(1.0, 0.5, (160, 48, 3)).astype(np.float32) + 2.0 * plume[..., None]
    reference = filter_patch(log, valid, gas, dynamic=dynamic.astype(np.float32))
    assert reference.keep.mean() < 0.7
    keep = torch.from_numpy(reference.keep.astype(np.float32))[None]
    physics = [reference.enhancement, reference.sigma, valid, reference.brightness]
    teaches = teaching_mask(torch.from_numpy(np.stack(physics, axis=2).astype(np.float32))[None])
    features = torch.from_numpy(dynamic.astype(np.float32))[None]
    found = normalise_dynamic(features, keep, teaches, FilterSettings())[0].numpy()
    assert np.abs(found - reference.dynamic).max() < 0.15
    without = normalise_dynamic(features, keep, keep, FilterSettings())[0].numpy()
    assert np.abs(without - reference.dynamic).max() > 0.5


def test_where_hardly_anything_is_lit_all_pixels_teach() -> None:
    physics = torch.tensor([0.0, 500.0, 1.0, DARK_LIMIT - 1.0]).repeat(2, 40, 10, 1)
    physics[:, 0, 0, 2] = 0.0
    physics[1, :8, :, 3] = 0.0
    dark, lit = teaching_mask(physics)
    assert int(dark.sum()) == 399
    assert int(lit.sum()) == 79


def test_invalid_pixels_are_zero_in_every_plane() -> None:
    physics = torch.ones(1, 96, 8, 4)
    physics[0, 3, 4, 2] = 0.0
    planes = body_input(torch.randn(1, 96, 8, 6), 4, physics, physics[..., 2], InputScales())
    assert planes.shape == (1, 10, 96, 8)
    assert not planes[0, :, 3, 4].any()


def test_planes_are_clipped() -> None:
    scales = InputScales()
    physics = torch.tensor([1e9, 1.0, 1.0, 50.0]).expand(1, 96, 8, 4)
    planes = body_input(torch.full((1, 96, 8, 6), 1e6), 4, physics, torch.ones(1, 96, 8), scales)
    assert float(planes[:, 0].max()) == scales.alpha_clip
    assert float(planes[:, 1].max()) == scales.z_clip
    assert float(planes[:, 4:].max()) <= scales.feature_clip


def test_what_is_too_dark_tells_of_no_gas() -> None:
    physics = torch.tensor([2000.0, 500.0, 1.0, -1.0]).repeat(1, 96, 8, 1)
    physics[0, 5, 2, 3] = DARK_LIMIT
    planes = body_input(torch.ones(1, 96, 8, 6), 4, physics, torch.ones(1, 96, 8), InputScales())
    assert not planes[0, :2, 5, 2].any()
    assert float(planes[0, 2, 5, 2]) == 1.0
    assert (planes[0, :2, 5, 3] > 0).all()
