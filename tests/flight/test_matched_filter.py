"""The core's filter against its numpy reference, through a body that echoes its input channels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from onboard.flight.class_plan import CLASSES_PART, ClassPlan
from onboard.models.dead_bands import dead_bands, fill_bands
from onboard.models.filter_tables import FilterSettings, FilterTables
from onboard.models.ground_classes import GroundClasses
from onboard.models.log_radiance import log_radiance, quantize_log
from onboard.models.streaming_filter import FilteredLines, StreamingMatchedFilter
from onboard.models.teaching import DARK_LIMIT
from tests.flight.flying import Array, fly
from tests.support.bundles import (
    ECHO_GAIN,
    TestBundle,
    build_test_bundle,
    make_echo_body,
    make_radiance,
    plan_for,
    stem_weights,
)

LINES, SAMPLES = 130, 50
SETTINGS: dict[str, Any] = {"memory_lines": 48, "covariance_stride": 3, "kappa": 8.0, "exclude_sigma": 2.5}


CLASSES = 5
"""Of ground, of which the last is none's."""


def codebook() -> ClassPlan:
    """Return classes that the made-up ground falls into by brightness and slope."""
    centres = np.random.default_rng(8).normal(0.0, 250.0, (CLASSES, 4)).astype(np.int16)
    centres[-1] = 3072
    return ClassPlan(np.array([20, 0, 13, 7]), centres)


@pytest.fixture(scope="module", params=[0, 5, 40], ids=["plumes alone", "near", "all but all"])
def exclude_near(request: pytest.FixtureRequest) -> int:
    """Around the plumes; the last would leave too little, and leaves all."""
    return int(request.param)


@pytest.fixture(scope="module", params=[(), (2, 13, 17, 21)], ids=["all bands", "dead bands"])
def dead(request: pytest.FixtureRequest) -> list[int]:
    """Bands that some lines lack as a whole."""
    return list(request.param)


@pytest.fixture(scope="module", params=[False, True], ids=["one ground", "classes of ground"])
def bundle(request: pytest.FixtureRequest, exclude_near: int) -> TestBundle:
    values = SETTINGS | {"exclude_near": exclude_near}
    plan = plan_for(**values)
    classes = {CLASSES_PART: codebook().pack(plan.bands)} if request.param else {}
    return build_test_bundle(parts={"body.onnx": make_echo_body(plan), **classes}, **values)


@pytest.fixture(scope="module")
def radiance(bundle: TestBundle, dead: list[int]) -> Array:
    radiance, _ = make_radiance(bundle, LINES, SAMPLES, plumes=4)
    radiance[40:44, 5:20] *= 0.03
    radiance[60:63, 20:30] = -9999.0
    radiance[:, 33] = -9997.0
    for line in [*range(10, 26), *range(80, LINES)]:
        radiance[line][:, dead] = np.nan
    return radiance


@pytest.fixture(scope="module")
def flown(bundle: TestBundle, radiance: Array) -> dict[str, npt.NDArray[Any]]:
    return fly(bundle, radiance, 17)[0]


@pytest.fixture(scope="module")
def reference(bundle: TestBundle, radiance: Array, dead: list[int]) -> list[FilteredLines]:
    """What numpy makes of the same lines at the same events, and of what they lack."""
    plan, tables = bundle.plan, bundle.tables
    chosen = tables["mf_bands"]
    bands = tables["reference"].astype(np.float32).astype(np.float64)
    bad = ~(radiance > -9000)
    lacking = dead_bands(bad)
    assert sorted(np.flatnonzero(lacking.any(axis=0))) == dead
    assert lacking[:, chosen].any() == bool(dead)
    valid = np.asarray(~(bad & ~lacking[:, None]).any(axis=2))
    log = repaired_log(radiance, bands)
    ring = quantize_log(log[..., chosen]).astype(np.float32) / np.float32(4096)
    dynamic = (log @ stem_weights(bundle))[..., plan.static_features :]
    streaming = StreamingMatchedFilter(
        FilterTables(
            tables["alphas"],
            tables["curve"].astype(np.float32).astype(np.float64),
            bands[chosen],
            tables["noise"][0].astype(np.float32).astype(np.float64),
            tables["noise"][1].astype(np.float32).astype(np.float64),
            classes=CLASSES if CLASSES_PART in bundle.parts else 0,
            exclude_near=plan.exclude_near,
        ),
        SAMPLES,
        plan.dynamic_features,
        FilterSettings(**SETTINGS),
    )
    labels = ground_of(log) if CLASSES_PART in bundle.parts else None
    edges = [0, *range(plan.strip_lines + plan.halo_lines, LINES, plan.strip_lines), LINES]
    return [
        streaming.absorb(
            ring[a:b],
            valid[a:b],
            a,
            dynamic[a:b].astype(np.float32),
            None if labels is None else labels[a:b],
            lacking[a:b][:, chosen],
        )
        for a, b in itertools.pairwise(edges)
    ]


def repaired_log(radiance: Array, reference: npt.NDArray[np.float64]) -> Array:
    """Return log radiance with bad bands filled; pixels bad as a whole at the floor."""
    bad = ~(radiance > -9000)
    return fill_bands(log_radiance(np.where(bad, np.float32(0), radiance), reference), bad)


def ground_of(log: Array) -> npt.NDArray[np.uint8]:
    """Return the class of each pixel of log radiance (lines, samples, bands)."""
    book = GroundClasses(codebook().bands, codebook().centres)
    labels = book.assign(log[..., book.bands])
    assert (np.bincount(labels.ravel(), minlength=CLASSES)[:-1] > 100).all()
    return labels


def echoed(flown: dict[str, npt.NDArray[Any]], channel: int) -> npt.NDArray[np.float64]:
    """Return an input channel of the body out of the probability that it became."""
    name = "plume_probability" if channel == 0 else "mineral_probability"
    plane = flown[name] if channel == 0 else flown[name][channel - 1]
    probability = plane.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probability / (1.0 - probability)) / ECHO_GAIN)


def test_enhancement_and_sigma_agree(
    flown: dict[str, npt.NDArray[Any]], reference: list[FilteredLines]
) -> None:
    alpha = np.concatenate([lines.enhancement for lines in reference])
    sigma = np.concatenate([lines.sigma for lines in reference])
    assert np.array_equal(np.isnan(alpha), np.isnan(flown["ch4_enhancement"]))
    spread = float(np.nanstd(alpha))
    np.testing.assert_allclose(flown["ch4_enhancement"], alpha, rtol=2e-3, atol=8e-3 * spread)
    # A count that another logarithm rounds the other way moves a pixel by a step; few pixels have one.
    off = np.abs(flown["ch4_enhancement"] - alpha) > 2e-3 * (spread + np.abs(alpha))
    assert np.mean(off) < 1e-3
    np.testing.assert_allclose(flown["ch4_sigma"], sigma, rtol=2e-3)


def test_surroundings_leave_the_means(exclude_near: int, reference: list[FilteredLines]) -> None:
    kept = np.concatenate([lines.keep for lines in reference]).mean()
    assert (0.25 < kept < 0.85) == (exclude_near == 5)


def test_filter_channels_follow_the_products(
    bundle: TestBundle, flown: dict[str, npt.NDArray[Any]], reference: list[FilteredLines]
) -> None:
    valid = flown["quality"] & 0x2F == 0
    brightness = np.concatenate([lines.brightness for lines in reference])[valid]
    lit = brightness > DARK_LIMIT
    assert 20 < np.count_nonzero(~lit) < 100
    plan, alpha = bundle.plan, flown["ch4_enhancement"][valid].astype(np.float64) * lit
    clipped = np.clip(alpha / plan.alpha_scale, -plan.alpha_clip, plan.alpha_clip)
    np.testing.assert_allclose(echoed(flown, 0)[valid], clipped, atol=2e-3)
    score = np.clip(alpha / flown["ch4_sigma"][valid], -plan.z_clip, plan.z_clip)
    np.testing.assert_allclose(echoed(flown, 1)[valid], score, atol=2e-3)
    np.testing.assert_allclose(echoed(flown, 2)[valid], 1.0, atol=1e-3)
    np.testing.assert_allclose(echoed(flown, 3)[valid], np.clip(brightness, -3, 3), atol=2e-3)


def test_static_features_are_the_stem_s(
    bundle: TestBundle, radiance: Array, flown: dict[str, npt.NDArray[Any]]
) -> None:
    valid = flown["quality"] & 0x2F == 0
    features = repaired_log(radiance, bundle.tables["reference"]) @ stem_weights(bundle)
    for index in range(bundle.plan.static_features):
        expected = np.clip(features[..., index][valid], -bundle.plan.feature_clip, bundle.plan.feature_clip)
        np.testing.assert_allclose(echoed(flown, 4 + index)[valid], expected, atol=2e-3)


def test_dynamic_features_are_normalised(
    bundle: TestBundle, flown: dict[str, npt.NDArray[Any]], reference: list[FilteredLines]
) -> None:
    valid = flown["quality"] & 0x2F == 0
    dynamic = np.concatenate([lines.dynamic for lines in reference])
    first = 4 + bundle.plan.static_features
    for index in range(bundle.plan.dynamic_features):
        expected = np.clip(dynamic[..., index][valid], -bundle.plan.feature_clip, bundle.plan.feature_clip)
        np.testing.assert_allclose(echoed(flown, first + index)[valid], expected, atol=5e-3)
