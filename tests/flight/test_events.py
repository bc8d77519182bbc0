"""Streaming components against scipy's labels of the whole mask, for any mask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from onboard.flight import FlightSession, PlumeEvent
from tests.flight.flying import Array, open_session, push_all
from tests.support.bundles import TestBundle, build_test_bundle, make_mask_graphs, plan_for

SMALL: dict[str, int] = {"strip_lines": 8, "halo_lines": 2, "body_lines": 12}
WIDTH = 24
BANDS = 8
KG_PER_PPM_M_M2 = 16.04 / 22.4 * 1e-6
EVERYTHING = np.ones((3, 3), int)


def make_bundle(**plan_values: Any) -> TestBundle:
    """Build a bundle whose mask is where the first band is brighter than the reference."""
    values: dict[str, Any] = {**SMALL, **plan_values}
    graphs = make_mask_graphs(plan_for(BANDS, WIDTH, **values))
    return build_test_bundle(bands=BANDS, samples_hint=WIDTH, parts=graphs, **values)


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return make_bundle(event_min_pixels=1, event_peak_probability=0.5)


@pytest.fixture(scope="module")
def session(bundle: TestBundle) -> Iterator[FlightSession]:
    with open_session(bundle, WIDTH, pixel_size_m=30.0) as session:
        yield session


def paint(bundle: TestBundle, mask: npt.NDArray[np.bool_]) -> Array:
    """Return radiance that makes the core see this mask."""
    random = np.random.default_rng(int(mask.sum()))
    log = random.normal(0.0, 0.1, (*mask.shape, BANDS))
    log[..., 0] = np.where(mask, 0.5, -0.5)
    return np.asarray(bundle.tables["reference"] * np.exp(log), np.float32)


def find(session: FlightSession, bundle: TestBundle, mask: npt.NDArray[np.bool_]) -> list[PlumeEvent]:
    """Fly a mask; returns the events after holding each against scipy's component."""
    session.reset()
    products, events = push_all(session, paint(bundle, mask), 5)
    assert np.array_equal(products["plume_mask"] == 1, mask)
    labels, count = ndimage.label(mask, EVERYTHING)
    assert len(events) == count
    seen = set()
    for event in events:
        label = labels[event.peak_line, event.peak_sample]
        assert label > 0
        seen.add(label)
        compare(event, labels == label, products["ch4_enhancement"], products["plume_probability"])
    assert len(seen) == count
    assert [event.event_id for event in events] == list(range(1, count + 1))
    return events


def compare(event: PlumeEvent, member: npt.NDArray[np.bool_], alpha: Array, probability: Array) -> None:
    """Hold one event against the pixels of its component."""
    lines, samples = np.nonzero(member)
    values = alpha[member].astype(np.float64)
    assert event.area_pixels == len(lines)
    assert (event.first_line, event.last_line) == (lines.min(), lines.max())
    assert (event.first_sample, event.last_sample) == (samples.min(), samples.max())
    assert event.centroid_line == pytest.approx(lines.mean())
    assert event.centroid_sample == pytest.approx(samples.mean())
    assert event.peak_enhancement == values.max()
    assert alpha[event.peak_line, event.peak_sample] == event.peak_enhancement
    assert event.mean_enhancement == pytest.approx(values.mean(), rel=1e-5, abs=1e-3)
    assert event.ime_kg == pytest.approx(values.sum() * 900.0 * KG_PER_PPM_M_M2, rel=1e-9, abs=1e-9)
    assert event.confidence == probability[member].max()
    height, width = member.shape
    at_edge = (
        lines.min() == 0 or lines.max() == height - 1 or samples.min() == 0 or samples.max() == width - 1
    )
    assert event.touches_edge == at_edge


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), lines=st.integers(1, 40), density=st.floats(0.0, 1.0))
def test_any_mask(session: FlightSession, bundle: TestBundle, seed: int, lines: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((lines, WIDTH)) < density
    find(session, bundle, mask)


def test_shapes_that_join_late(session: FlightSession, bundle: TestBundle) -> None:
    """Combs, spirals and diagonals: many runs that turn out to be one component."""
    comb = np.zeros((30, WIDTH), bool)
    comb[:20, ::2] = True
    assert len(find(session, bundle, comb)) == 12
    comb[20] = True
    assert len(find(session, bundle, comb)) == 1
    ring = np.zeros((30, WIDTH), bool)
    ring[2:28, 2:22] = True
    ring[4:26, 4:20] = False
    ring[10:14, 8:12] = True
    assert len(find(session, bundle, ring)) == 2
    checks = np.indices((20, WIDTH)).sum(axis=0) % 2 == 0
    assert len(find(session, bundle, checks)) == 1
    isolated = np.zeros((21, WIDTH), bool)
    isolated[::2, ::2] = True
    assert len(find(session, bundle, isolated)) == 11 * 12


def test_small_and_unsure_plumes_are_not_reported() -> None:
    mask = np.zeros((20, WIDTH), bool)
    mask[3, 3:5] = True
    mask[8:10, 10:13] = True
    wary = make_bundle(event_min_pixels=3, event_peak_probability=0.5)
    with open_session(wary, WIDTH) as session:
        _, events = push_all(session, paint(wary, mask), 20)
    assert [event.area_pixels for event in events] == [6]
    strict = make_bundle(event_min_pixels=3, event_peak_probability=1.0)
    sure = paint(strict, mask)
    sure[..., 0] = strict.tables["reference"][0] * np.where(mask, 1.01, 0.5)
    with open_session(strict, WIDTH) as session:
        products, events = push_all(session, sure, 20)
    assert np.array_equal(products["plume_mask"] == 1, mask)
    assert not events


@pytest.mark.parametrize(("lost", "count"), [(1, 1), (4, 1), (5, 2)])
def test_a_plume_goes_on_behind_a_few_lost_lines(
    session: FlightSession, bundle: TestBundle, lost: int, count: int
) -> None:
    """Wherever they lie: within a strip, at its end, or on both sides of it."""
    for first in (5, 8 - lost, 7):
        mask = np.zeros((24, WIDTH), bool)
        mask[1:18, 6:11] = True
        radiance = paint(bundle, mask)
        radiance[first : first + lost] = -9998.0
        mask[first : first + lost] = False
        session.reset()
        products, events = push_all(session, radiance, 5)
        assert np.array_equal(products["plume_mask"] == 1, mask)
        assert len(events) == count
        assert sum(event.area_pixels for event in events) == mask.sum()
        assert (events[0].first_line, events[-1].last_line) == (1, 17)
        assert all(event.touches_edge == (lost > 4) for event in events)


@pytest.mark.parametrize("lines", [8, 16, 19])
@pytest.mark.parametrize("halo", [0, 2])
def test_the_last_events_come_with_the_flush_whatever_the_halo(halo: int, lines: int) -> None:
    """Without a halo the last whole strip runs as its lines arrive; the flush finds none left to run."""
    bundle = make_bundle(
        event_min_pixels=1, event_peak_probability=0.5, halo_lines=halo, body_lines=8 + 2 * halo
    )
    mask = np.zeros((lines, WIDTH), bool)
    mask[2:4, 3:6] = mask[lines - 3 :, 10:14] = True
    with open_session(bundle, WIDTH, pixel_size_m=30.0) as session:
        assert len(find(session, bundle, mask)) == 2
        assert session.flush() == []
        assert session.poll_events() == []
