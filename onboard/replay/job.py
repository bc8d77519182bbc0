"""One replay from capture file to run folder."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onboard.captures import Capture, Location, band_match, check_block, open_capture
from onboard.captures import LineBlock as ReadBlock
from onboard.errors import BundleError, CaptureError, DeadlineError, OutputError, UsageError
from onboard.flight.bundle import default_bundle_path, read_container
from onboard.flight.contents import read_contents
from onboard.flight.trust import read_key_file
from onboard.progress import progress
from onboard.replay import selection, summary
from onboard.replay.denoised import DenoisedHeader, DenoisedWriter
from onboard.replay.events import feature_collection
from onboard.replay.player import LineBlock, Listeners, Playback, Player
from onboard.replay.products import METHANE, ProductsHeader, ProductsWriter
from onboard.replay.quicklook import Quicklooks
from onboard.replay.resampled_gas import resampled_gas
from onboard.replay.run_folder import (
    DENOISED,
    EVENTS,
    PRODUCTS,
    QUICKLOOKS,
    SUMMARY,
    check_replaceable,
    new_run_folder,
    write_json,
)
from onboard.replay.session import OpenSession, ProductBlock, Session
from onboard.sensors import load_sensor

log = logging.getLogger(__name__)

SMALL_FILES_BYTES = 2 << 20
PICTURE_BYTES_A_PIXEL = 8


@dataclass(frozen=True)
class ReplayJob:
    """What to replay, with what, and where to.

    Attributes:
        capture: EMIT L1B RAD netCDF or ENVI header.
        out: Run folder to make.
        bundle: Bundle to fly; the shipped one when None.
        overwrite: Replace an earlier run at ``out``.
        products: Products to fly; all of the bundle's when None.
        nonfinite: Refuse NaN and infinite radiance, or let the flight core mask it.
        threads: Threads of the flight core.
        block_lines: Lines read at a time.
        target: Name of the machine, for the record.
        assume_radiance: Take an ENVI file's values for radiance, whatever they look like.
        realtime: Deliver lines at the instrument's pace.
        strict: Raise when a deadline was missed.
        in_memory: Read all lines before the first push.
        trust: Public key files to trust instead of the installed ones.
        denoised: Also write denoised radiance: of all strips, or of those with a pixel in the plume mask.
    """

    capture: Path
    out: Path
    bundle: Path | None = None
    overwrite: bool = False
    products: tuple[str, ...] | None = None
    nonfinite: Literal["refuse", "mask"] = "refuse"
    threads: int = 2
    block_lines: int = 32
    target: str = "host"
    assume_radiance: bool = False
    realtime: bool = False
    strict: bool = False
    in_memory: bool = False
    trust: tuple[Path, ...] = ()
    denoised: Literal["all", "plumes"] | None = None


@dataclass
class _Flight:
    """A chosen bundle and how the capture meets it; ``swir`` are centres and widths of denoised bands, nm,
    ``gas_lines`` how methane shows in resampled lines."""

    path: Path
    sha256: str
    match: selection.BandMatch
    chosen: selection.Selection
    pixel_size_m: float
    line_period_s: float
    swir: tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]
    gas_lines: NDArray[np.float32] | None
    warnings: list[str] = field(default_factory=list)


def run_replay(job: ReplayJob, *, open_session: OpenSession | None = None) -> dict[str, Any]:
    """Replay a capture and leave a run folder.

    Args:
        job: What to do.
        open_session: Maker of the session; ``onboard.flight.FlightSession`` when None.

    Returns:
        The content of ``summary.json``.

    Raises:
        CaptureError: The capture cannot be used.
        BundleError: The bundle is refused.
        OutputError: The run folder cannot be written.
        DeadlineError: A deadline was missed and ``job.strict`` is set; the run folder is kept.
    """
    started = time.perf_counter()
    _check_places(job)
    with open_capture(job.capture, assume_radiance=job.assume_radiance) as capture:
        flight = _prepare(job, capture)
        for warning in flight.warnings:
            log.warning(warning)
        session = _open(open_session, job, flight, capture)
        try:
            report = _fly(job, capture, flight, session, started)
        finally:
            session.close()
    if job.strict and report["deadline_misses"]:
        raise DeadlineError(
            f"{report['deadline_misses']} of {report['lines']} lines missed their deadline",
            file=job.out / SUMMARY,
            field="deadline_misses",
            found=f"worst lag {report['deadline']['worst_lag_ms']} ms",
            expected=f"at most {report['deadline']['allowance_ms']} ms from arrival to completion",
            remedy="use more --threads or a faster target; the run folder was kept",
        )
    return report


def _check_places(job: ReplayJob) -> None:
    out = job.out.resolve()
    check_replaceable(out, overwrite=job.overwrite)
    for name, path in (("capture", job.capture), ("bundle", job.bundle)):
        if path is not None and path.resolve().is_relative_to(out):
            raise OutputError(
                f"the output folder holds the {name} itself",
                file=out,
                found=path,
                expected=f"a folder that does not hold the {name}",
                remedy="choose another --out",
            )


def _prepare(job: ReplayJob, capture: Capture) -> _Flight:
    path = job.bundle or default_bundle_path()
    opened = read_container(path)
    contents = read_contents(opened)
    if job.denoised is not None and contents.denoiser is None:
        raise _no_denoiser(path)
    match = band_match(capture.centres, capture.fwhm, contents.centres, contents.fwhm)
    required = {name: entry["required_nm"] for name, entry in contents.manifest["products"].items()}
    chosen = selection.select_products(required, job.products, match, capture.centres, job.capture)
    if job.denoised == "plumes" and METHANE not in chosen.kept:
        raise UsageError(
            "there are no strips with plumes to denoise without the methane product",
            field="--denoised",
            found=f"plumes, with {', '.join(chosen.kept)}",
            expected="all, or methane among the products",
        )
    warnings = selection.warnings_before(chosen, match, capture.lines, capture.centres)
    warnings += selection.warnings_of_limits(contents.limits, job.target, time.time())
    sensor = load_sensor(str(contents.manifest.get("sensor", "emit")))
    if capture.pixel_size_m is None:
        warnings.append(
            f"the capture does not tell its pixel size: areas and masses assume {sensor.pixel_size_m:g} m"
        )
    return _Flight(
        path=path,
        sha256=hashlib.sha256(opened.data).hexdigest(),
        match=match,
        chosen=chosen,
        pixel_size_m=float(capture.pixel_size_m or sensor.pixel_size_m),
        line_period_s=float(sensor.line_period_s),
        swir=(contents.centres[contents.mf_bands], contents.fwhm[contents.mf_bands]),
        gas_lines=resampled_gas(match, capture.centres, capture.fwhm, contents),
        warnings=warnings,
    )


def _no_denoiser(path: Path) -> BundleError:
    return BundleError(
        "the bundle has no denoiser",
        file=path,
        field="denoiser.onnx",
        found="no such part",
        expected="a bundle that was built with one, for --denoised",
        remedy="build it with `onboard bundle build RUN --denoiser DENOISER_RUN`, or leave --denoised away",
    )


def _has_plume(block: ProductBlock) -> bool:
    return bool(block.plume_mask.any())


def _open(maker: OpenSession | None, job: ReplayJob, flight: _Flight, capture: Capture) -> Session:
    if maker is None:
        from onboard.flight import FlightSession

        maker = FlightSession
    return maker(
        flight.path,
        samples=capture.samples,
        threads=job.threads,
        products=flight.chosen.kept,
        pixel_size_m=flight.pixel_size_m,
        trusted_keys=[read_key_file(path) for path in job.trust] or None,
        denoise=_has_plume if job.denoised == "plumes" else job.denoised == "all",
        gas_lines=flight.gas_lines,
    )


def _header(session: Session, capture: Capture, flight: _Flight) -> ProductsHeader:
    plan = session.bundle.plan
    minerals = tuple(session.bundle.minerals)
    return ProductsHeader(
        lines=capture.lines,
        samples=capture.samples,
        products=flight.chosen.kept,
        minerals=minerals,
        strip_lines=int(plan["strip_lines"]),
        plume_threshold=float(plan["plume_threshold"]),
        mineral_thresholds=tuple(float(value) for value in plan["mineral_thresholds"][: len(minerals)]),
        attributes={
            "source": str(capture.granule),
            "bundle": f"{session.bundle.name} {session.bundle.version}",
            "bundle_sha256": flight.sha256,
        },
    )


def _fly(
    job: ReplayJob, capture: Capture, flight: _Flight, session: Session, started: float
) -> dict[str, Any]:
    header = _header(session, capture, flight)
    room = header.size_estimate + PICTURE_BYTES_A_PIXEL * header.lines * header.samples + SMALL_FILES_BYTES
    swir = DenoisedHeader(header.lines, header.samples, *flight.swir, header.attributes)
    room += 0 if job.denoised is None else swir.size_estimate
    with new_run_folder(job.out, overwrite=job.overwrite, needed_bytes=room) as folder:
        pictures = Quicklooks(header, capture.centres)
        with ProductsWriter(folder / PRODUCTS, header) as writer, ExitStack() as files:
            listeners = Listeners([pictures.add_lines], [writer.write, pictures.add_products])
            denoised = None
            if job.denoised is not None:
                denoised = files.enter_context(DenoisedWriter(folder / DENOISED, swir))
                listeners.products.append(denoised.write)
            playback = _play(job, capture, flight, session, listeners)
            _check_valid(playback, capture)
            location = capture.location()
            if location is not None:
                writer.write_location(location.lon, location.lat)
        _warn_after(playback, location, session.health(), flight.warnings)
        write_json(folder / EVENTS, feature_collection(playback.events, location, flight.pixel_size_m))
        written = pictures.write(folder / QUICKLOOKS, playback.events)
        report = _report(job, capture, flight, session, playback)
        if denoised is not None:
            report["denoised"] = {"file": DENOISED, "which": job.denoised, "strips": denoised.strips}
        report["quicklooks"] = [str(path.relative_to(folder)) for path in written]
        report |= summary.memory_part(session.health())
        report["wall_s"] = round(time.perf_counter() - started, 3)
        write_json(folder / SUMMARY, report)
    return report


def _report(
    job: ReplayJob, capture: Capture, flight: _Flight, session: Session, playback: Playback
) -> dict[str, Any]:
    report = summary.head_part(capture, job.target)
    report |= summary.time_part(
        playback,
        line_period_s=flight.line_period_s,
        strip_lines=int(session.bundle.plan["strip_lines"]),
    )
    report |= {"realtime": job.realtime, "in_memory": job.in_memory, "threads": job.threads}
    report |= summary.product_part(playback, flight.chosen, flight.match)
    report["warnings"] = flight.warnings
    report["bundle"] = summary.bundle_part(session.bundle, flight.path, flight.sha256)
    report["versions"] = summary.versions()
    return report


def _play(
    job: ReplayJob, capture: Capture, flight: _Flight, session: Session, listeners: Listeners
) -> Playback:
    count = -(-capture.lines // job.block_lines)
    if job.in_memory:
        reading = progress(_all_lines(job, capture), total=count, label="reading", unit="blocks")
        blocks: Iterable[LineBlock] = list(reading)
    else:
        keep: Literal["keep", "refuse"] = "keep" if job.nonfinite == "mask" else "refuse"
        blocks = capture.blocks(job.block_lines, non_finite=keep, require_data=False)
    player = Player(
        session,
        lines=capture.lines,
        line_period_s=flight.line_period_s,
        prepare=(lambda block: block) if flight.match.identical else flight.match.apply,
        realtime=job.realtime,
        file=str(job.capture),
    )
    return player.play(progress(blocks, total=count, label="replay", unit="blocks"), listeners)


def _all_lines(job: ReplayJob, capture: Capture) -> Iterator[LineBlock]:
    """Blocks in memory of their own: those of ``capture.blocks`` share one."""
    for first in range(0, capture.lines, job.block_lines):
        lines = capture.read_lines(first, min(job.block_lines, capture.lines - first))
        check_block(lines, capture.path, first_line=first, mask=job.nonfinite == "mask")
        yield ReadBlock(first, lines)


def _check_valid(playback: Playback, capture: Capture) -> None:
    if playback.quality.valid:
        return
    counts = {name: n for name, n in playback.quality.as_dict().items() if n and name != "valid"}
    raise CaptureError(
        "the capture has no valid pixel",
        file=capture.path,
        field="radiance",
        found=", ".join(f"{name} {n}" for name, n in counts.items()),
        expected="at least one pixel with radiance",
        remedy="use another capture; this one holds only fill or flagged values",
    )


def _warn_after(playback: Playback, location: Location | None, health: Any, warnings: list[str]) -> None:
    found = selection.warnings_of_bands(health.lines_lacking_bands, health.most_lacking_bands)
    if health.events_dropped:
        found.append(f"{health.events_dropped} plume events found no room in the core's queue and are lost")
    nonfinite = playback.quality.as_dict()["non_finite"]
    if nonfinite:
        found.append(f"{nonfinite} pixels with NaN or infinite radiance were masked")
    if location is None:
        found.append("the capture has no positions: events are given in lines and samples only")
    for warning in found:
        log.warning(warning)
    warnings.extend(found)
