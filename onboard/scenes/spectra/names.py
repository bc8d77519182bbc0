"""Names of samples in public libraries, told apart into the ten minerals and kinds of background."""

from __future__ import annotations

import re

# The first word of a sample's name says what it is.
_MINERAL_WORDS = {
    "calcite": "calcite",
    "chlorite": "chlorite",
    "clinochlore": "chlorite",
    "chamosite": "chlorite",
    "ripidolite": "chlorite",
    "thuringite": "chlorite",
    "dolomite": "dolomite",
    "goethite": "goethite",
    "gypsum": "gypsum",
    "selenite": "gypsum",
    "alabaster": "gypsum",
    "hematite": "hematite",
    "illite": "illite_muscovite",
    "muscovite": "illite_muscovite",
    "sericite": "illite_muscovite",
    "kaolinite": "kaolinite",
    "montmorillonite": "montmorillonite",
    "smectite": "montmorillonite",
    "vermiculite": "vermiculite",
}
# Rocks and short forms that hold one of the ten without being its sample.
_HOLDS_ONE = (
    "limestone",
    "marble",
    "dolostone",
    "kaolin",
    "smect",
    "musc",
    "montmor",
    "limonite",
    "calcareous",
)
# Kinds of background by words of the name, then of what a library says beside it; the first that fits.
_KINDS: dict[str, frozenset[str]] = {
    kind: frozenset(words.split())
    for kind, words in {
        "snow_ice": "snow frost ice",
        "water": "water seawater tap brine",
        "hydrocarbon": """oil bitumen asphaltite benzene gasoline diesel hydrocarbon petroleum liquids
            organiccompounds""",
        "artificial": """artificial artificialmaterials manmade concrete asphalt brick plastic paint roof
            roofing shingle metal steel aluminum nylon fiberglass tar tarp glass polyester polyethylene vinyl
            tyvek plywood cement rubber cotton""",
        "dry_vegetation": """dry dried npv nonphotosyntheticvegetation litter straw bark rangeland cheatgrass
            senesced wood dead""",
        "vegetation": """vegetation grass tree shrub leaf leaves pine fir oak aspen sagebrush conifer lawn
            willow walnut maple spruce juniper lichen needle""",
        "soil": """soil soils soilsandmixtures loam sand alfisol aridisol entisol inceptisol mollisol oxisol
            spodosol ultisol vertisol playa""",
    }.items()
}
OTHER = "other_mineral"


def words_of(text: str) -> list[str]:
    """Return the words of a name in lower case; hyphens before a mineral's name (Ca-) are breaks too."""
    return [word for word in re.split(r"[^a-z0-9+/.-]+", text.lower()) if word]


def class_of(name: str, beside: str = "") -> str | None:
    """Return the class of a sample.

    Args:
        name: Its name, as ``Muscovite GDS107``, ``Ca-Montmorillonite`` or ``Lawn_Grass GDS91 (Green)``.
        beside: What else the library says of it: its chapter, type and class.

    Returns:
        One of the ten minerals, a kind of background, ``other_mineral`` if nothing is known; None for what
        holds one of the ten under another name or with other minerals, and would be background with the very
        features that a mineral map looks for.
    """
    words = words_of(name)
    first = re.sub(r"^(ca|na|fe|mg|k|al|li)-", "", words[0]) if words else ""
    mineral = _MINERAL_WORDS.get(first)
    named = {known for word, known in _MINERAL_WORDS.items() if word in name.lower()}
    mixed = "+" in name or "/" in name.split(" ")[0] or any("mix" in word for word in words)
    if mineral is not None:
        return mineral if not mixed and named == {mineral} else None
    if named or any(part in name.lower() for part in _HOLDS_ONE):
        return None
    for told in (words, words_of(beside)):
        spread = {piece for word in told for piece in (word, *re.split(r"[-+/.]", word))}
        for kind, marks in _KINDS.items():
            if spread & marks:
                return kind
    return OTHER
