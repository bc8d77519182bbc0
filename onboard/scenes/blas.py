"""One BLAS thread at a time: many small matrix products are faster, and the same on any number of cores."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# The names that NumPy's own wheels and plain OpenBLAS give to the same two functions.
PREFIXES = ("scipy_openblas_", "openblas_")
SUFFIXES = ("64_", "")
MAPS = Path("/proc/self/maps")

Control = tuple[Callable[[], int], Callable[[int], None]]

_lock = threading.Lock()
_known: dict[str, Control | None] = {}
_users = 0
_before: list[tuple[Control, int]] = []


def _controls() -> list[Control]:
    """Find how every loaded OpenBLAS counts its threads; NumPy and SciPy bring one each."""
    if not MAPS.exists():
        return []
    paths = {line.split()[-1] for line in MAPS.read_text().splitlines() if "openblas" in line}
    for path in sorted(paths - set(_known)):
        _known[path] = _control(path)
    found = (_known[path] for path in sorted(paths))
    return [control for control in found if control is not None]


def _control(path: str) -> Control | None:
    """Find the two functions in one library; None if it has none that we know."""
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return None
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
    global _users
    with _lock:
        if _users == 0:
            _before[:] = [(control, control[0]()) for control in _controls()]
            for control, _ in _before:
                control[1](1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for control, threads in _before:
                    control[1](threads)
