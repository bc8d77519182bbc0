import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from onboard.errors import CaptureError
from onboard.scenes.gas.outlines import OutlineStatistics
from onboard.scenes.validation.figures import INSIDE, OUTSIDE
from onboard.scenes.validation.shapes import check_shapes, shape_figures
from tests.scenes.validation.samples import shapes


def test_outlines_that_follow_the_real_ones_are_inside() -> None:
    assert {figure.verdict for figure in shape_figures(shapes())} == {INSIDE}


def test_plumes_twice_too_long_are_outside() -> None:
    own = shapes().simulated
    long = OutlineStatistics(4 * own.area_px, 2 * own.length_px, own.elongation)
    found = {figure.key: figure.verdict for figure in shape_figures(replace(shapes(), simulated=long))}
    assert found["area_px_median"] == found["length_px_median"] == found["length_px_ks"] == OUTSIDE
    assert found["elongation_median"] == INSIDE


def test_simulated_outlines_are_drawn_again_from_the_same_seed() -> None:
    first, second = check_shapes(4, None, count=5), check_shapes(4, None, count=5)
    np.testing.assert_array_equal(first.simulated.area_px, second.simulated.area_px)
    assert first.real_count is None
    assert (first.simulated.elongation >= 1).all()


def test_the_users_outlines_replace_the_built_in_ones(tmp_path: Path) -> None:
    file = tmp_path / "outlines.json"
    square = [[0, 0], [20, 0], [20, 10], [0, 10], [0, 0]]
    file.write_text(json.dumps([{"coords": square}] * 3))
    found = check_shapes(4, file, count=3)
    assert (found.real_count, found.source) == (3, "outlines.json")
    assert found.real["area_px"][50.0] == pytest.approx(200)


def test_a_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        check_shapes(4, tmp_path / "missing.json", count=1)
