from __future__ import annotations

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
