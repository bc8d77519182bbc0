"""What replay needs of a flight session, as protocols, so that it imports no native code by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]


class ProductBlock(Protocol):
    """Products of ``n`` consecutive lines; minerals first axis, then (n, samples)."""

    @property
    def first_line(self) -> int: ...  # noqa: D102
    @property
    def plume_probability(self) -> FloatArray: ...  # noqa: D102
    @property
    def plume_mask(self) -> ByteArray: ...  # noqa: D102
    @property
    def ch4_enhancement(self) -> FloatArray: ...  # noqa: D102
    @property
    def ch4_sigma(self) -> FloatArray: ...  # noqa: D102
    @property
    def mineral_probability(self) -> FloatArray: ...  # noqa: D102
    @property
    def quality(self) -> ByteArray: ...  # noqa: D102


class PlumeEvent(Protocol):
    """One closed plume; lines and samples in sensor geometry, enhancements in ppm m."""

    @property
    def event_id(self) -> int: ...  # noqa: D102
    @property
    def first_line(self) -> int: ...  # noqa: D102
    @property
    def last_line(self) -> int: ...  # noqa: D102
    @property
    def first_sample(self) -> int: ...  # noqa: D102
    @property
    def last_sample(self) -> int: ...  # noqa: D102
    @property
    def area_pixels(self) -> int: ...  # noqa: D102
    @property
    def peak_line(self) -> int: ...  # noqa: D102
    @property
    def peak_sample(self) -> int: ...  # noqa: D102
    @property
    def centroid_line(self) -> float: ...  # noqa: D102
    @property
    def centroid_sample(self) -> float: ...  # noqa: D102
    @property
    def peak_enhancement(self) -> float: ...  # noqa: D102
    @property
    def mean_enhancement(self) -> float: ...  # noqa: D102
    @property
    def ime_kg(self) -> float: ...  # noqa: D102
    @property
    def confidence(self) -> float: ...  # noqa: D102
    @property
    def detected_at_line(self) -> int: ...  # noqa: D102
    @property
    def touches_edge(self) -> bool: ...  # noqa: D102


EVENT_FIELDS = (
    "event_id",
    "first_line",
    "last_line",
    "first_sample",
    "last_sample",
    "area_pixels",
    "peak_line",
    "peak_sample",
    "centroid_line",
    "centroid_sample",
    "peak_enhancement",
    "mean_enhancement",
    "ime_kg",
    "confidence",
    "detected_at_line",
    "touches_edge",
)


class BundleInfo(Protocol):
    """What an opened session says of its bundle."""

    @property
    def manifest(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def sequence(self) -> int: ...  # noqa: D102
    @property
    def key_id(self) -> str: ...  # noqa: D102
    @property
    def minerals(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def plan(self) -> Mapping[str, Any]: ...  # noqa: D102


class Session(Protocol):
    """The part of ``onboard.flight.FlightSession`` that replay uses."""

    @property
    def bundle(self) -> BundleInfo: ...  # noqa: D102

    def push(self, radiance: FloatArray, /) -> Sequence[ProductBlock]:
        """Take lines, return the products that they completed."""
        ...

    def flush(self) -> Sequence[ProductBlock]:
        """Return the products of the lines still held."""
        ...

    def poll_events(self) -> Sequence[PlumeEvent]:
        """Return the plumes closed since the last call."""
        ...

    def health(self) -> Any:
        """Counters and high-water marks."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


OpenSession = Callable[..., Session]
