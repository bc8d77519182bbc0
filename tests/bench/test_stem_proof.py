from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.detection import recipe_for
from bench.stem_proof import (
    LINES,
    SAMPLES,
    baked_for,
    f1_from,
    markdown,
    plumes_of,
    score,
    summarise,
    windows,
)
from bench.stem_tables import cases, tables_of
from onboard.models import registry
from onboard.models.linescan import Linescan
from onboard.models.stem import BakedStem
from onboard.replay.curves import ScoreCurve


def network(stem: str = "wavelength") -> Linescan:
    torch.manual_seed(2)
    tables, _ = tables_of(0)
    net: Linescan = registry.build("linescan", centres=tables.centres, fwhm=tables.fwhm, stem=stem)
    return net.eval()


def test_baking_leaves_the_training_alone() -> None:
    net = network()
    fine = baked_for(net, 3)
    assert isinstance(fine.stem, BakedStem)
    assert fine.stem.weight.shape[1] == tables_of(3)[0].centres.size
    assert not isinstance(net.stem, BakedStem)
    assert fine.body is net.body


def test_plumes_are_the_same_on_every_table_and_in_every_second_patch() -> None:
    one, again = plumes_of(9, 2), plumes_of(9, 2)
    np.testing.assert_array_equal(one.enhancement, again.enhancement)
    assert one.enhancement.any()
    assert not plumes_of(9, 1).enhancement.any()


def test_windows_tile_a_scene() -> None:
    assert len(list(windows(2 * LINES, 640))) == 4
    assert [c.start for _, c in windows(LINES, 2 * SAMPLES)] == [0, SAMPLES]


def test_f1_from_counts_is_f1_of_pixels() -> None:
    rng = np.random.default_rng(1)
    score_, true = rng.random(4000).astype(np.float32), rng.random(4000) < 0.2
    curve = ScoreCurve("probability")
    curve.add(true, score_)
    limit, best = curve.best()
    assert f1_from(curve, limit) == pytest.approx(best)
    above = score_ >= 0.7
    expected = 2 * (above & true).sum() / (above.sum() + true.sum())
    assert f1_from(curve, 0.7) == pytest.approx(expected, abs=2e-3)
    assert f1_from(ScoreCurve("probability"), 0.5) is None


def test_a_scene_is_scored_for_both_stems_and_summed_up() -> None:
    recipe = recipe_for("arid-bright", 450, (LINES, SAMPLES))
    runs = [SimpleNamespace(network=network(stem), point={}) for stem in ("wavelength", "plain")]
    one = score(recipe, 0, runs)
    moved = score(recipe, 1, runs)
    rows = [[one], *([[moved]] * (len(cases()) - 1))]
    found = summarise(rows, ["wavelength-aware", "plain"])
    for name in ("wavelength-aware", "plain"):
        assert found[name][0]["methane_f1_loss"] == 0.0
        assert 0 < found[name][0]["methane_auprc"] < 1
        assert found[name][1]["methane_f1_loss"] == pytest.approx(
            found[name][0]["methane_f1"] - found[name][1]["methane_f1"]
        )
    assert found["plain"][0]["methane_auprc"] != found["wavelength-aware"][0]["methane_auprc"]
    assert markdown(found).count("\n") == 2 + len(cases())
