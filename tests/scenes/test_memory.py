from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from onboard.scenes import memory
from onboard.scenes.arrays import host, like

VALUES = np.asarray([-2.5, -0.4, 0.0, 0.6, 2.25, 7.0], np.float32)
CASES = [
    (memory.exponential, np.exp(VALUES)),
    (memory.root, np.sqrt(np.maximum(VALUES, 0))),
    (memory.magnitude, np.abs(VALUES)),
    (memory.rounded, np.rint(VALUES)),
    (lambda values: memory.at_most(values, like([0.5], values)), np.minimum(VALUES, 0.5)),
]


@pytest.mark.parametrize(("function", "expected"), CASES)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_results_are_those_of_the_plain_function(
    function: Callable[[Any], Any], expected: Any, library: str
) -> None:
    place = pytest.importorskip("torch").zeros(()) if library == "torch" else np.zeros(())
    values = like(VALUES.copy(), place)
    result = function(values)
    assert type(result) is type(values)
    np.testing.assert_allclose(host(result), expected, rtol=1e-6)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_differences_stay_within_a_row(library: str) -> None:
    place = pytest.importorskip("torch").zeros(()) if library == "torch" else np.zeros(())
    values = np.random.default_rng(1).normal(size=(3, 4, 6)).astype(np.float32)
    expected = np.zeros_like(values)
    expected[..., 1:-1] = values[..., 2:] - values[..., :-2]
    # A broadcast array has no memory of its own to run through.
    for given, wanted in ((values, expected), (np.broadcast_to(values[:1], (3, 4, 6)), expected[:1])):
        found = memory.central_differences(given if library == "numpy" else like(given, place))
        np.testing.assert_array_equal(host(found), np.broadcast_to(wanted, found.shape))


def test_freed_memory_is_kept_on_glibc() -> None:
    # In a process of its own: the setting cannot be taken back.
    code = (
        "import resource, platform, numpy as np\n"
        "from onboard.scenes.memory import keep_freed_memory\n"
        "kept = keep_freed_memory()\n"
        "for _ in range(3): np.ones(10_000_000, np.float32)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(8): np.ones(10_000_000, np.float32)\n"
        "faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "print(kept, platform.libc_ver()[0], faults)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, library, faults = done.stdout.split(" ")
    if kept != "True":
        assert kept == "False"
        pytest.skip(f"this {library or 'C library'} does not let the threshold be raised")
    # 40 MB are 9,766 pages.
    assert library == "glibc"
    assert int(faults) < 1000
