"""Small spectral libraries in the layouts of the public ones, made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

NM = np.arange(350.0, 2501.0, 5.0)


def curve(level: float) -> np.ndarray:
    return level * (1 - 0.3 * np.exp(-0.5 * ((NM - 2200.0) / 20.0) ** 2))


def splib07(folder: Path) -> Path:
    chapter = folder / "ChapterM_Minerals"
    chapter.mkdir(parents=True)
    table = "\n".join(f" {v / 1000:.7e}" for v in NM)
    waves = " splib07a Record=23: Wavelengths ASD 0.35-2.5 microns\n"
    (folder / "splib07a_Wavelengths_ASD_0.35-2.5_microns_2151_ch.txt").write_text(waves + table + "\n")
    (folder / "splib07a_Wavelengths_NIC4_Nicolet_1.12-216microns.txt").write_text(
        " splib07a Record=9: Wavelengths NIC4\n" + "\n".join(f" {v / 1000:.7e}" for v in NM + 1000.0) + "\n"
    )
    for code, name, level, kind in (
        ("ASDFRb", "Muscovite GDS107", 0.6, "AREF"),
        ("ASDFRb", "Alunite GDS82 Na82", 0.5, "AREF"),
        ("ASDFRb", "Kaolin/Smect H89", 0.5, "AREF"),
        ("ASDFRb", "Water_film GDS1", 0.5, "TRANS"),
        ("NIC4b", "Calcite WS272", 0.5, "RREF"),
    ):
        values = curve(level)
        values[:3] = -1.23e34
        lines = [f" splib07a Record=108: {name:<28}{code} {kind}", *(f" {v:.7e}" for v in values)]
        stem = f"splib07a_{name.replace(' ', '_').replace('/', '-')}_{code}_{kind}"
        (chapter / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    (chapter / "splib07a_errorbars_for_Muscovite_GDS107_ASDFRb_AREF.txt").write_text(
        " splib07a Record=109: errorbars\n 0.1\n"
    )
    return folder


def splib06(folder: Path) -> Path:
    (folder / "M").mkdir(parents=True)
    head = ["USGS Digital Spectral Library splib06a", *[""] * 11, "-" * 52]
    rows = [f"  {nm / 1000:12.6f} {v:14.6e} {0.01:12.6f}" for nm, v in zip(NM, curve(0.4), strict=True)]
    rows[1] = f"  {NM[1] / 1000:12.6f}      -1.23e34     0.000000"
    text = [*head, "Clinochlore GDS158 Flagst  W1R1Ba AREF", "copy of splib05a r 11208", *rows]
    (folder / "M" / "clinochlore_gds158.asc").write_text("\n".join(text) + "\n")
    return folder


def ecostress(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)

    def one(stem: str, name: str, kind: str, sample: str, nm: np.ndarray, values: np.ndarray) -> None:
        head = [
            f"Name: {name}",
            f"Type: {kind}",
            "Class: None",
            f"Sample No.: {sample}",
            "Measurement: Directional (10 Degree) Hemispherical Reflectance",
            "X Units: Wavelength (micrometers)",
            "Y Units: Reflectance (percentage)",
            "Number of X Values: 431",
            "Additional Information: none",
            "",
        ]
        rows = [f" {x / 1000:.4f}\t {100 * v:.4f}" for x, v in zip(nm, values, strict=True)]
        (folder / f"{stem}.spectrum.txt").write_text("\n".join(head + rows) + "\n")

    one("mineral.calcite.vswir", "Calcite CaCO_3", "mineral", "C-3A", NM[::-1], curve(0.8)[::-1])
    one("vegetation.tree.vswir", "Quercus lobata", "vegetation", "VH282", NM, curve(0.3))
    one("npv.bark.vswir", "Quercus lobata", "non photosynthetic vegetation", "VH283", NM, curve(0.3))
    one("mineral.goethite.tir", "Goethite", "mineral", "1", NM + 2500.0, curve(0.3))
    (folder / "vegetation.tree.ancillary.txt").write_text("Name: x\nnotes\n")
    return folder


def envi(folder: Path, dtype: str = "<f4", scale: float = 1.0, extra: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    spectra = np.stack([curve(0.6), curve(0.3)]) * scale
    spectra.astype(dtype).tofile(folder / "lib.sli")
    listed = ",\n ".join(f"{v / 1000:.5f}" for v in NM)
    (folder / "lib.hdr").write_text(
        "ENVI\ndescription = {\n  two spectra}\n"
        f"samples = {NM.size}\nlines   = 2\nbands   = 1\nheader offset = 0\n"
        "file type = ENVI Spectral Library\n"
        f"data type = {4 if dtype.endswith('4') else 5}\ninterleave = bsq\n"
        f"byte order = {1 if dtype.startswith('>') else 0}\nwavelength units = Micrometers\n"
        f"reflectance scale factor = {scale:g}\n{extra}"
        f"spectra names = {{\n Gypsum HS333.3B,\n Lawn_Grass GDS91}}\nwavelength = {{\n {listed}}}\n"
    )
    return folder / "lib.hdr"
