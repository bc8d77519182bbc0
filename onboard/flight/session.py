"""A flight session: the C core behind ``onboard.h``, with numpy arrays in and out."""

from __future__ import annotations

import ctypes as c
import mmap
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.flight.bundle import Container, read_container
from onboard.flight.contents import PRODUCT_BITS, read_contents
from onboard.flight.core import (
    Status,
    check,
    default_config,
    find_engine,
    load_library,
    set_limits,
    set_trust,
)
from onboard.flight.denoising import Wish, with_radiance
from onboard.flight.structs import Config, Detail, Event, HealthReport, Lines, Products
from onboard.flight.trust import trusted_keys as shipped_keys
from onboard.flight.types import BundleInfo, FloatArray, Health, PlumeEvent, ProductBlock

ALL_LINES = 0xFFFFFFFF


class FlightSession:
    """One open capture on the flight core.

    Memory is one anonymous mapping of the size that the core asks for. A session belongs to one thread
    at a time. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(
        self,
        bundle: Path | str | bytes,
        *,
        samples: int,
        threads: int = 2,
        products: Sequence[str] = ("methane", "minerals"),
        pixel_size_m: float = 60.0,
        minimum_sequence: int = 0,
        now_unix_s: int = 0,
        target: str | None = None,
        trusted_keys: Sequence[bytes] | None = None,
        known_answer: bool = True,
        allow_spinning: bool = False,
        denoise: Wish = False,
        gas_lines: FloatArray | None = None,
    ) -> None:
        """Verify a bundle and open a session on it.

        Args:
            bundle: Path of a bundle, or its bytes.
            samples: Pixels of a line.
            threads: Threads of the inference engine.
            products: Names of the products wanted; the others are NaN and raise no event.
            pixel_size_m: Edge of a square ground pixel, for the mass of an event.
            minimum_sequence: Older bundles are refused.
            now_unix_s: Time for a bundle's expiry, in seconds since 1970, UTC; 0 when not known.
            target: What this computer is called; None takes bundles of all targets.
            trusted_keys: Ed25519 public keys (32 bytes each); those of the installation when None.
            known_answer: Whether the bundle's known input is run first.
            allow_spinning: Whether idle engine threads may burn their core for a shorter latency.
            denoise: Whether product blocks carry denoised radiance: all, or those that the function, given a
                block, says yes to. It takes more memory, and more time than all the rest.
            gas_lines: (points, filter's bands) float32 ln of methane's transmittance as the lines to come
                show it, at the bundle's enhancements, for lines that were resampled to the bundle's bands;
                the bundle's own when None. With it the known answer cannot be run.

        Raises:
            BundleError: If the bundle is refused.
            UsageError: If an argument makes no sense, or a library is missing.
        """
        self._library = load_library()
        self._handle = c.c_void_p()
        self._events: list[PlumeEvent] = []
        container = read_container(bundle)
        keys = shipped_keys() if trusted_keys is None else trusted_keys
        config = default_config()
        set_trust(config, keys, minimum_sequence)
        set_limits(config, now_unix_s, target)
        _set_numbers(config, samples=samples, threads=threads)
        config.products = _product_bits(products)
        config.pixel_size_m = float(pixel_size_m)
        config.known_answer, config.allow_spinning = int(known_answer), int(allow_spinning)
        self._denoise, config.denoise = denoise, int(denoise is not False)
        held = _set_gas(config, gas_lines)
        config.engine_library = None if (engine := find_engine()) is None else str(engine).encode()
        self._container = container
        self._open(config)
        del held
        try:
            self.bundle = _bundle_info(container)
        except BaseException:
            self.close()
            raise
        self._samples = samples
        self._bands = len(self.bundle.centres)

    def _open(self, config: Config) -> None:
        data, file, detail = self._container.data, self._container.file, Detail()
        size = c.c_size_t()
        status = self._library.onb_memory_required(
            data, len(data), c.byref(config), c.byref(size), c.byref(detail)
        )
        check(status, detail, file=file)
        self._memory = _map_memory(size.value)
        block = (c.c_char * size.value).from_buffer(self._memory)
        address = c.addressof(block)
        del block  # it would keep the mapping from being closed
        status = self._library.onb_open(
            data, len(data), c.byref(config), address, size, c.byref(self._handle), c.byref(detail)
        )
        if status != Status.OK:
            self._memory.close()
        check(status, detail, file=file)

    def push(self, radiance: FloatArray) -> list[ProductBlock]:
        """Take in lines, and return the products that they completed.

        Args:
            radiance: (n, samples, bands) float32, uW cm-2 sr-1 nm-1, with the flag values of EMIT's L1B.

        Raises:
            UsageError: If the shape or type is another, or the session was flushed or closed.
        """
        self._require_open()
        block = np.ascontiguousarray(radiance)
        if block.dtype != np.float32 or block.shape[1:] != (self._samples, self._bands) or block.ndim != 3:
            raise UsageError(
                "these lines do not fit the session",
                field="radiance",
                found=f"{block.dtype} {block.shape}",
                expected=f"float32 (n, {self._samples}, {self._bands})",
            )
        done, blocks = 0, list[ProductBlock]()
        while True:
            rest = block[done:]
            lines = Lines(line_count=len(rest), radiance=rest.ctypes.data)
            consumed = c.c_uint32()
            status = self._library.onb_push_lines(self._handle, c.byref(lines), c.byref(consumed))
            self._check(status)
            done += consumed.value
            blocks += self._read()
            if done == len(block) and status == Status.OK:
                return blocks

    def flush(self) -> list[ProductBlock]:
        """End the capture, and return the products of the lines still held."""
        self._require_open()
        blocks: list[ProductBlock] = []
        while True:
            status = self._library.onb_flush(self._handle)
            self._check(status)
            blocks += self._read()
            if status == Status.OK:
                return blocks

    def poll_events(self) -> list[PlumeEvent]:
        """Return the plumes completed since the last call, in order."""
        self._require_open()
        self._take_events()
        events, self._events = self._events, []
        return events

    def health(self) -> Health:
        """Return counters and high-water marks."""
        self._require_open()
        report = HealthReport()
        check(self._library.onb_health(self._handle, c.byref(report)), Detail())
        values: dict[str, Any] = {name: getattr(report, name) for name in Health.__dataclass_fields__}
        values["engine_in_block"] = bool(report.engine_in_block)
        return Health(**values)

    def scrub(self) -> None:
        """Hash tables and weights again; before the first line, also run the bundle's known answer.

        Raises:
            OnboardError: If memory that must not change has changed.
            BundleError: If the known answer is no longer reproduced.
        """
        self._require_open()
        data = self._container.data
        self._check(self._library.onb_scrub(self._handle, data, len(data)))

    def reset(self) -> None:
        """Forget the capture, and start a new one at line 0."""
        self._require_open()
        self._events = []
        self._check(self._library.onb_reset(self._handle))

    def close(self) -> None:
        """Give everything back; may be called twice."""
        if self._handle:
            self._library.onb_close(self._handle)
            self._handle = c.c_void_p()
            self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        if not self._handle:
            raise UsageError("the session is closed", remedy="open a new one")

    def _check(self, status: int) -> None:
        if status not in (Status.OK, Status.AGAIN):
            detail = Detail()
            self._library.onb_last_detail(self._handle, c.byref(detail))
            check(status, detail, file=self._container.file)

    def _take_events(self) -> None:
        event = Event()
        while self._library.onb_poll_event(self._handle, c.byref(event)) == Status.OK:
            values: dict[str, Any] = {name: getattr(event, name) for name in PlumeEvent.__dataclass_fields__}
            values["touches_edge"] = bool(event.touches_edge)
            self._events.append(PlumeEvent(**values))

    def _read(self) -> list[ProductBlock]:
        """Empty both queues, so that the next strip can run."""
        self._take_events()
        blocks: list[ProductBlock] = []
        products = Products()
        while self._library.onb_read_lines(self._handle, ALL_LINES, c.byref(products)) == Status.OK:
            block = _copy_products(products)
            status, block = with_radiance(self._library, self._handle, block, self._denoise)
            self._check(status)
            blocks.append(block)
        return blocks


def _map_memory(size: int) -> mmap.mmap:
    try:
        return mmap.mmap(-1, size)
    except (OSError, OverflowError, ValueError) as error:
        raise UsageError(
            "this computer cannot give the session its memory",
            field="memory",
            found=error,
            expected=f"{size} bytes",
            remedy="use a narrower swath or another bundle",
        ) from None


def _set_numbers(config: Config, **numbers: int) -> None:
    """Set fields of 32 bits; ctypes alone would wrap around what does not fit."""
    for name, value in numbers.items():
        if not 1 <= value < 1 << 32:
            raise UsageError("an argument is out of range", field=name, found=value, expected="at least 1")
        setattr(config, name, value)


def _set_gas(config: Config, values: FloatArray | None) -> FloatArray | None:
    """Point a configuration to rows of gas; returns what must live until the core has copied them.

    The core checks their shape and values.
    """
    if values is None:
        return None
    held = np.ascontiguousarray(values, np.float32)
    if held.ndim != 2:
        raise UsageError("no table of gas", field="gas_lines", found=held.shape, expected="(points, bands)")
    config.gas_lines, (config.gas_points, config.gas_bands) = held.ctypes.data, held.shape
    config.known_answer = 0
    return held


def _product_bits(products: Sequence[str]) -> int:
    bits = 0
    for name in products:
        if name not in PRODUCT_BITS:
            raise UsageError("unknown product", found=name, expected=", ".join(PRODUCT_BITS))
        bits |= PRODUCT_BITS[name]
    return bits


def _bundle_info(container: Container) -> BundleInfo:
    contents = read_contents(container)
    manifest = contents.manifest
    return BundleInfo(
        manifest=manifest,
        name=str(manifest["name"]),
        version=str(manifest["version"]),
        sequence=container.sequence,
        key_id=container.key_id.hex(),
        centres=contents.centres.astype(np.float64),
        fwhm=contents.fwhm.astype(np.float64),
        minerals=tuple(manifest["minerals"]),
        plan=contents.plan.to_json(),
        swir_bands=() if contents.denoiser is None else tuple(int(band) for band in contents.mf_bands),
    )


def _copy_products(products: Products) -> ProductBlock:
    shape = (products.line_count, products.samples)

    def plane(pointer: Any) -> npt.NDArray[Any]:
        return np.ctypeslib.as_array(pointer, shape).copy()

    minerals, stride = products.minerals, products.mineral_stride
    mineral_probability = np.zeros((minerals, *shape), np.float32)
    if minerals > 0:
        length = (minerals - 1) * stride + shape[0] * shape[1]
        flat = np.ctypeslib.as_array(products.mineral_probability, (length,))
        for index in range(minerals):
            start = index * stride
            mineral_probability[index] = flat[start : start + shape[0] * shape[1]].reshape(shape)
    return ProductBlock(
        first_line=products.first_line,
        plume_probability=plane(products.plume_probability),
        plume_mask=plane(products.plume_mask),
        ch4_enhancement=plane(products.ch4_enhancement),
        ch4_sigma=plane(products.ch4_sigma),
        mineral_probability=mineral_probability,
        quality=plane(products.quality),
    )
