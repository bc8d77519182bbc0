"""An engine of one graph, built with TensorRT's own Python API, releases 10 and 11.

Source: NVIDIA TensorRT, Python API reference (Builder, IBuilderConfig, OnnxParser, ITimingCache,
EngineInspector, IExecutionContext), checked against the bindings of 10.3, 10.13 and 11.4; and "Migrating
from TensorRT 10.x to 11.x": 10 must be told that a network is strongly typed, 11 knows no other kind and has
deprecated the flag; precision flags and calibrators are gone in 11, and not used here at all.
"""

from __future__ import annotations

import importlib
import logging
import time
from dataclasses import dataclass
from typing import Any

from onboard.errors import BundleError, UsageError

log = logging.getLogger(__name__)
MODULE = "tensorrt"
MAJORS = (10, 11)
REMEDY = (
    "on a Jetson, JetPack brings it: sudo apt install nvidia-jetpack python3-libnvinfer, and a virtual "
    "environment of the system's own Python with --system-site-packages; elsewhere: pip install tensorrt "
    "(docs/integration.md)"
)


@dataclass(frozen=True)
class BuildSettings:
    """How to build.

    Attributes:
        workspace_bytes: Most device memory that one layer may borrow while it runs.
        optimization_level: 0 to 5; higher searches longer, 3 is TensorRT's own choice, 0 ignores timings.
        tf32: Whether float32 layers may multiply in TF32, with 10 bits of mantissa instead of 23.
    """

    workspace_bytes: int = 1 << 30
    optimization_level: int = 3
    tf32: bool = False


@dataclass(frozen=True)
class BuiltEngine:
    """What a build gives.

    Attributes:
        plan: The serialized engine.
        timing_cache: Timings of kernels, old and new, for the next build on this GPU and release.
        seconds: What the build took.
    """

    plan: bytes
    timing_cache: bytes
    seconds: float


def load_tensorrt() -> Any:
    """Return the ``tensorrt`` module.

    Raises:
        UsageError: If it is not installed, cannot be loaded, or is of another major release than 10 and 11.
    """
    try:
        trt = importlib.import_module(MODULE)
    except (ImportError, OSError) as error:
        raise UsageError(
            "building an engine needs TensorRT, which is not installed",
            found=f"{type(error).__name__}: {error}",
            expected="the Python module tensorrt, release 10 or 11",
            remedy=REMEDY,
        ) from None
    version = str(getattr(trt, "__version__", "none"))
    if not version.partition(".")[0].isdigit() or int(version.partition(".")[0]) not in MAJORS:
        raise UsageError(
            "this release of TensorRT is not one that engines are built with",
            found=version,
            expected="10 or 11",
            remedy=REMEDY,
        )
    return trt


def make_logger(trt: Any) -> Any:
    """Return a TensorRT logger that logs through Python, and keeps errors in its list ``errors``."""
    levels = {
        trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.Severity.ERROR: logging.ERROR,
        trt.ILogger.Severity.WARNING: logging.WARNING,
        trt.ILogger.Severity.INFO: logging.DEBUG,
        trt.ILogger.Severity.VERBOSE: logging.NOTSET,
    }

    class PythonLogger(trt.ILogger):  # type: ignore[misc]
        """Hands TensorRT's messages on."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            level = levels.get(severity, logging.DEBUG)
            if level >= logging.ERROR:
                self.errors.append(message)
            if level > logging.NOTSET:
                log.log(level, "TensorRT: %s", message)

    return PythonLogger()


def network_flags(trt: Any) -> int:
    """Return the flags of a strongly typed network: one in 10; none in 11, where all are."""
    if int(str(trt.__version__).partition(".")[0]) >= 11:
        return 0
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def build_engine(
    trt: Any, data: bytes, name: str, settings: BuildSettings, timing_cache: bytes = b""
) -> BuiltEngine:
    """Build an engine of a graph.

    Args:
        trt: The ``tensorrt`` module.
        data: The graph's bytes, weights inside.
        name: What to call it in messages.
        settings: How to build.
        timing_cache: What an earlier build on this GPU and release left; empty for none.

    Raises:
        UsageError: If there is no GPU to build on.
        BundleError: If TensorRT refuses the graph, with its own words and the node.
    """
    logger = make_logger(trt)
    try:
        builder = trt.Builder(logger)
    except (TypeError, RuntimeError) as error:
        found = "; ".join(logger.errors) or error
        raise UsageError(
            "TensorRT finds no GPU to build for", found=found, remedy="run on the board"
        ) from None
    network = builder.create_network(network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(data):
        raise BundleError(
            "TensorRT's parser refuses the graph",
            field=name,
            found=_parser_errors(parser),
            remedy="`onboard export check FILE` names nodes and rules",
        )
    config = _configure(trt, builder, settings)
    cache = _attach_cache(config, timing_cache)
    start = time.monotonic()
    plan = builder.build_serialized_network(network, config)
    seconds = time.monotonic() - start
    if plan is None:
        raise BundleError(
            "TensorRT cannot build the graph", field=name, found="; ".join(logger.errors) or "no reason"
        )
    return BuiltEngine(bytes(plan), bytes(cache.serialize()), seconds)


def _configure(trt: Any, builder: Any, settings: BuildSettings) -> Any:
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace_bytes)
    config.builder_optimization_level = settings.optimization_level
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if settings.tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:
        config.clear_flag(trt.BuilderFlag.TF32)
    return config


def _attach_cache(config: Any, data: bytes) -> Any:
    """Attach a timing cache; one of another GPU or release is set aside for an empty one, with a warning."""
    cache = config.create_timing_cache(data)
    if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
        return cache
    log.warning("the timing cache is not of this GPU and release; starting an empty one")
    cache = config.create_timing_cache(b"")
    if not config.set_timing_cache(cache, ignore_mismatch=False):
        raise BundleError("TensorRT takes no timing cache", found="an empty one was refused")
    return cache


def _parser_errors(parser: Any) -> str:
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    return "; ".join(f"{e.node_name() or 'the graph'}: {e.desc()}" for e in errors) or "no reason"
