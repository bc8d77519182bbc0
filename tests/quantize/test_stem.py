from __future__ import annotations

import numpy as np

from quantize.stem import WAYS, StemPrecision, even_steps, markdown, study_stem


def study(seed: int = 0) -> dict[str, StemPrecision]:
    random = np.random.default_rng(seed)
    bands = 40
    mixing = random.normal(0.0, 1.0, (3, bands)) * 0.2
    pixels = random.normal(size=(4000, 3)) @ mixing + random.normal(0.0, 0.01, (4000, bands))
    gas = np.where(np.arange(bands) > 30, -0.02, 0.0) * np.linspace(0.5, 1.0, bands)
    weight = random.normal(0.0, 0.1, (6, bands)).astype(np.float32)
    found = study_stem(
        pixels.astype(np.float32),
        gas.astype(np.float32),
        weight,
        np.zeros(6, np.float32),
        static_features=4,
        filter_bands=np.arange(25, 40),
    )
    return {item.name: item for item in found}


def test_float32_is_exact_and_fewer_bits_are_worse() -> None:
    found = study()
    assert list(found) == list(WAYS)
    assert found["float32"].contrast_ratio == found["float32"].background_ratio == 1.0
    assert found["float32"].gas_sqnr_db == 200.0
    for measure in ("static_sqnr_db", "dynamic_sqnr_db", "gas_sqnr_db"):
        fine, coarse = (getattr(found[name], measure) for name in ("int16 input", "int8 input"))
        assert fine > coarse + 30.0
        assert getattr(found["int8 input and weights"], measure) <= coarse + 0.1


def test_eight_bits_drown_small_contrasts_and_sixteen_do_not() -> None:
    found = study()
    assert found["int8 input"].contrast_ratio < 0.9
    assert found["int16 input"].contrast_ratio > 0.999
    assert found["int8 input"].bytes_a_pixel == 40


def test_even_steps_cover_the_range_and_clip_beyond() -> None:
    rounded = even_steps(8)(np.array([-9.0, -4.0, 3.0, 9.0, 0.1], np.float32))
    assert rounded[:4].tolist() == [-4.0, -4.0, 3.0, 3.0]
    assert abs(rounded[4] - 0.1) <= 0.5 * 7.0 / 255


def test_the_table_has_a_row_a_way() -> None:
    assert markdown(list(study().values())).count("\n") == len(WAYS) + 2
