"""What engines are compared on: a bundle's known answer as stem and body see it, seeded values elsewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from export.tensorrt.checker import Source
from export.tensorrt.parity import SEED, Array, Run, graph_shape, reference_run, seeded_input
from onboard.errors import BundleError
from onboard.flight.bundle import read_container
from onboard.flight.contents import FLOAT_PART, STEM_PART, Contents, read_contents
from onboard.models.filter_tables import FilterSettings, FilterTables
from onboard.models.ground_classes import GroundClasses
from onboard.models.log_radiance import log_radiance
from onboard.models.streaming_filter import StreamingMatchedFilter
from onboard.models.teaching import DARK_LIMIT

BRIGHTNESS_CLIP = 3.0
KNOWN = "the bundle's known answer"


class Samples:
    """Inputs to compare engines on.

    Args:
        source: The file that the graphs are of.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._contents: Contents | None = None
        self._stem = b""
        if source.kind == "bundle":
            container = read_container(source.data, name=str(source.path))
            contents = read_contents(container)
            self._stem = bytes(container.parts[STEM_PART])
            self._contents = None if contents.known_input is None else contents

    def of(self, graph: str) -> tuple[str, Array]:
        """Return what a graph's input is, and the input.

        Raises:
            BundleError: If the graph does not take its bundle's known answer.
        """
        shape, contents = graph_shape(self._source.graphs[graph]), self._contents
        if contents is None or graph not in (STEM_PART, FLOAT_PART):
            return f"normal values, seed {SEED}", seeded_input(shape)
        values = (
            stem_input(contents) if graph == STEM_PART else body_input(contents, reference_run(self._stem))
        )
        if values.shape != shape:
            raise BundleError(
                "a graph does not take its bundle's known answer",
                file=self._source.path,
                field=graph,
                found=shape,
                expected=values.shape,
            )
        return KNOWN, values

    def answer(self, graph: str, run: Run) -> float | None:
        """Return a body's largest difference from the recorded plume probabilities; None for other graphs."""
        contents = self._contents
        if contents is None or contents.known_output is None or graph != FLOAT_PART:
            return None
        plan = contents.plan
        logits = run(self.of(graph)[1])
        rows = slice(plan.halo_lines, plan.halo_lines + plan.known_lines)
        found = 1 / (1 + np.exp(-logits[0, 0, rows, : plan.known_samples].astype(np.float64)))
        return float(np.abs(found - contents.known_output[:, 0]).max())


def stem_input(contents: Contents) -> Array:
    """Return the known input as the stem sees it: (stem_pixels, bands) float32, repeated to fill the shape.

    Raises:
        ValueError: If the bundle has no known answer.
    """
    pixels = _log(contents).reshape(-1, contents.plan.bands)
    return np.ascontiguousarray(np.resize(pixels, (contents.plan.stem_pixels, contents.plan.bands)))


def body_input(contents: Contents, stem: Run) -> Array:
    """Return the known input as the body sees it: (1, channels, body_lines, body_samples) float32.

    The known capture lies in the corner of a window, behind the halo of lines before it; the rest is empty,
    as in flight. Statistics are those of :class:`~onboard.models.streaming_filter.StreamingMatchedFilter`.

    Args:
        contents: A bundle's contents with a known answer.
        stem: Runs the bundle's stem on (stem_pixels, bands).
    """
    plan, log = contents.plan, _log(contents)
    lines, samples = log.shape[:2]
    count = plan.static_features + plan.dynamic_features
    rows = np.resize(log.reshape(-1, plan.bands), (plan.stem_pixels, plan.bands))
    if lines * samples > plan.stem_pixels:
        raise ValueError(f"a known answer of {lines} x {samples} is more than {plan.stem_pixels} pixels")
    features = stem(np.ascontiguousarray(rows))[: lines * samples].reshape(lines, samples, count)
    static, dynamic = np.split(features, [plan.static_features], axis=-1)
    valid = np.ones((lines, samples), np.bool_)
    labels = _labels(contents, log)
    filtered = _filter(contents, samples).absorb(log[..., contents.mf_bands], valid, 0, dynamic, labels)
    clip = plan.feature_clip
    # What is too dark to tell of gas tells of none.
    alpha = filtered.enhancement * (filtered.brightness > DARK_LIMIT)
    physics = np.stack(
        [
            np.clip(alpha / plan.alpha_scale, -plan.alpha_clip, plan.alpha_clip),
            np.clip(alpha / filtered.sigma, -plan.z_clip, plan.z_clip),
            np.ones_like(alpha),
            np.clip(filtered.brightness, -BRIGHTNESS_CLIP, BRIGHTNESS_CLIP),
        ],
        axis=-1,
    )
    planes = np.concatenate(
        [physics, np.clip(static, -clip, clip), np.clip(filtered.dynamic, -clip, clip)], axis=-1
    )
    window = np.zeros((1, plan.channels, plan.body_lines, plan.body_samples), np.float32)
    first = plan.halo_lines
    window[0, :, first : first + lines, :samples] = planes.transpose(2, 0, 1)
    return window


def _log(contents: Contents) -> Array:
    if contents.known_input is None:
        raise ValueError("the bundle has no known answer")
    return log_radiance(contents.known_input, contents.reference.astype(np.float64))


def _labels(contents: Contents, log: Array) -> npt.NDArray[np.uint8] | None:
    if contents.classes is None:
        return None
    book = GroundClasses(contents.classes.bands, contents.classes.centres)
    return book.assign(log[..., book.bands])


def _filter(contents: Contents, samples: int) -> StreamingMatchedFilter:
    bands, plan = contents.mf_bands, contents.plan
    tables = FilterTables(
        contents.alphas.astype(np.float64),
        contents.log_transmittance.astype(np.float64),
        contents.reference[bands].astype(np.float64),
        contents.noise[0].astype(np.float64),
        contents.noise[1].astype(np.float64),
        classes=0 if contents.classes is None else len(contents.classes.centres),
        exclude_near=plan.exclude_near,
    )
    settings = FilterSettings(plan.memory_lines, plan.covariance_stride, plan.kappa, plan.exclude_sigma)
    return StreamingMatchedFilter(tables, samples, plan.dynamic_features, settings)
