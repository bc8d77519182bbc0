"""The checks behind ``onboard doctor``: each looks at one part, and none fails because another is missing."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from onboard.errors import OnboardError

Status = Literal["ok", "note", "warn", "fail"]

REQUIRED = ("numpy", "h5py", "onnxruntime", "click", "tqdm", "pillow", "array_api_compat")
EXTRAS: dict[str, tuple[str, ...]] = {
    "train": ("torch", "lightning", "torchmetrics"),
    "export": ("torch", "onnx", "onnxscript", "cryptography", "torchmetrics"),
    "geo": ("rasterio",),
    "campaign": ("dask", "distributed"),
}
CPU_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "asimd", "asimddp")
ORT_API_VERSION = 21
SYSTEM_ENGINE = "libonnxruntime.so.1"
MIN_FREE_MIB = 512
REBUILD = "reinstall, in a checkout: .venv/bin/pip install -e ."
# What a missing or half-built part raises; anything else is a bug and shall show as one.
PART_ERRORS = (ImportError, OSError, AttributeError, OnboardError)


@dataclass(frozen=True)
class Check:
    """What was found of one part.

    Attributes:
        name: The part.
        status: "ok"; "note" (optional and absent); "warn" (flies, but worse); "fail" (cannot fly).
        found: What is there.
        remedy: What to do, or "".
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def all_checks() -> list[Check]:
    """Run every check, in the order in which parts build on one another."""
    checks = [check_python(), *check_packages(), check_engine(), check_core(), check_bundle()]
    if not any(check.status == "fail" for check in checks):
        checks.append(check_session())
    return [*checks, check_cores(), check_cpu(), check_memory(), *check_extras()]


def check_python() -> Check:
    """The interpreter and the machine it runs on."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", "ok", found)


def check_packages() -> Iterator[Check]:
    """Libraries of the light install."""
    for name in REQUIRED:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "fail", "not installed", REBUILD)


class _ApiBase(ctypes.Structure):
    """OrtApiBase of onnxruntime_c_api.h."""

    _fields_ = (
        ("get_api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)),
        ("get_version_string", ctypes.CFUNCTYPE(ctypes.c_char_p)),
    )


def check_engine() -> Check:
    """Whether ONNX Runtime's library loads and speaks the API that the core was built for."""
    name = "engine library"
    remedy = "reinstall onnxruntime, or name its library in ONNXRUNTIME_LIBRARY"
    path = Path(SYSTEM_ENGINE)
    try:
        path = importlib.import_module("onboard.flight.core").find_engine() or path
        get_base = ctypes.CDLL(str(path)).OrtGetApiBase
        get_base.restype = ctypes.POINTER(_ApiBase)
        base = get_base().contents
        text = f"ONNX Runtime {base.get_version_string().decode()} ({path.name})"
        if not base.get_api(ORT_API_VERSION):
            return Check(name, "fail", f"{text} without API {ORT_API_VERSION}", remedy)
    except (*PART_ERRORS, ValueError) as error:
        return Check(name, "fail", f"{path}: {_first_line(error)}", remedy)
    return Check(name, "ok", text)


def check_core() -> Check:
    """Whether the flight core's library loads, and its version."""
    name = "flight core"
    try:
        core = importlib.import_module("onboard.flight.core")
        found = f"{core.core_version()} ({core.find_library()})"
    except PART_ERRORS as error:
        return Check(name, "fail", _first_line(error), REBUILD)
    return Check(name, "ok", found)


def check_bundle() -> Check:
    """Whether the shipped bundle is there, whole, and signed by a trusted key."""
    name = "shipped bundle"
    remedy = "reinstall, or give --bundle a bundle that `onboard bundle verify` accepts"
    try:
        bundle = importlib.import_module("onboard.flight.bundle")
        trust = importlib.import_module("onboard.flight.trust")
        container = bundle.read_container(bundle.default_bundle_path())
        bundle.verify_signature(container, trust.trusted_keys())
        signer = next(key for key in trust.load_trusted_keys() if key.key_id == container.key_id)
    except PART_ERRORS as error:
        return Check(name, "fail", _first_line(error), remedy)
    found = f"sequence {container.sequence}, signed by {signer.name}"
    if signer.development:
        return Check(
            name, "note", found, "anyone has this key: a mission signs with its own and trusts that alone"
        )
    return Check(name, "ok", found)


def check_session() -> Check:
    """Whether a session opens; the core then runs the bundle's known input."""
    name = "flight session"
    try:
        flight = importlib.import_module("onboard.flight")
        path = importlib.import_module("onboard.flight.bundle").default_bundle_path()
        with flight.FlightSession(path, samples=64, threads=1) as session:
            arena = session.health().arena_bytes
    except PART_ERRORS as error:
        return Check(name, "fail", _first_line(error), REBUILD)
    return Check(name, "ok", f"opens; {arena / 2**20:.1f} MiB for 64 samples")


def check_cores() -> Check:
    """Processor cores that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 2:
        return Check("cores", "warn", str(count), "real time at full swath needs two cores")
    return Check("cores", "ok", str(count))


def check_cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> Check:
    """Instruction sets that make INT8 and float32 fast.

    Args:
        cpuinfo: Where the kernel tells.
    """
    flags = set(_field(cpuinfo, ("flags", "Features")).split())
    if not flags:
        return Check("cpu", "note", f"instruction sets not told by {cpuinfo}")
    found = " ".join(flag for flag in CPU_FLAGS if flag in flags) or "none of " + " ".join(CPU_FLAGS)
    if not flags & {"avx2", "asimd"}:
        return Check("cpu", "warn", found, "without AVX2 or Advanced SIMD, expect less than real time")
    if not flags & {"avx512_vnni", "avx_vnni", "asimddp"}:
        return Check("cpu", "note", found, "no INT8 dot products: INT8 gains less here")
    return Check("cpu", "ok", found)


def check_memory(meminfo: Path = Path("/proc/meminfo")) -> Check:
    """Memory that is free.

    Args:
        meminfo: Where the kernel tells.
    """
    words = _field(meminfo, ("MemAvailable",)).split()
    if not words or not words[0].isdigit():
        return Check("memory", "note", f"free memory not told by {meminfo}")
    free = int(words[0]) >> 10
    found = f"{free} MiB free"
    if free < MIN_FREE_MIB:
        return Check("memory", "warn", found, f"a full-swath replay takes up to 400 MiB; free {MIN_FREE_MIB}")
    return Check("memory", "ok", found)


def check_extras(installed: Callable[[str], object] = find_spec) -> Iterator[Check]:
    """Optional parts, for the ground.

    Args:
        installed: Tells whether a library is there.
    """
    for extra, libraries in EXTRAS.items():
        missing = [name for name in libraries if not installed(name)]
        if missing:
            yield Check(
                f"extra {extra}",
                "note",
                f"absent ({', '.join(missing)}); not needed to fly",
                f"in a checkout: .venv/bin/pip install -e '.[{extra}]'",
            )
        else:
            yield Check(f"extra {extra}", "ok", ", ".join(libraries))


def _field(path: Path, names: tuple[str, ...]) -> str:
    """The first value of a field in a kernel's table, or ""."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in names:
            return value.strip()
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
