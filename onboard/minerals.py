"""The ten minerals of EMIT's L2B product, in the order of every mineral axis in Onboard."""

MINERALS: tuple[str, ...] = (
    "calcite",
    "chlorite",
    "dolomite",
    "goethite",
    "gypsum",
    "hematite",
    "illite_muscovite",
    "kaolinite",
    "montmorillonite",
    "vermiculite",
)
