"""The session: grouping of lines, swath widths, short captures, quality, products, misuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onboard.errors import BundleError, UsageError
from onboard.flight import FlightSession
from tests.flight.flying import Array, fly, open_session, push_all, same_bytes
from tests.support.bundles import TestBundle, build_test_bundle, make_radiance

NO_DATA, CLOUDY, MISSING, CORRUPT, SATURATED, NON_FINITE, REPAIRED, IMMATURE = (1 << bit for bit in range(8))
NOT_AGE = 0x7F


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return build_test_bundle()


@pytest.fixture(scope="module")
def radiance(bundle: TestBundle) -> Array:
    return make_radiance(bundle, 150, 50)[0]


def test_grouping_of_lines_changes_nothing(bundle: TestBundle, radiance: Array) -> None:
    whole, events = fly(bundle, radiance)
    assert len(events) >= 2
    assert np.isfinite(whole["ch4_enhancement"]).all()
    for size in (1, 16, 23, 64):
        products, found = fly(bundle, radiance, size)
        assert same_bytes(whole, products), size
        assert found == events, size


def test_plumes_are_found_where_they_are(bundle: TestBundle) -> None:
    radiance, truth = make_radiance(bundle, 120, 60, seed=11, plumes=1)
    products, events = fly(bundle, radiance)
    largest = max(events, key=lambda event: event.area_pixels)
    line, sample = np.unravel_index(truth.argmax(), truth.shape)
    assert abs(largest.centroid_line - line) < 2
    assert abs(largest.centroid_sample - sample) < 2
    core = truth > 3000.0
    slope = float((products["ch4_enhancement"][core] * truth[core]).sum() / (truth[core] ** 2).sum())
    assert 0.8 < slope < 1.25


def test_events_are_reported_soon_after_their_last_line(bundle: TestBundle, radiance: Array) -> None:
    _, events = fly(bundle, radiance)
    window = bundle.plan.strip_lines + bundle.plan.halo_lines + 1
    assert events
    for event in events:
        assert 0 <= event.detected_at_line - event.last_line <= window


@pytest.mark.parametrize("lines", [1, 10, 23, 24, 25, 40, 41, 70])
def test_short_captures_come_out_whole(bundle: TestBundle, radiance: Array, lines: int) -> None:
    products, _ = fly(bundle, radiance[:lines], 7)
    assert products["quality"].shape == (lines, 50)
    assert same_bytes(products, fly(bundle, radiance[:lines])[0])


def test_a_capture_without_lines_gives_nothing(bundle: TestBundle) -> None:
    with open_session(bundle, 50) as session:
        assert session.flush() == []
        assert session.poll_events() == []


@pytest.mark.parametrize("samples", [1, 10, 63, 64])
def test_narrow_swaths(bundle: TestBundle, samples: int) -> None:
    radiance, _ = make_radiance(bundle, 40, samples)
    products, _ = fly(bundle, radiance)
    assert products["ch4_enhancement"].shape == (40, samples)
    assert np.isfinite(products["ch4_enhancement"]).all()
    assert ((products["plume_probability"] >= 0) & (products["plume_probability"] <= 1)).all()


@pytest.mark.parametrize("samples", [65, 112, 113, 150])
def test_wide_swaths_equal_one_wide_body(samples: int) -> None:
    """Panels overlap by more than the body sees, so that seams do not show."""
    panels = build_test_bundle(samples_hint=64)
    whole = build_test_bundle(samples_hint=192)
    radiance, _ = make_radiance(panels, 50, samples)
    in_panels, events = fly(panels, radiance)
    at_once, other_events = fly(whole, radiance)
    for name in ("plume_probability", "mineral_probability", "ch4_enhancement"):
        np.testing.assert_allclose(in_panels[name], at_once[name], rtol=1e-4, atol=2e-4)
    assert [event.area_pixels for event in events] == [event.area_pixels for event in other_events]


def test_full_width_and_wider() -> None:
    bundle = build_test_bundle(bands=12, samples_hint=1248, strip_lines=8, halo_lines=4, body_lines=16)
    radiance, _ = make_radiance(bundle, 20, 1400)
    products, _ = fly(bundle, radiance)
    assert products["quality"].shape == (20, 1400)
    assert np.isfinite(products["ch4_enhancement"]).all()


def test_reset_starts_afresh(bundle: TestBundle, radiance: Array) -> None:
    lacking = radiance.copy()
    lacking[..., [17, 20]] = np.nan
    with open_session(bundle, 50) as session:
        first = push_all(session, radiance, 64)
        session.reset()
        session.push(lacking[:37] * 2)
        session.reset()
        again = push_all(session, radiance, 64)
    assert same_bytes(first[0], again[0])
    assert first[1] == again[1]


@pytest.mark.parametrize(
    ("value", "bit"),
    [
        (-9999.0, NO_DATA),
        (-9990.0, CLOUDY),
        (-9998.0, MISSING),
        (-9997.0, CORRUPT),
        (-9996.0, CORRUPT),
        (np.nan, NON_FINITE),
        (np.inf, NON_FINITE),
        (-np.inf, NON_FINITE),
    ],
)
def test_flagged_pixels_carry_no_product(bundle: TestBundle, radiance: Array, value: float, bit: int) -> None:
    flagged = radiance[:50].copy()
    flagged[20, 7] = value
    products, _ = fly(bundle, flagged)
    assert products["quality"][20, 7] & NOT_AGE == bit
    assert products["plume_probability"][20, 7] == 0
    assert products["plume_mask"][20, 7] == 0
    assert np.isnan(products["ch4_enhancement"][20, 7])
    assert np.isnan(products["ch4_sigma"][20, 7])
    assert (products["mineral_probability"][:, 20, 7] == 0).all()
    assert np.isfinite(np.delete(products["ch4_enhancement"], 20, axis=0)).all()
    assert (np.delete(products["quality"], 20, axis=0) & NOT_AGE == 0).all()


def test_few_bad_bands_are_repaired(bundle: TestBundle, radiance: Array) -> None:
    clean, _ = fly(bundle, radiance[:60])
    damaged = radiance[:60].copy()
    damaged[30, 9, [0, 3, 4, 23]] = np.nan
    products, _ = fly(bundle, damaged)
    assert products["quality"][30, 9] & NOT_AGE == REPAIRED
    assert np.isfinite(products["ch4_enhancement"][30, 9])
    others = np.ones((60, 50), bool)
    others[30, 9] = False
    np.testing.assert_allclose(
        products["ch4_enhancement"][others], clean["ch4_enhancement"][others], rtol=0.05, atol=30.0
    )
    damaged[30, 9, :9] = np.nan
    products, _ = fly(bundle, damaged)
    assert products["quality"][30, 9] & NOT_AGE == NON_FINITE


def test_bands_that_a_line_lacks_do_not_count_against_its_pixels(bundle: TestBundle, radiance: Array) -> None:
    clean, _ = fly(bundle, radiance)
    damaged = radiance.copy()
    dead = [1, 5, 10, 14, 19]
    damaged[..., dead] = -9999.0
    for pixel, bad in ((7, 8), (23, 9)):
        damaged[30, pixel, [b for b in range(24) if b not in dead][:bad]] = np.nan
    with open_session(bundle, 50) as session:
        products, _ = push_all(session, damaged, 64)
        health = session.health()
    expected = np.full(products["quality"].shape, REPAIRED)
    expected[30, 23] = NON_FINITE | NO_DATA
    np.testing.assert_array_equal(products["quality"] & NOT_AGE, expected)
    assert (health.lines_lacking_bands, health.most_lacking_bands) == (150, 5)
    strong = clean["ch4_enhancement"] > 3000
    strong[30, [7, 23]] = False
    assert strong.sum() > 20
    found = products["ch4_enhancement"][strong] / clean["ch4_enhancement"][strong]
    assert np.median(found) == pytest.approx(1.0, abs=0.15)


def test_saturated_pixels_stay_valid(bundle: TestBundle, radiance: Array) -> None:
    bright = radiance[:50].copy()
    bright[10, 10, 2] = 1e30
    products, _ = fly(bundle, bright)
    assert products["quality"][10, 10] & NOT_AGE == SATURATED
    assert np.isfinite(products["ch4_enhancement"][10, 10])


def test_young_statistics_are_marked(bundle: TestBundle, radiance: Array) -> None:
    """The first event knows 24 lines, the second 40."""
    products, _ = fly(bundle, radiance)
    immature = products["quality"] & IMMATURE != 0
    assert immature[:24].all()
    assert not immature[40:].any()


def test_an_all_fill_capture_runs_to_its_end(bundle: TestBundle) -> None:
    products, events = fly(bundle, np.full((60, 50, 24), -9999.0, np.float32))
    assert (products["quality"] & NO_DATA != 0).all()
    assert not events
    assert (products["plume_probability"] == 0).all()


def test_zero_and_negative_radiance_run_to_the_end(bundle: TestBundle, radiance: Array) -> None:
    dark = radiance[:60].copy()
    dark[:, :10] = 0.0
    dark[:, 10:20] = -1.0
    dark[:, 20:30] = 1e-42
    products, _ = fly(bundle, dark)
    assert np.isfinite(products["ch4_enhancement"]).all()
    assert np.isfinite(products["plume_probability"]).all()


def test_a_product_not_asked_for_is_nan(bundle: TestBundle, radiance: Array) -> None:
    products, events = fly(bundle, radiance, products=("minerals",))
    assert np.isnan(products["plume_probability"]).all()
    assert np.isnan(products["ch4_enhancement"]).all()
    assert (products["plume_mask"] == 0).all()
    assert not events
    assert np.isfinite(products["mineral_probability"]).all()
    products, events = fly(bundle, radiance, products=("methane",))
    assert np.isnan(products["mineral_probability"]).all()
    assert events


def test_health_counts_what_happened(bundle: TestBundle, radiance: Array) -> None:
    flagged = radiance.copy()
    flagged[5] = -9998.0
    flagged[6, 3, 2] = np.nan
    with open_session(bundle, 50) as session:
        _, events = push_all(session, flagged, 64)
        session.scrub()
        health = session.health()
    assert health.lines_pushed == health.lines_delivered == 150
    assert health.strips == 10
    assert health.events == len(events)
    assert health.events_dropped == 0
    assert health.invalid_pixels == 50
    assert health.repaired_pixels == 1
    assert health.engine_in_block
    assert health.allocations_after_open == 0
    assert 0 < health.inference_high_water < health.inference_bytes
    assert health.arena_high_water < health.arena_bytes
    assert (health.scrubs, health.scrub_errors) == (1, 0)


def test_the_session_says_what_its_bundle_is(bundle: TestBundle) -> None:
    with open_session(bundle, 50) as session:
        info = session.bundle
    assert (info.name, info.version, info.sequence) == ("test", "0.0.0", 7)
    assert info.centres.shape == info.fwhm.shape == (24,)
    assert len(info.minerals) == 10
    assert info.plan["strip_lines"] == 16


def test_two_sessions_do_not_disturb_each_other(bundle: TestBundle, radiance: Array) -> None:
    alone, _ = fly(bundle, radiance)
    with open_session(bundle, 50) as one, open_session(bundle, 40) as other:
        other.push(radiance[:90, :40])
        products, _ = push_all(one, radiance, 16)
        other.push(radiance[90:, :40])
    assert same_bytes(alone, products)


def test_wrong_use_is_told(bundle: TestBundle, radiance: Array) -> None:
    session = open_session(bundle, 50)
    with pytest.raises(UsageError, match="found: float64"):
        session.push(radiance.astype(np.float64))
    with pytest.raises(UsageError, match=r"expected: float32 \(n, 50, 24\)"):
        session.push(radiance[:, :49])
    session.flush()
    with pytest.raises(UsageError, match="reset"):
        session.push(radiance[:1])
    session.close()
    session.close()
    with pytest.raises(UsageError, match="closed"):
        session.flush()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"samples": 0}, "samples"),
        ({"samples": 1 << 33}, "samples"),
        ({"samples": 70000}, "1 to 65536"),
        ({"threads": 0}, "threads"),
        ({"threads": 65}, "threads"),
        ({"pixel_size_m": 0.0}, "pixel_size_m"),
        ({"pixel_size_m": float("nan")}, "pixel_size_m"),
        ({"products": ()}, "products"),
        ({"products": ("ozone",)}, "ozone"),
        ({"trusted_keys": [b"short"]}, "32 bytes"),
        ({"minimum_sequence": -1}, "minimum_sequence"),
    ],
)
def test_arguments_out_of_range_are_named(bundle: TestBundle, arguments: dict[str, Any], word: str) -> None:
    complete = {"samples": 50, "trusted_keys": [bundle.public_key], **arguments}
    with pytest.raises(UsageError, match=word):
        FlightSession(bundle.data, **complete)


def test_a_known_answer_is_held(bundle: TestBundle) -> None:
    radiance, _ = make_radiance(bundle, 40, 20)
    products, _ = fly(bundle, radiance)
    answer = np.stack([products["plume_probability"], products["ch4_enhancement"]], axis=1)
    good = build_test_bundle(known=(radiance, answer))
    wider: dict[str, Any] = {"products": ("minerals",)}
    for samples, options in ((20, {}), (33, wider)):
        with open_session(good, samples, **options) as session:
            assert session.health().known_answers == 1
            session.scrub()
            session.reset()
            assert session.health().known_answers == 2
            # After a capture it is not run: the session must not take lines again by itself.
            session.flush()
            session.scrub()
            assert session.health().known_answers == 2
            with pytest.raises(UsageError, match="reset"):
                session.push(np.ones((1, samples, radiance.shape[2]), np.float32))
    wrong = answer.copy()
    wrong[30, 0, 5] += 0.5
    bad = build_test_bundle(known=(radiance, wrong))
    with pytest.raises(BundleError, match=r"known input.*line 30, sample 5"):
        open_session(bad, 20)
    open_session(bad, 20, known_answer=False).close()
    with open_session(bad, 19) as session:
        assert session.health().known_answers == 0
