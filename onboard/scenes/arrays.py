"""Arrays of any library that follows the Python array API standard, and chance drawn on them.

The world is written once, against the standard (data-apis.org/array-api, 2024.12): on NumPy it makes
captures in the light install, on PyTorch it makes training tiles, batched, on a CPU or a GPU. The standard
has no random numbers, so a `Random` carries the library, the device and the generator together.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from onboard.errors import MissingExtraError

Array = Any
"""An array of NumPy, PyTorch or any library of the standard; shapes and units stand where it is used."""
Namespace = Any
# By types: asking each time costs as much as the arithmetic on a small array.
_namespaces: dict[tuple[type, ...], Namespace] = {}
Shape = tuple[int, ...]
Key = int | str
# Normal values from which drawing whole arrays pays, and how many of them stay in a processor's cache.
MANY, BLOCK = 2048, 32768


def namespace(*arrays: Array) -> Namespace:
    """Return the array API namespace that arrays belong to (scalars and None are passed over)."""
    kinds = tuple(map(type, arrays))
    found = _namespaces.get(kinds)
    if found is None:
        found = _namespaces[kinds] = array_namespace(*(a for a in arrays if hasattr(a, "shape")))
    return found


def like(values: Any, array: Array, dtype: str = "float32") -> Array:
    """Return values (numbers, lists, NumPy arrays) as an array of the library and device of another.

    Args:
        values: What to bring over.
        array: The array whose library and device it goes to.
        dtype: Name of a type of the standard.
    """
    xp, place = namespace(array), device(array)
    if getattr(place, "type", "cpu") == "cuda":
        return _moved(xp, np.asarray(values, dtype), place)
    return xp.asarray(np.asarray(values, dtype), device=place)


def _moved(torch: Any, values: np.ndarray[Any, Any], place: Any) -> Array:
    """Bring values to a device of PyTorch; a GPU goes on meanwhile with what it was given before."""
    if str(place).startswith("cuda"):
        return torch.asarray(values, copy=True).pin_memory().to(place, non_blocking=True)
    return torch.asarray(values, device=place)


class Random(ABC):
    """Random numbers by key, on one array library and device.

    The same key gives the same numbers on the same library and device, whatever else was drawn before
    from another key. Draws are float32.
    """

    def __init__(self, key: tuple[Key, ...]) -> None:
        self.key = key

    @property
    @abstractmethod
    def xp(self) -> Namespace:
        """The array API namespace."""

    @abstractmethod
    def child(self, *key: Key) -> Random:
        """Return an independent stream, named by ``key`` below this one's."""

    @abstractmethod
    def normal(self, shape: Shape) -> Array:
        """Draw standard normal values, float32."""

    @abstractmethod
    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> Array:
        """Draw values in [low, high), float32."""

    @abstractmethod
    def integers(self, low: int, high: int, shape: Shape) -> Array:
        """Draw integers in [low, high), int64."""

    @abstractmethod
    def asarray(self, values: Any, dtype: str = "float32") -> Array:
        """Bring numbers to this library and device."""

    def choice(self, odds: Sequence[float] | np.ndarray[Any, Any], shape: Shape) -> Array:
        """Draw indices 0 .. len(odds) - 1, int64, with odds that need not sum to 1."""
        weights = np.asarray(odds, np.float64)
        levels = self.asarray(np.cumsum(weights)[:-1] / weights.sum())
        return self.xp.sum(self.xp.astype(self.uniform(shape)[..., None] >= levels, self.xp.int64), axis=-1)


def seed_of(key: tuple[Key, ...]) -> int:
    """Return 63 bits that follow from a key, the same on every machine and in every process."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def box_muller(generator: np.random.Generator, values: NDArray[np.float32]) -> None:
    """Fill values (n,) with standard normal ones, by whole arrays: four times as fast as one after another.

    Box and Muller 1958, Ann. Math. Stat. 29, 610: sqrt(-2 ln u) cos(2 pi v) and sqrt(-2 ln u) sin(2 pi v) are
    independent and normal for independent, uniform u and v. Both have 32 bits here, so that the largest
    value is sqrt(-2 ln 2^-33) = 6.76, which one in 7e10 passes.

    Args:
        generator: Source of chance.
        values: float32, overwritten.
    """
    half = -(-values.size // 2)
    bits = generator.integers(0, 2**64, half, dtype=np.uint64).view(np.uint32)
    radius = bits[:half].astype(np.float32)
    radius += np.float32(0.5)
    radius *= np.float32(2.0**-32)
    np.log(radius, out=radius)
    radius *= np.float32(-2.0)
    # Rounding may lift the largest u to 1 and past it.
    np.sqrt(np.maximum(radius, 0.0, out=radius), out=radius)
    angle = bits[half:].view(np.int32).astype(np.float32)
    angle *= np.float32(np.pi * 2.0**-31)
    np.cos(angle, out=values[:half])
    values[:half] *= radius
    rest = values.size - half
    np.sin(angle[:rest], out=values[half:])
    values[half:] *= radius[:rest]


def many_normal(generator: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
    """Draw many standard normal values, float32, in blocks that stay in a processor's cache."""
    values = np.empty(math.prod(shape), np.float32)
    for first in range(0, values.size, BLOCK):
        box_muller(generator, values[first : first + BLOCK])
    return values.reshape(shape)


class NumpyRandom(Random):
    """Random numbers on NumPy."""

    def __init__(self, *key: Key) -> None:
        super().__init__(key)
        self._generator = np.random.Generator(np.random.SFC64(seed_of(key)))

    @property
    def xp(self) -> Namespace:
        """The array API namespace."""
        import array_api_compat.numpy as xp

        return xp

    def child(self, *key: Key) -> NumpyRandom:
        """Return an independent stream."""
        return NumpyRandom(*self.key, *key)

    def normal(self, shape: Shape) -> Array:
        """Draw standard normal values, float32, none beyond 6.7: see ``box_muller``."""
        if math.prod(shape) < MANY:
            return self._generator.standard_normal(shape, dtype=np.float32)
        return many_normal(self._generator, shape)

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> Array:
        """Draw values in [low, high), float32."""
        return self._generator.random(shape, dtype=np.float32) * np.float32(high - low) + np.float32(low)

    def integers(self, low: int, high: int, shape: Shape) -> Array:
        """Draw integers in [low, high), int64."""
        return self._generator.integers(low, high, shape)

    def asarray(self, values: Any, dtype: str = "float32") -> Array:
        """Bring numbers to NumPy."""
        return np.asarray(values, dtype)


class TorchRandom(Random):
    """Random numbers on PyTorch, on one device.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """

    def __init__(self, *key: Key, device: str = "cpu") -> None:
        super().__init__(key)
        try:
            import torch
        except ModuleNotFoundError as error:
            raise MissingExtraError("torch", "train", "scenes on PyTorch") from error
        self._torch = torch
        self.device = device
        self._generator = torch.Generator(device=device)
        self._generator.manual_seed(seed_of(key))
        self._blocks: np.random.Generator | None = None

    @property
    def xp(self) -> Namespace:
        """The array API namespace."""
        import array_api_compat.torch as xp

        return xp

    def child(self, *key: Key) -> TorchRandom:
        """Return an independent stream."""
        return TorchRandom(*self.key, *key, device=self.device)

    def normal(self, shape: Shape) -> Array:
        """Draw standard normal values, float32; many of them on a CPU by ``box_muller``, which is faster."""
        if self.device == "cpu" and math.prod(shape) >= MANY:
            if self._blocks is None:
                self._blocks = np.random.Generator(np.random.SFC64(seed_of((*self.key, "blocks"))))
            return self._torch.from_numpy(many_normal(self._blocks, shape))
        return self._torch.randn(shape, generator=self._generator, device=self.device)

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> Array:
        """Draw values in [low, high), float32."""
        return self._torch.rand(shape, generator=self._generator, device=self.device) * (high - low) + low

    def integers(self, low: int, high: int, shape: Shape) -> Array:
        """Draw integers in [low, high), int64."""
        return self._torch.randint(low, high, shape, generator=self._generator, device=self.device)

    def asarray(self, values: Any, dtype: str = "float32") -> Array:
        """Bring numbers to PyTorch."""
        return _moved(self._torch, np.asarray(values, dtype), self.device)


def host(array: Array) -> np.ndarray[Any, Any]:
    """Return an array as NumPy's, copied from its device if need be."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)
