"""What a scene follows from."""

from __future__ import annotations

from dataclasses import dataclass

from onboard.errors import UsageError
from onboard.scenes.gas.labels import LABEL_MIN_PIXELS, LABEL_THRESHOLD_PPM_M
from onboard.scenes.gas.sources import EMISSION_RANGE_KG_H

PARTS = ("all", "train", "test")
DETECTORS = ("drawn", "measured", "ideal")
MOST_SEED = 2**63 - 1
MOST = 1e9
"""Nothing of a scene is as large; what is infinite or no number is not either."""


@dataclass(frozen=True)
class SceneRecipe:
    """Everything that a scene follows from.

    Attributes:
        seed: Seed of all that is drawn.
        lines: Lines.
        samples: Samples.
        climate: Name of a climate, or None to draw one.
        plumes: Number of plumes.
        emission_kg_h: Range of emission rates, drawn evenly over the logarithm; None for the distribution of
            what surveys from orbit outline.
        shift_nm: Shift of the sensor's band centres.
        flagged_lines: Lines that were lost.
        cloud_fraction: Share of the scene under clouds; their thick parts are cut out as cloudy.
        smile_nm: Largest bend of wavelengths at the swath's edge.
        label_threshold: Least enhancement of a labelled plume pixel in ppm m.
        label_min_pixels: Least size of a labelled patch.
        library_part: Which samples of the library the ground is made of: "train", "test" or "all".
        sun_zenith_deg: Range of the sun's zenith angle; the climate's if None.
        aerosol_550: Range of the aerosol optical depth at 550 nm; drawn as over land if None.
        water_cm: Range of the water vapour in precipitable cm; drawn by height if None.
        stripes: Scale of the detector's stripes against what is usual.
        detector: "drawn" from statistics, "measured" from calibration files, or "ideal": no stripes, no
            smile, no bad elements, no full scale.
    """

    seed: int
    lines: int = 1280
    samples: int = 1242
    climate: str | None = None
    plumes: int = 16
    emission_kg_h: tuple[float, float] | None = None
    shift_nm: float = 0.0
    flagged_lines: int = 0
    cloud_fraction: float = 0.0
    smile_nm: float = 0.05
    label_threshold: float = LABEL_THRESHOLD_PPM_M
    label_min_pixels: int = LABEL_MIN_PIXELS
    library_part: str = "all"
    sun_zenith_deg: tuple[float, float] | None = None
    aerosol_550: tuple[float, float] | None = None
    water_cm: tuple[float, float] | None = None
    stripes: float = 1.0
    detector: str = "drawn"

    def __post_init__(self) -> None:
        """Refuse a recipe that makes no scene."""
        limits = {"lines": 8, "samples": 8, "plumes": 0, "flagged_lines": 0, "stripes": 0, "smile_nm": 0}
        for name, least in limits.items():
            _within(name, getattr(self, name), least, MOST)
        _within("seed", self.seed, 0, MOST_SEED)
        _within("shift_nm", self.shift_nm, -MOST, MOST)
        _within("label_threshold", self.label_threshold, 0, MOST)
        _within("cloud_fraction", self.cloud_fraction, 0, 0.95)
        _span("emission_kg_h", self.emission_kg_h, *EMISSION_RANGE_KG_H)
        _span("sun_zenith_deg", self.sun_zenith_deg, 0, 80)
        _span("aerosol_550", self.aerosol_550, 0, 3)
        # Air is linearised about its water, within what its model takes.
        _span("water_cm", self.water_cm, 0.05, 9.8)
        for name, known in (("library_part", PARTS), ("detector", DETECTORS)):
            if getattr(self, name) not in known:
                raise UsageError(
                    "a scene out of bounds",
                    field=name,
                    found=repr(getattr(self, name)),
                    expected=" or ".join(known),
                )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        expected = f"at least {low}" if high == MOST else f"{low} to {high}"
        raise UsageError("a scene out of bounds", field=name, found=value, expected=expected)


def _span(name: str, span: tuple[float, float] | None, low: float, high: float) -> None:
    if span is not None and not (len(span) == 2 and low <= span[0] <= span[1] <= high):
        raise UsageError(
            "a scene out of bounds", field=name, found=span, expected=f"rising, within {low} to {high}"
        )
