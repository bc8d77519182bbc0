from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onboard.errors import OutputError
from onboard.replay import colours, quicklook
from onboard.replay.products import ProductsHeader
from onboard.replay.quicklook import Quicklooks, best_class
from tests.replay.stand_in import MINERALS, STRIP, Event, block

CENTRES = np.linspace(400, 2400, 21)
LINES, SAMPLES = 20, 700


def header(products: tuple[str, ...] = ("methane", "minerals")) -> ProductsHeader:
    return ProductsHeader(LINES, SAMPLES, products, MINERALS, STRIP, 0.5, (0.5,) * 3)


def pictures(head: ProductsHeader) -> Quicklooks:
    looks = Quicklooks(head, CENTRES)
    rng = np.random.default_rng(5)
    for first in range(0, LINES, STRIP):
        count = min(STRIP, LINES - first)
        radiance = rng.random((count, SAMPLES, 21)).astype(np.float32)
        probability = np.zeros((count, SAMPLES), np.float32)
        enhancement = np.full((count, SAMPLES), 100.0, np.float32)
        if first == 0:
            radiance[0], probability[0] = -9999, -9999
            probability[2:5, 3:8], enhancement[2:5, 3:8] = 0.9, 5000
        looks.add_lines(first, radiance)
        looks.add_products(block(first, probability, enhancement))
    return looks


def raster(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)[:LINES]


def test_every_product_has_its_picture(tmp_path: Path) -> None:
    written = pictures(header()).write(tmp_path / "quicklook", [Event()])
    assert [path.name for path in written] == ["rgb.png", "enhancement.png", "plume_mask.png", "minerals.png"]
    assert all(path.exists() for path in written)


def test_a_dropped_product_has_none(tmp_path: Path) -> None:
    written = pictures(header(("minerals",))).write(tmp_path, [])
    assert [path.name for path in written] == ["rgb.png", "minerals.png"]


def test_pictures_show_what_was_found(tmp_path: Path) -> None:
    pictures(header()).write(tmp_path, [])
    enhancement = raster(tmp_path / "enhancement.png")
    assert tuple(enhancement[3, 4]) == colours.RAMP_ANCHORS[-1]
    assert tuple(enhancement[0, 0]) == colours.INVALID
    mask = raster(tmp_path / "plume_mask.png")
    assert tuple(mask[3, 4]) == colours.PLUME
    assert tuple(mask[10, 10]) != colours.PLUME
    minerals = raster(tmp_path / "minerals.png")
    # The stand-in's third mineral is its most probable one, and only in the plume above threshold.
    hue = minerals[3, 4] / minerals[3, 4].max()
    expected = np.array(colours.CLASS_COLOURS[2]) / max(colours.CLASS_COLOURS[2])
    np.testing.assert_allclose(hue, expected, atol=0.03)


def test_the_bands_nearest_to_red_green_blue_are_taken() -> None:
    assert Quicklooks(header(), CENTRES).band_nm == [600.0, 500.0, 500.0]


def test_long_captures_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quicklook, "MAX_PIXELS", 2000)
    looks = pictures(header())
    assert looks.step == 3
    looks.write(tmp_path, [Event()])
    with Image.open(tmp_path / "rgb.png") as image:
        thinned = np.asarray(image)
    # 700 samples become 234, enlarged threefold to hold the legend.
    assert thinned.shape[1] == 234 * 3


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        pictures(header()).write(tmp_path / "file", [])


def test_the_best_class_must_reach_its_own_threshold() -> None:
    probability = np.array([[[0.9, 0.4, 0.1]], [[0.6, 0.35, 0.2]]], np.float32)
    assert best_class(probability, (0.95, 0.3)).tolist() == [[1, 1, quicklook.NO_CLASS]]
