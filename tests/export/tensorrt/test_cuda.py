"""The driver's face: what is missing is said; calls that fail are named. A real GPU is in test_real.py."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from export.tensorrt import cuda
from export.tensorrt.cuda import Cuda
from onboard.errors import OnboardError, UsageError


def driver(**failing: int) -> Any:
    """Return a driver whose memory is the host's; the functions named return a status."""
    blocks: list[Any] = []

    def allocate(pointer: Any, size: Any) -> int:
        blocks.append(ctypes.create_string_buffer(size.value))
        pointer._obj.value = ctypes.addressof(blocks[-1])
        return 0

    def copy_in(target: Any, source: Any, size: Any) -> int:
        ctypes.memmove(target.value, source.value, size.value)
        return 0

    def name_of(status: int, text: Any) -> int:
        text._obj.value = b"CUDA_ERROR_NO_DEVICE"
        return 0

    functions: dict[str, Any] = {
        "cuMemAlloc_v2": allocate,
        "cuMemcpyHtoD_v2": copy_in,
        "cuMemcpyDtoH_v2": copy_in,
        "cuGetErrorName": name_of,
    }
    plain = ("cuInit", "cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuMemFree_v2")
    functions |= {name: lambda *_: 0 for name in plain}
    functions |= {name: lambda *_, status=status: status for name, status in failing.items()}
    return SimpleNamespace(**functions)


def test_no_driver_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "LIBRARY", "libcuda-of-nowhere.so.1")
    with pytest.raises(UsageError, match="no CUDA driver"):
        Cuda()


def test_no_device_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver(cuInit=100))
    with pytest.raises(UsageError, match="CUDA_ERROR_NO_DEVICE"):
        Cuda()


def test_memory_keeps_what_is_written_and_is_freed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    library = driver()
    freed: list[int] = []

    def free(pointer: Any) -> int:
        freed.append(pointer.value)
        return 0

    library.cuMemFree_v2 = free
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    with Cuda().allocate(values.nbytes) as block:
        assert block.address
        block.write(values.T)
        result = np.empty((4, 3), np.float32)
        block.read(result)
    block.close()
    assert np.array_equal(result, values.T)
    assert len(freed) == 1


def test_a_failing_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver(cuMemAlloc_v2=2))
    with pytest.raises(OnboardError, match="cuMemAlloc_v2 failed"):
        Cuda().allocate(16)
