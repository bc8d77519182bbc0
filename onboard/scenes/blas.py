"""One BLAS thread at a time: many small matrix products are faster, and the same on any number of cores."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# The names that NumPy's own wheels and plain OpenBLAS give to the same two functions.
PREFIXES = ("scipy_openblas_", "openblas_")
SUFFIXES = ("64_", "")
MAPS = Path("/proc/self/maps")

_lock = threading.Lock()
_state = {"users": 0, "before": 0}


@cache
def _controls() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Find how the loaded OpenBLAS counts its threads; None where there is none that we know."""
    if not MAPS.exists():
        return None
    for path in {line.split()[-1] for line in MAPS.read_text().splitlines() if "openblas" in line}:
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for prefix in PREFIXES:
            for suffix in SUFFIXES:
                get = getattr(library, f"{prefix}get_num_threads{suffix}", None)
                put = getattr(library, f"{prefix}set_num_threads{suffix}", None)
                if get is not None and put is not None:
                    put.argtypes, put.restype = [ctypes.c_int], None
                    return get, put
    return None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep OpenBLAS to one thread meanwhile; does nothing with another BLAS. May be nested and shared."""
    controls = _controls()
    if controls is None:
        yield
        return
    get, put = controls
    with _lock:
        if _state["users"] == 0:
            _state["before"] = get()
            put(1)
        _state["users"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["users"] -= 1
            if _state["users"] == 0:
                put(_state["before"])
