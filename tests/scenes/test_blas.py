from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import numpy as np
import pytest
import scipy.linalg

from onboard.scenes import blas


def fake(before: int) -> tuple[dict[str, int], list[blas.Control]]:
    state = {"threads": before}
    return state, [(lambda: state["threads"], lambda n: state.update(threads=n))]


def test_threads_are_one_inside_and_as_before_outside() -> None:
    state, controls = fake(4)
    with patch.object(blas, "_controls", lambda: controls):
        with blas.one_blas_thread():
            assert state["threads"] == 1
            with blas.one_blas_thread():
                assert state["threads"] == 1
            assert state["threads"] == 1
        assert state["threads"] == 4


def test_threads_come_back_after_an_error_and_after_many_users() -> None:
    state, controls = fake(3)

    def work(number: int) -> None:
        with blas.one_blas_thread():
            assert state["threads"] == 1
            if number % 2:
                raise ValueError(number)

    with patch.object(blas, "_controls", lambda: controls), ThreadPoolExecutor(4) as pool:
        failed = [task.exception() for task in [pool.submit(work, n) for n in range(40)]]
    assert sum(isinstance(error, ValueError) for error in failed) == 20
    assert state["threads"] == 3


def test_another_blas_is_left_alone() -> None:
    with patch.object(blas, "_controls", lambda: []), blas.one_blas_thread():
        assert float((np.ones((2, 2)) @ np.ones((2, 2)))[0, 0]) == 2


def test_every_openblas_in_the_process_is_found_and_put_back() -> None:
    np.ones((2, 2)) @ scipy.linalg.inv(np.eye(2))
    controls = blas._controls()
    if not controls:
        pytest.skip("NumPy here does not use OpenBLAS")
    before = [get() for get, _ in controls]
    with blas.one_blas_thread():
        assert [get() for get, _ in controls] == [1] * len(controls)
    assert [get() for get, _ in controls] == before
