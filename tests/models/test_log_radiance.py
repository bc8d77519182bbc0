from __future__ import annotations

import numpy as np

from onboard.models.log_radiance import log_radiance, quantize_log


def test_log_radiance_is_clamped() -> None:
    radiance = np.array([[-9999.0, 0.5, 1e9]], np.float32)
    found = log_radiance(radiance, np.full(3, 0.5))
    np.testing.assert_allclose(found, [[-4.0, 0.0, 3.0]], atol=1e-6)


def test_ring_counts_keep_a_quarter_of_a_thousandth() -> None:
    log = np.linspace(-4, 3, 1001, dtype=np.float32)
    np.testing.assert_allclose(quantize_log(log) / 4096.0, log, atol=0.5 / 4096 + 1e-7)
