from __future__ import annotations

from pathlib import Path

import pytest

from onboard.training.denoising.data import CleanScenes, ensure_scenes


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> CleanScenes:
    folder: Path = tmp_path_factory.mktemp("clean")
    return ensure_scenes(folder, "emit", "train", 2, 32, workers=1)
