"""What the page says of each check: what it shows, why the band is where it is, and where that is from."""

from __future__ import annotations

from dataclasses import dataclass

Link = tuple[str, str]


@dataclass(frozen=True)
class Words:
    """Title, two paragraphs and sources (label, address) of a section."""

    title: str
    shows: str
    band: str
    sources: tuple[Link, ...]


EMIT_L1B: Link = ("emit-sds/emit-sds-l1b", "https://github.com/emit-sds/emit-sds-l1b")
WORDS: dict[str, Words] = {
    "spectra": Words(
        "Radiance statistics against EMIT in flight",
        "EMIT's calibration carries the mean and the 285 x 285 covariance of radiance spectra measured in "
        "flight, each divided by its own Euclidean norm. They are practically free of noise, so the "
        "simulated spectra are made without detector noise and treated alike. EMIT's set is of unknown "
        "composition; blue is so strong and the shortwave infrared so weak in it that about half must be "
        "water or dark ground. The composition is therefore fitted to the mean alone (shares of bare ground"
        " and plants of each climate, and of water); deviations, eigenvalues, correlations and subspaces "
        "are then a test that the fit has not seen. The prediction of hidden bands from all others, which "
        "EMIT itself uses at its filter seams, hardly depends on composition: it asks whether bands hang "
        "together as nature's do.",
        "With shares free to fit, a mean that still differs by more than 10 % in half of the bands shows "
        "wrong air or wrong ground. Variances of two honest samples of the world may differ by a factor of "
        "two; beyond that, one of them lacks something. Ten axes hold 99.9 % of EMIT's variance, so ten of "
        "ours should hold 99 %. Hidden bands should be predicted to a few per cent, as EMIT's own are. Known "
        "of the built-in world: oxygen's bands are some per cent too deep (around 1270 nm on every climate "
        "alike, so it is the air), the red edge and iron slopes of bare ground vary more freely than in "
        "EMIT's set, and the fitted composition is mostly water, of which there are fewer kinds here than "
        "on Earth.",
        (EMIT_L1B, ("its seam repair", "https://github.com/emit-sds/emit-sds-l1b/blob/main/utils/fixosf.py")),
    ),
    "noise": Words(
        "Noise and signal-to-noise ratio",
        "The same lines are made with and without detector noise; their difference is noise alone. From the "
        "image, as on real data, noise is what remains of each band in a small block once the bands around "
        "it have predicted it; ground that cannot be predicted counts as noise there, so this figure lies "
        "somewhat high wherever ground is rich.",
        "With and without noise must agree with the sensor's model to the accuracy of the estimate. From the "
        "image alone, such estimates are known to differ from the truth by some tens of per cent.",
        (
            ("EMIT noise model, emit-sds/emit-ghg", "https://github.com/emit-sds/emit-ghg"),
            ("Roger and Arnold 1996", "https://doi.org/10.1080/01431169608948750"),
        ),
    ),
    "background": Words(
        "Background of the column-wise matched filter",
        "The classical filter over ground without plumes. Its robust deviation is noise and clutter in units "
        "of methane; the tail to the right of a Gaussian is what raises false alarms. The pictures show the "
        "same filter with plumes.",
        "On independently made EMIT-like granules this filter scatters by about 300 ppm m over bright arid "
        "ground and by about 850 over dark vegetated ground with a low sun: 200-500 and 400-1000 hold them. "
        "A quieter world is too easy, a louder one is wrong.",
        (
            ("Thompson et al. 2015", "https://doi.org/10.5194/amt-8-4383-2015"),
            ("Fahlen et al. 2024", "https://doi.org/10.1109/TGRS.2024.3440174"),
        ),
    ),
    "slope": Words(
        "Retrieval of mag1c against truth",
        "mag1c, the reference retrieval, run on the simulated radiance with plumes. Each point is a pixel; "
        "dashed is one to one, blue the least-squares line.",
        "The retrieval is known to be right to first order, so a slope beyond 10 % of 1 would say that the "
        "simulated absorption, not the retrieval, is wrong. It falls below 1 where plumes fill much of a "
        "column and where absorption saturates, and rises above 1 where plumes are faint, because the "
        "retrieval's prior empties the faintest pixels.",
        (
            ("Foote et al. 2020", "https://doi.org/10.1109/TGRS.2020.2976888"),
            ("mag1c", "https://github.com/markusfoote/mag1c"),
        ),
    ),
    "shapes": Words(
        "Plume shapes against real outlines",
        "Area, length and elongation of simulated plumes, outlined as analysts outline them, beside those of "
        "EMIT methane plumes found in flight.",
        "Distributions, not single values: medians within a factor, and the distance between cumulative "
        "distributions (Kolmogorov and Smirnov's).",
        (("emit-sds/plume-vetting", "https://github.com/emit-sds/plume-vetting"),),
    ),
    "ground": Words(
        "Ground: pictures, texture, variety",
        "Every climate in true colour (640, 550 and 460 nm, stretched between the 1st and 99th percentile), "
        "how its variance is spread over scales, and the spectra it is mixed from.",
        "The power of pictures of nature falls by an exponent of 1.6 to 3.0; white noise would not fall at "
        "all, and blurred pictures fall faster. A thousand distinct spectra are the least that makes a "
        "network meet ground it has not been trained on.",
        (
            ("Tolhurst et al. 1992", "https://doi.org/10.1111/j.1475-1313.1992.tb00296.x"),
            ("Kruse et al. 1993", "https://doi.org/10.1016/0034-4257(93)90013-N"),
        ),
    ),
}
