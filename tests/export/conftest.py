from __future__ import annotations

import json
from pathlib import Path

import numpy as np
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


@pytest.fixture(scope="session")
def small_denoiser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a denoiser of few shapes and channels that learned nothing."""
    import torch

    from onboard.models.denoiser import Denoiser, DenoiserSettings
    from onboard.models.subspace import SpectralMoments
    from onboard.sensors import load_sensor
    from onboard.training.denoising.module import save_network

    folder = tmp_path_factory.mktemp("denoiser")
    centres = np.array(load_sensor("emit").centres)
    waves = np.stack([np.cos(centres / 2100.0 * np.pi * k) / (1 + 2 * k) for k in range(6)], axis=1)
    moment = np.stack([waves @ waves.T, waves @ waves.T])
    torch.manual_seed(1)
    settings = DenoiserSettings(components=6, widths=(4, 4, 4, 4))
    save_network(Denoiser(SpectralMoments(centres, moment, moment), settings), folder / "network.pt")
    (folder / "recipe.json").write_text(json.dumps({"sensor": "emit", "steps": 5}), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps({"steps": 5}), encoding="utf-8")
    return folder
