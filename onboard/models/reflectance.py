"""From radiance to apparent reflectance, for methods that compare pixels with library spectra."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError

Array = npt.NDArray[np.float32]

DARKEST_BAND = 1e-3
"""A band whose reference light is below this share of the brightest band's has no reflectance."""
HIGHEST = 2.0


def apparent_reflectance(
    radiance: Array, scale: npt.ArrayLike, path: npt.ArrayLike, sphere: npt.ArrayLike | None = None
) -> Array:
    """Reflectance of a flat, evenly lit ground that would send this radiance through one known air.

    With y = (L - path) / scale, reflectance is y / (1 + sphere y): the radiative transfer of a Lambertian
    ground (Vermote et al. 1997, IEEE TGRS 35, 675) solved for reflectance. One air stands for the
    whole image; what varies within it (water vapour, slopes, haze) stays in the result, as it does after a
    correction by a scene's mean atmosphere.

    Args:
        radiance: (..., bands) float32, uW cm-2 sr-1 nm-1.
        scale: (bands,) radiance of a ground of reflectance 1 through that air, without path radiance.
        path: (bands,) path radiance.
        sphere: (bands,) spherical albedo of the air; 0 when None.

    Returns:
        (..., bands) float32, clipped to -0.1 .. 2; NaN in bands without light.

    Raises:
        UsageError: The tables do not belong to the bands of the radiance.
    """
    tables = [np.asarray(t, np.float32) for t in (scale, path, 0.0 if sphere is None else sphere)]
    if any(t.shape not in ((radiance.shape[-1],), ()) for t in tables):
        raise UsageError(
            "the air's tables do not belong to these bands",
            field="scale",
            found=[t.shape for t in tables],
            expected=(radiance.shape[-1],),
        )
    lit = tables[0] > DARKEST_BAND * tables[0].max()
    y = (radiance - tables[1]) * np.where(lit, 1.0 / np.where(lit, tables[0], 1.0), np.nan).astype(np.float32)
    y /= 1.0 + tables[2] * np.maximum(y, 0.0)
    return np.asarray(np.clip(y, -0.1, HIGHEST), np.float32)
