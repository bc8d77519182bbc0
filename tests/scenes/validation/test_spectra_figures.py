from dataclasses import replace

import numpy as np

from onboard.scenes.validation.figures import INSIDE, MISSING, OUTSIDE
from onboard.scenes.validation.spectra import SpectraCheck
from onboard.scenes.validation.spectra_figures import NEEDS_FILE, spectra_figures
from tests.scenes.validation.samples import spectra_check


def verdicts(check: SpectraCheck) -> dict[str, str]:
    return {figure.key: figure.verdict for figure in spectra_figures(check)}


def test_one_world_agrees_with_itself() -> None:
    found = verdicts(spectra_check())
    assert [key for key, verdict in found.items() if verdict == OUTSIDE] == []
    assert found["mean_median"] == found["correlation"] == found["predicted_worst"] == INSIDE


def test_a_wrong_mean_deviation_and_subspace_are_outside() -> None:
    check = spectra_check()
    tilted = replace(check.matched, mean=check.matched.mean * 1.5)
    assert verdicts(replace(check, matched=tilted))["mean_median"] == OUTSIDE
    louder = replace(check.matched, covariance=9 * check.matched.covariance)
    found = verdicts(replace(check, matched=louder))
    assert found["deviation_median"] == found["eigenvalues_typical"] == OUTSIDE
    white = replace(check.matched, covariance=np.diag(np.diag(check.matched.covariance)))
    found = verdicts(replace(check, matched=white))
    assert found["correlation"] == found["subspace"] == OUTSIDE


def test_what_needs_emits_own_file_is_said_to_be_missing() -> None:
    figures = {figure.key: figure for figure in spectra_figures(spectra_check(with_covariance=False))}
    for key in ("correlation", "subspace", "subspace_back", "predicted_typical", "predicted_worst"):
        assert figures[key].verdict == MISSING
        assert figures[key].note == NEEDS_FILE
    assert figures["mean_median"].verdict == INSIDE
