"""The two routes from a graph to an engine, behind one face."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import onboard
from export.tensorrt.builder import BuildSettings, build_engine, load_tensorrt
from export.tensorrt.cuda import Cuda
from export.tensorrt.layers import Layer
from export.tensorrt.parity import Run
from export.tensorrt.provider import build_context, load_provider
from export.tensorrt.runner import EngineRunner
from onboard.scenes.outputs import whole_files


@dataclass(frozen=True)
class Built:
    """An engine that was built, in memory.

    Attributes:
        files: Bytes by path relative to the output folder; the engine or context model under ``main``.
        main: Its file name.
        run: Runs it.
        seconds: What building took.
        layers: Each layer's precision; empty where the route does not tell.
        settings: How it was built.
    """

    files: dict[str, bytes]
    main: str
    run: Run
    seconds: float
    layers: tuple[Layer, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


class Route(Protocol):
    """A way to build engines on this machine."""

    name: str

    def versions(self) -> dict[str, str]:
        """Return the releases that an engine is bound to, and those that made it."""

    def gpu(self) -> dict[str, Any]:
        """Return the GPU that an engine is bound to."""

    def main_name(self, stem: str) -> str:
        """Return the engine's file name; ``stem`` begins it."""

    def build(self, data: bytes, stem: str) -> Built:
        """Build a graph."""


def _common_versions() -> dict[str, str]:
    import onnx
    import onnxruntime

    return {
        "onboard": onboard.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


class TensorRtRoute:
    """TensorRT's own Python API.

    Args:
        settings: How to build.
        cache_folder: Where timings are kept between builds; one file a release and GPU.

    Raises:
        UsageError: If TensorRT, a driver or a GPU is missing.
    """

    name = "tensorrt"

    def __init__(self, settings: BuildSettings, cache_folder: Path) -> None:
        self.settings, self.cache_folder = settings, cache_folder
        self.trt = load_tensorrt()
        self.cuda = Cuda()
        self._gpu = self.cuda.gpu()

    def versions(self) -> dict[str, str]:
        """Return the releases that matter."""
        return {"tensorrt": str(self.trt.__version__), "cuda_driver": self._gpu.driver, **_common_versions()}

    def gpu(self) -> dict[str, Any]:
        """Return what the GPU is."""
        return {key: value for key, value in asdict(self._gpu).items() if key != "driver"}

    def timing_cache(self) -> Path:
        """Return where this release and GPU keep their timings."""
        gpu = self._gpu.compute_capability.replace(".", "")
        return self.cache_folder / f"tensorrt-{self.trt.__version__}-sm{gpu}.timing"

    def main_name(self, stem: str) -> str:
        """Return the engine's file name."""
        return f"{stem}.engine"

    def build(self, data: bytes, stem: str) -> Built:
        """Build a graph, keep its timings, load the engine and read its layers."""
        cache = self.timing_cache()
        known = cache.read_bytes() if cache.exists() else b""
        made = build_engine(self.trt, data, stem, self.settings, known)
        with whole_files([cache], overwrite=True) as (part,):
            part.write_bytes(made.timing_cache)
        runner = EngineRunner(self.trt, self.cuda, made.plan)
        name = self.main_name(stem)
        return Built(
            {name: made.plan}, name, runner, made.seconds, runner.layers(), {**asdict(self.settings)}
        )


class ProviderRoute:
    """ONNX Runtime's TensorRT provider.

    Args:
        settings: How to build.
        cache_folder: Where the provider keeps timings, and where engines are built aside.

    Raises:
        UsageError: If ONNX Runtime has no such provider, or there is no GPU.
    """

    name = "onnxruntime"

    def __init__(self, settings: BuildSettings, cache_folder: Path) -> None:
        self.settings, self.cache_folder = settings, cache_folder
        self.ort = load_provider()
        self._gpu = Cuda().gpu()

    def versions(self) -> dict[str, str]:
        """Return the releases that matter; which TensorRT it is, the provider does not tell."""
        return {"cuda_driver": self._gpu.driver, **_common_versions()}

    def gpu(self) -> dict[str, Any]:
        """Return what the GPU is."""
        return {key: value for key, value in asdict(self._gpu).items() if key != "driver"}

    def main_name(self, stem: str) -> str:
        """Return the context model's file name."""
        return f"{stem}_ctx.onnx"

    def build(self, data: bytes, stem: str) -> Built:
        """Build a graph and load the context model that the provider wrote."""
        cache, name = self.cache_folder, self.main_name(stem)
        cache.mkdir(parents=True, exist_ok=True)
        made = build_context(self.ort, data, name, self.settings, cache, cache)
        settings = {**asdict(self.settings), "provider_options": json.loads(json.dumps(made.options))}
        return Built(made.files, made.main, made.run, made.seconds, (), settings)


ROUTES: dict[str, type[TensorRtRoute] | type[ProviderRoute]] = {
    TensorRtRoute.name: TensorRtRoute,
    ProviderRoute.name: ProviderRoute,
}
