"""The second route: ONNX Runtime's TensorRT execution provider, its engine cache and its context model.

Source: ONNX Runtime, "TensorRT Execution Provider" and "EP Context Design" (onnxruntime.ai/docs). With none
of ``trt_fp16_enable``, ``trt_int8_enable``, ``trt_bf16_enable`` the provider builds strongly typed networks,
whose precisions are those of the graph. A context model with ``trt_ep_context_embed_mode`` 0 holds the
engine's path relative to itself.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.tensorrt.builder import BuildSettings
from export.tensorrt.parity import Run, session_run
from onboard.errors import BundleError, UsageError

PROVIDER = "TensorrtExecutionProvider"
ENGINES = "engines"
NO_FALLBACK = "session.disable_cpu_ep_fallback"
CONTEXT_OPERATOR = "EPContext"


@dataclass(frozen=True)
class ContextModel:
    """What the provider left behind.

    Attributes:
        files: Bytes by path relative to the folder: the context model, and its engines.
        main: Which of them is the context model.
        run: Runs the reloaded context model.
        seconds: What building took.
        options: The provider options that were given, paths left out.
    """

    files: dict[str, bytes]
    main: str
    run: Run
    seconds: float
    options: dict[str, str]


def load_provider() -> Any:
    """Return ``onnxruntime`` if its build has the TensorRT provider.

    Raises:
        UsageError: If it has not.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if PROVIDER not in available:
        raise UsageError(
            "the installed ONNX Runtime has no TensorRT provider",
            found=f"onnxruntime {onnxruntime.__version__} with {', '.join(available)}",
            expected=PROVIDER,
            remedy="install onnxruntime-gpu for your CUDA instead; on a Jetson, a build for your JetPack "
            "(docs/integration.md); or take the other route: --route tensorrt",
        )
    return onnxruntime


def provider_options(folder: Path, name: str, settings: BuildSettings, cache: Path) -> dict[str, str]:
    """Return the provider's options for one graph.

    Args:
        folder: Where the context model goes; engines lie beneath it.
        name: File name of the context model.
        settings: How to build.
        cache: Folder of the timing cache.
    """
    return {
        "device_id": "0",
        "trt_max_workspace_size": str(settings.workspace_bytes),
        "trt_builder_optimization_level": str(settings.optimization_level),
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": ENGINES,
        "trt_engine_cache_prefix": Path(name).stem,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(cache),
        "trt_force_timing_cache": "False",
        "trt_dump_ep_context_model": "True",
        "trt_ep_context_file_path": str(folder / name),
        "trt_ep_context_embed_mode": "0",
    }


def build_context(
    ort: Any, data: bytes, name: str, settings: BuildSettings, cache: Path, aside: Path
) -> ContextModel:
    """Build a graph through the provider, and load the context model that it wrote.

    Args:
        ort: ``onnxruntime`` with the provider.
        data: The graph's bytes.
        name: File name of the context model.
        settings: How to build.
        cache: Folder of the timing cache.
        aside: Folder that exists, to build in a temporary folder of.

    Raises:
        BundleError: If the provider fails, leaves nodes to another provider, or writes no context model.
    """
    with tempfile.TemporaryDirectory(dir=aside, prefix=".building-") as temporary:
        folder = Path(temporary)
        (folder / ENGINES).mkdir()
        options = provider_options(folder, name, settings, cache)
        start = time.monotonic()
        _session(ort, data, options, name)
        seconds = time.monotonic() - start
        context = folder / name
        if not context.exists():
            raise BundleError("the provider wrote no context model", field=name, found=_listing(folder))
        _require_whole(context.read_bytes(), name)
        reload = {key: value for key, value in options.items() if key.startswith("device")}
        run = session_run(_session(ort, str(context), reload, name))
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in (".onnx", ".engine")
        }
    kept = {key: value for key, value in options.items() if not Path(value).is_absolute()}
    return ContextModel(files, name, run, seconds, kept)


def _session(ort: Any, model: bytes | str, options: dict[str, str], name: str) -> Any:
    settings = ort.SessionOptions()
    settings.add_session_config_entry(NO_FALLBACK, "1")
    try:
        session = ort.InferenceSession(model, settings, providers=[(PROVIDER, options)])
    except Exception as error:  # ONNX Runtime's errors have no class in common.
        first = str(error).strip().splitlines()[0]
        raise BundleError("the TensorRT provider refuses the graph", field=name, found=first) from None
    if PROVIDER not in session.get_providers():
        # ONNX Runtime falls back in silence when the provider's libraries cannot be loaded.
        raise UsageError(
            "the TensorRT provider cannot be loaded",
            found=", ".join(session.get_providers()),
            expected=PROVIDER,
            remedy="put TensorRT's and CUDA's libraries where the loader finds them (LD_LIBRARY_PATH)",
        )
    return session


def _require_whole(data: bytes, name: str) -> None:
    import onnx

    nodes = onnx.load_from_string(data).graph.node
    left = [node.name or node.op_type for node in nodes if node.op_type != CONTEXT_OPERATOR]
    if left or not nodes:
        raise BundleError(
            "the provider left nodes to another provider",
            field=name,
            found=", ".join(left) or "an empty model",
            expected=f"{CONTEXT_OPERATOR} nodes alone",
        )


def _listing(folder: Path) -> str:
    return ", ".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))) or "nothing"
