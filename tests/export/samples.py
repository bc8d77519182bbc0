"""Small bundle contents for tests: whole in every check, too small to fly."""

from __future__ import annotations

from typing import Any


def plan_values() -> dict[str, Any]:
    """Return plan values for 12 bands and three minerals."""
    return {
        "bands": 12,
        "mf_bands": 4,
        "curve_points": 3,
        "stem_pixels": 16,
        "static_features": 3,
        "dynamic_features": 2,
        "body_lines": 16,
        "body_samples": 16,
        "strip_lines": 8,
        "halo_lines": 4,
        "minerals": 3,
        "memory_lines": 256,
        "covariance_stride": 4,
        "event_min_pixels": 5,
        "kappa": 32.0,
        "exclude_sigma": 3.0,
        "alpha_scale": 1000.0,
        "alpha_clip": 10.0,
        "z_clip": 20.0,
        "feature_clip": 5.0,
        "plume_threshold": 0.5,
        "event_peak_probability": 0.75,
        "mineral_thresholds": [0.5, 0.6, 0.7],
        "known_lines": 0,
        "known_samples": 0,
        "inference_bytes": 1 << 20,
        "products": 3,
    }
