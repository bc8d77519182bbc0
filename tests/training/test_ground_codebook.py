from __future__ import annotations

import json

import numpy as np

from onboard.models.ground_classes import GroundClasses
from onboard.training.background import Background
from onboard.training.ground_codebook import codebook, written
from onboard.training.pool import Patch


class Fields:
    """Patches of three kinds of ground, told apart by level and slope."""

    kinds = np.array([[-1.0, -1.2, -1.4], [0.2, 0.3, 0.5], [1.0, 0.0, -1.0]])

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Patch:
        rng = np.random.default_rng(index)
        log = self.kinds[rng.integers(3, size=(24, 24))] + rng.normal(0.0, 0.05, (24, 24, 3))
        valid = rng.random((24, 24)) > 0.1
        log[~valid] = 3.0
        known = Background(
            np.eye(3, dtype=np.float32), np.zeros((24, 3), np.float32), np.zeros(24, np.float32)
        )
        return Patch(np.rint(log * 4096).astype(np.int16), np.zeros((10, 24, 24), np.uint8), known, valid)


def test_kinds_of_ground_are_found_in_the_order_of_brightness() -> None:
    found = codebook(Fields(), np.arange(3), classes=3)  # type: ignore[arg-type]
    expected = Fields.kinds[np.argsort(Fields.kinds.mean(axis=1))]
    np.testing.assert_allclose(found / 1024.0, expected, atol=0.02)


def test_the_file_reads_back() -> None:
    centres = np.array([[-5] * 8, [7] * 8], np.int16)
    table = json.loads(written(centres))
    assert (
        GroundClasses(np.arange(8), np.array(table["centres"], np.int16)).centres.tolist() == centres.tolist()
    )
    assert len(table["wavelengths_nm"]) == 8
