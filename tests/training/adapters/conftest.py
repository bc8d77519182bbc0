from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.adapters import miniatures


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one miniature of each data set, named as the set is."""
    folder = tmp_path_factory.mktemp("sets")
    miniatures.oxhyper_ch4(folder / "oxhyper-synthetic-ch4")
    miniatures.oxhyper_ch4(folder / "oxhyper-real-ch4", real=True, windows=True)
    miniatures.oxhyper_minerals(folder / "oxhyper-minerals")
    miniatures.starcop(folder / "starcop")
    miniatures.emit_l2b(folder / "emit-l2b")
    return folder
