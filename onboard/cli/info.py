"""``onboard info``: what a capture holds, and which products it could feed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from onboard.captures import Capture

# What products need, where no bundle can be asked: methane's bands, and those of iron and clay minerals.
USUAL_NEEDS: dict[str, list[list[float]]] = {
    "methane": [[2130.0, 2440.0]],
    "minerals": [[450.0, 1300.0], [2000.0, 2440.0]],
}
SCAN_LINES = 32


@click.command(short_help="Say what a capture holds.")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--bundle", type=click.Path(path_type=Path), help="Bundle whose needs to hold it against.")
@click.option("--scan", is_flag=True, help="Read all lines and count flagged and non-finite pixels.")
@click.option(
    "--assume-radiance", is_flag=True, help="Take an ENVI file's values for radiance, whatever it says."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(capture: Path, bundle: Path | None, scan: bool, assume_radiance: bool, as_json: bool) -> None:
    """Say what CAPTURE holds: an EMIT L1B RAD netCDF file, or an ENVI header or its data file."""
    from onboard.captures import open_capture

    with open_capture(capture, assume_radiance=assume_radiance) as opened:
        report = describe(opened, bundle)
        if scan:
            report["pixels"] = scan_pixels(opened)
    click.echo(json.dumps(report, indent=2) if as_json else _text(report))


def describe(capture: Capture, bundle: Path | None = None) -> dict[str, Any]:
    """Collect what a capture tells without reading its lines.

    Args:
        capture: The open capture.
        bundle: Bundle whose needs to hold it against; the shipped one if None.

    Returns:
        Values that JSON can carry; None where the capture does not tell.

    Raises:
        CaptureError: If the location cannot be read.
        BundleError: If a bundle that was asked for cannot be read.
    """
    from onboard.captures import band_match
    from onboard.sensors import load_sensor

    emit = load_sensor("emit")
    match = band_match(capture.centres, capture.fwhm, emit.centres, emit.fwhm)
    needs, source = product_needs(bundle)
    location = capture.location()
    extent = None if location is None else location.extent()
    names = ("west", "south", "east", "north")
    products = {}
    for name, ranges in needs.items():
        missing = match.uncovered(ranges)
        products[name] = {"possible": not missing, "missing_nm": [list(gap) for gap in missing]}
    return {
        "file": str(capture.path),
        "format": capture.format,
        "granule": capture.granule,
        "size_bytes": capture.size_bytes,
        "lines": capture.lines,
        "samples": capture.samples,
        "bands": capture.bands,
        "wavelength_nm": [float(capture.centres.min()), float(capture.centres.max())],
        "fwhm_nm": [float(capture.fwhm.min()), float(capture.fwhm.max())],
        "emit_bands": {
            "identical": match.identical,
            "worst_mismatch_nm": match.worst_mismatch_nm,
            "missing": int(match.missing.sum()),
            "summary": match.summary(),
        },
        "time_coverage": None if capture.time_coverage is None else list(capture.time_coverage),
        "pixel_size_m": capture.pixel_size_m,
        "location": None if extent is None else dict(zip(names, extent, strict=True)),
        "products": products,
        "products_of": source,
    }


def product_needs(bundle: Path | None) -> tuple[Mapping[str, Sequence[Sequence[float]]], str]:
    """Wavelength ranges that each product needs, and who says so.

    Args:
        bundle: The bundle to ask; the shipped one if None, and usual figures where that is not there.

    Raises:
        BundleError: If a bundle that was asked for cannot be read.
    """
    from onboard.errors import BundleError
    from onboard.flight.bundle import default_bundle_path, read_container
    from onboard.flight.contents import read_contents

    path = bundle or default_bundle_path()
    try:
        manifest = read_contents(read_container(path)).manifest
    except BundleError:
        if bundle is not None:
            raise
        return USUAL_NEEDS, "usual needs; the shipped bundle cannot be read"
    needs = {name: entry["required_nm"] for name, entry in manifest["products"].items()}
    return needs, f"{manifest['name']} {manifest['version']}"


def scan_pixels(capture: Capture) -> dict[str, Any]:
    """Read all lines and count pixels by what they hold.

    Args:
        capture: The open capture.

    Raises:
        CaptureError: If a line cannot be read.
    """
    from onboard.captures.flags import FlagCounts
    from onboard.progress import progress

    counts = FlagCounts()
    blocks = capture.blocks(SCAN_LINES, non_finite="keep", require_data=False)
    for block in progress(blocks, total=-(-capture.lines // SCAN_LINES), label="scan", unit="block"):
        counts.add(block.radiance)
    return {
        "total": capture.lines * capture.samples,
        "valid": counts.valid,
        "flagged": dict(sorted(counts.flagged.items())),
        "partly_flagged": counts.partly_flagged,
        "non_finite": counts.non_finite,
    }


def _text(report: dict[str, Any]) -> str:
    low, high = report["wavelength_nm"]
    width = "{:.2f} to {:.2f} nm".format(*report["fwhm_nm"])
    place, pixel = report["location"], report["pixel_size_m"]
    rows = [
        ("file", f"{report['file']} ({report['size_bytes'] / 1e6:.1f} MB, {report['format']})"),
        ("granule", report["granule"]),
        ("size", f"{report['lines']} lines x {report['samples']} samples x {report['bands']} bands"),
        ("wavelengths", f"{low:.1f} to {high:.1f} nm, FWHM {width}"),
        ("EMIT's bands", report["emit_bands"]["summary"]),
        ("time", " to ".join(report["time_coverage"]) if report["time_coverage"] else "not given"),
        ("pixel size", f"{pixel:g} m" if pixel else "not given"),
        ("location", ", ".join(f"{k} {v:.4f}" for k, v in place.items()) if place else "not given"),
    ]
    for name, product in report["products"].items():
        gaps = ", ".join(f"{a:.0f}-{b:.0f} nm" for a, b in product["missing_nm"])
        rows.append((name, "possible" if product["possible"] else f"not possible: no bands in {gaps}"))
    rows.append(("needs by", report["products_of"]))
    pixels = report.get("pixels")
    if pixels:
        rows.append(("valid", f"{pixels['valid']} of {pixels['total']} pixels"))
        rows += [(name, f"{count} pixels") for name, count in pixels["flagged"].items()]
        rows.append(("partly flagged", f"{pixels['partly_flagged']} pixels"))
        rows.append(("not finite", f"{pixels['non_finite']} pixels"))
    return "\n".join(f"{name:<15}{value}" for name, value in rows)
