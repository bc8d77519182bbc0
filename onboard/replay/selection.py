"""Which products a capture's bands allow: the rest is dropped by name, never in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onboard.errors import BundleError, CaptureError, UsageError
from onboard.replay.session import FloatArray

SHORT_CAPTURE_LINES = 32


class BandMatch(Protocol):
    """How a capture's bands meet a bundle's (``onboard.captures.band_match``)."""

    @property
    def identical(self) -> bool: ...  # noqa: D102
    @property
    def worst_mismatch_nm(self) -> float: ...  # noqa: D102

    def apply(self, block: FloatArray, /) -> FloatArray:
        """Resample (n, samples, bands) to the bundle's bands."""
        ...

    def covers(self, ranges_nm: Sequence[tuple[float, float]], /) -> bool:
        """True if the capture has bands all through the ranges."""
        ...


@dataclass(frozen=True)
class Selection:
    """Products to fly.

    Attributes:
        kept: Names, in the bundle's order.
        dropped: Name to the reason.
    """

    kept: tuple[str, ...]
    dropped: dict[str, str]


def bundle_description(parts: Mapping[str, Any], file: object) -> dict[str, Any]:
    """Manifest of a bundle, with the parts of it that replay needs checked.

    Args:
        parts: The container's parts by name.
        file: The bundle, for messages.

    Raises:
        BundleError: The manifest is missing, no JSON object, or lacks ``products``.
    """
    try:
        manifest = json.loads(bytes(parts["manifest.json"]))
        products = {name: _ranges(entry) for name, entry in manifest["products"].items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BundleError(
            "the bundle's manifest cannot be read",
            file=str(file),
            field="manifest.json",
            found=f"{type(error).__name__}: {error}",
            expected="a JSON object with `products` and the wavelengths that each requires",
            remedy="build the bundle again",
        ) from error
    if not products:
        raise BundleError("the bundle has no products", file=str(file), field="manifest.json: products")
    return dict(manifest, required_nm=products)


def bundle_bands(parts: Mapping[str, Any], file: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and widths, nm, of the bands that a bundle was baked for.

    Raises:
        BundleError: The part is missing or has an odd size.
    """
    raw = parts.get("bands.f32", b"")
    if len(raw) == 0 or len(raw) % 8:
        raise BundleError(
            "the bundle's band table cannot be read",
            file=str(file),
            field="bands.f32",
            found=f"{len(raw)} bytes",
            expected="two rows of float32: centre and FWHM",
            remedy="build the bundle again",
        )
    table = np.frombuffer(bytes(raw), "<f4").reshape(2, -1).astype(np.float64)
    return table[0], table[1]


def select_products(
    required_nm: Mapping[str, list[tuple[float, float]]],
    wanted: Sequence[str] | None,
    match: BandMatch,
    centres: NDArray[np.float64],
    file: object,
) -> Selection:
    """Keep the products that were asked for and whose bands the capture has.

    Args:
        required_nm: Product to the wavelength ranges that it needs, nm.
        wanted: Names asked for; all of the bundle's when None.
        match: The capture's bands against the bundle's.
        centres: The capture's band centres, nm, for messages.
        file: The capture, for messages.

    Raises:
        UsageError: A product was asked for that the bundle has not.
        CaptureError: No product is left.
    """
    unknown = [name for name in wanted or () if name not in required_nm]
    if unknown:
        raise UsageError(
            "the bundle has no such product",
            field="--products",
            found=", ".join(unknown),
            expected=f"some of {', '.join(required_nm)}",
        )
    kept: list[str] = []
    dropped: dict[str, str] = {}
    for name, ranges in required_nm.items():
        if wanted is not None and name not in wanted:
            continue
        missing = [pair for pair in ranges if not match.covers([pair])]
        if missing:
            spans = ", ".join(f"{low:g}-{high:g} nm" for low, high in missing)
            dropped[name] = f"the capture lacks bands in {spans}"
        else:
            kept.append(name)
    if not kept:
        raise CaptureError(
            "the capture lacks the bands of every product asked for",
            file=str(file),
            field="wavelengths",
            found=f"{centres.size} bands, {centres.min():.0f}-{centres.max():.0f} nm",
            expected="; ".join(f"{name}: {reason}" for name, reason in dropped.items()),
            remedy="use a capture that reaches these wavelengths, or a bundle made for this instrument",
        )
    return Selection(tuple(kept), dropped)


def warnings_before(selection: Selection, match: BandMatch, lines: int) -> list[str]:
    """What the user must know before the first line.

    Args:
        selection: The products kept and dropped.
        match: The capture's bands against the bundle's.
        lines: Lines of the capture.
    """
    found = [f"product {name} is dropped: {reason}" for name, reason in selection.dropped.items()]
    if not match.identical:
        found.append(
            "the capture's bands are not the bundle's: radiance is resampled, worst mismatch "
            f"{match.worst_mismatch_nm:.2f} nm"
        )
    if lines < SHORT_CAPTURE_LINES:
        found.append(
            f"the capture has only {lines} lines: the statistics of a column are immature below "
            f"{SHORT_CAPTURE_LINES}, so its methane is not to be relied on"
        )
    return found


def _ranges(entry: Any) -> list[tuple[float, float]]:
    return [(float(low), float(high)) for low, high in entry["required_nm"]]
