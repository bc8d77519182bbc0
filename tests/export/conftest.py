from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.samples import write_run_folder


@pytest.fixture(scope="session")
def float_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed float32 bundle of the shipped network's sizes; the shipped one's body is quantized."""
    from export.assemble import build_from_training
    from export.bundle import sign_container
    from export.keys import DEVELOPMENT_KEY, load_private_key
    from onboard.flight.bundle import read_container

    folder = write_run_folder(tmp_path_factory.mktemp("float") / "run", settings={})
    path = build_from_training(folder, folder.parent / "float.onb", 5)
    path.write_bytes(sign_container(read_container(path).data, load_private_key(DEVELOPMENT_KEY)))
    return path
