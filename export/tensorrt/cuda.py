"""The little of CUDA that comparing an engine needs: which GPU, memory, copies, a stream.

Through the driver's own library, which is there wherever a GPU can be used at all; the larger bindings
(cuda-python, torch) are not part of a JetPack. Source: CUDA Driver API reference, sections "Device
Management", "Primary Context Management", "Memory Management", "Stream Management".
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import OnboardError, UsageError

LIBRARY = "libcuda.so.1"
NAME_BYTES = 256
COMPUTE_CAPABILITY = (75, 76)
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""


@dataclass(frozen=True)
class Gpu:
    """The GPU that an engine is bound to.

    Attributes:
        name: As the driver calls it.
        compute_capability: Such as ``8.7``.
        memory_bytes: Its memory; on a Jetson shared with the CPU.
        driver: Highest CUDA version that the driver carries, such as ``12.6``.
    """

    name: str
    compute_capability: str
    memory_bytes: int
    driver: str


class Cuda:
    """The first visible GPU, with its primary context current: the one that TensorRT uses too.

    Raises:
        UsageError: If there is no driver or no GPU.
    """

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError:
            raise UsageError(
                "there is no CUDA driver on this machine",
                expected=LIBRARY,
                remedy="run on the board, or give a container the GPU (docker run --gpus all)",
            ) from None
        try:
            self.call("cuInit", 0)
            device = ctypes.c_int()
            self.call("cuDeviceGet", ctypes.byref(device), 0)
        except OnboardError as error:
            raise UsageError("no GPU can be used on this machine", found=error.found) from None
        self._device = device
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function of the driver.

        Raises:
            OnboardError: If it does not return CUDA_SUCCESS.
        """
        status = getattr(self._library, function)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self._library.cuGetErrorName(status, ctypes.byref(text))
            name = text.value.decode() if text.value else status
            raise OnboardError(f"{function} failed", found=name, expected="CUDA_SUCCESS")

    def gpu(self) -> Gpu:
        """Return what this GPU is."""
        name = ctypes.create_string_buffer(NAME_BYTES)
        self.call("cuDeviceGetName", name, NAME_BYTES, self._device)
        numbers = [ctypes.c_int() for _ in COMPUTE_CAPABILITY]
        for number, attribute in zip(numbers, COMPUTE_CAPABILITY, strict=True):
            self.call("cuDeviceGetAttribute", ctypes.byref(number), attribute, self._device)
        memory, version = ctypes.c_size_t(), ctypes.c_int()
        self.call("cuDeviceTotalMem_v2", ctypes.byref(memory), self._device)
        self.call("cuDriverGetVersion", ctypes.byref(version))
        major, minor = version.value // 1000, version.value % 1000 // 10
        capability = ".".join(str(number.value) for number in numbers)
        return Gpu(name.value.decode(), capability, memory.value, f"{major}.{minor}")

    def allocate(self, size: int) -> Buffer:
        """Return a block of device memory."""
        return Buffer(self, size)

    def stream(self) -> int:
        """Return the handle of a new stream."""
        handle = ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(handle), 0)
        return int(handle.value or 0)

    def synchronize(self, stream: int) -> None:
        """Wait until a stream has done all it was given."""
        self.call("cuStreamSynchronize", ctypes.c_void_p(stream))


class Buffer:
    """A block of device memory; freed with ``close`` or at the end of a ``with``.

    Args:
        cuda: Where.
        size: Bytes.
    """

    def __init__(self, cuda: Cuda, size: int) -> None:
        self._cuda = cuda
        self._pointer = ctypes.c_uint64()
        cuda.call("cuMemAlloc_v2", ctypes.byref(self._pointer), ctypes.c_size_t(size))

    @property
    def address(self) -> int:
        """Address on the device."""
        return int(self._pointer.value)

    def write(self, values: npt.NDArray[Any]) -> None:
        """Copy an array in."""
        values = np.ascontiguousarray(values)
        self._cuda.call("cuMemcpyHtoD_v2", self._pointer, _pointer(values), ctypes.c_size_t(values.nbytes))

    def read(self, values: npt.NDArray[Any]) -> None:
        """Copy out into a contiguous array."""
        self._cuda.call("cuMemcpyDtoH_v2", _pointer(values), self._pointer, ctypes.c_size_t(values.nbytes))

    def close(self) -> None:
        """Give the memory back; once."""
        if self._pointer.value:
            self._cuda.call("cuMemFree_v2", self._pointer)
            self._pointer = ctypes.c_uint64()

    def __enter__(self) -> Buffer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pointer(values: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)
