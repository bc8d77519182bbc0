"""Marker of the tests that need TensorRT and a GPU."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, wherever these tests are collected from."""
    config.addinivalue_line("markers", "tensorrt: needs TensorRT and a GPU")
