import base64

import numpy as np
import pytest

from onboard.errors import MissingExtraError
from onboard.scenes.validation import drawing
from onboard.scenes.validation.drawing import as_uri, colour_of, plain_ticks, sheet, stretched, styled


def content(uri: str) -> bytes:
    return base64.b64decode(uri.split(",", 1)[1])


def line() -> str:
    figure, axes = sheet()
    axes[0, 0].plot([0, 1], [0, 1])
    return as_uri(figure)


def test_a_figure_becomes_the_same_svg_every_time() -> None:
    first, second = styled(line)(), styled(line)()
    assert first == second
    assert first.startswith("data:image/svg+xml;base64,")
    assert b"<svg" in content(first)


def test_pictures_may_be_png() -> None:
    figure, _ = sheet(1, 2)
    uri = as_uri(figure, "png")
    assert uri.startswith("data:image/png;base64,")
    assert content(uri)[1:4] == b"PNG"


def test_the_style_leaves_the_callers_settings_alone() -> None:
    import matplotlib

    before = matplotlib.rcParams["axes.titlelocation"]
    styled(line)()
    assert matplotlib.rcParams["axes.titlelocation"] == before


def test_matplotlib_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def missing(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtraError, match=r"\.\[report\]"):
        drawing.sheet()


def test_climates_keep_their_colour_and_differ() -> None:
    names = ["a", "b", "c"]
    assert len({colour_of(names, name) for name in names}) == 3


def test_a_picture_is_stretched_to_its_own_range_and_flags_stay_dark() -> None:
    rgb = np.random.default_rng(0).uniform(2, 8, (40, 40, 3)).astype(np.float32)
    rgb[0] = -9999
    found = stretched(rgb)
    assert found.min() == 0
    assert found.max() == 1
    assert not found[0].any()
    assert found[1:].mean() == pytest.approx(0.58, abs=0.08)


def test_ticks_are_written_plainly() -> None:
    _, axes = sheet()
    axes[0, 0].set_xscale("log")
    plain_ticks(axes[0, 0], [0.1, 10_000])
    assert [tick.get_text() for tick in axes[0, 0].get_xticklabels()] == ["0.1", "10000"]
