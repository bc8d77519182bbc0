import json
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from onboard.errors import MissingExtraError, OutputError
from onboard.scenes.validation import page as under_test
from onboard.scenes.validation.figures import INSIDE, Figure
from onboard.scenes.validation.material import patches
from onboard.scenes.validation.page import as_html, as_json, require_libraries, validate
from onboard.scenes.validation.sections import Section
from onboard.scenes.validation.shapes import check_shapes
from onboard.scenes.validation.texts import WORDS, Words
from tests.scenes.validation.test_sections import drawn, findings

SETTINGS: dict[str, object] = {
    "seed": 1, "lines": 192, "samples": 32, "emit": "a <file>", "outlines": "o", "library": "l",
    "version": "0",
}  # fmt: skip


class Links(HTMLParser):
    """Gathers what a page asks a browser to load, and where its table points."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.anchors: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("img", "script", "link", "iframe"):
            self.loaded.append(given.get("src") or given.get("href") or "")
        if tag == "a" and (given.get("href") or "").startswith("#"):
            self.anchors.append((given["href"] or "")[1:])
        if "id" in given:
            self.ids.add(given["id"] or "")


def test_the_page_loads_nothing_from_elsewhere() -> None:
    links = Links()
    links.feed(as_html(drawn(), SETTINGS))
    assert links.loaded
    assert all(address.startswith("data:image/") for address in links.loaded)
    assert set(links.anchors) <= links.ids
    assert set(WORDS) <= links.ids


def test_what_is_filled_in_is_escaped() -> None:
    words = Words("<b>title</b>", "shows & more.", "band.", (("s", "https://example.org/?a=1&b=2"),))
    figure = Figure("k", "<script>alert(1)</script>", 1.0, 0.0, 2.0)
    text = as_html([Section("key", words, (figure,), ())], SETTINGS)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "a &lt;file&gt;" in text
    assert "inside" in text


def test_json_repeats_every_figure() -> None:
    found_sections = drawn()
    found = json.loads(as_json(found_sections, SETTINGS))
    assert found["settings"] == SETTINGS
    assert [one["key"] for one in found["sections"]] == list(WORDS)
    figures = [figure for one in found["sections"] for figure in one["figures"]]
    assert len(figures) == sum(found["verdicts"].values())
    assert sum(figure["verdict"] == INSIDE for figure in figures) == found["verdicts"][INSIDE]


def test_a_small_world_is_validated_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = "onboard.scenes.validation."
    monkeypatch.setattr(room + "material.climate_names", lambda: ["arid-bright", "dark-vegetated"])
    monkeypatch.setattr(room + "sections.patches", partial(patches, count=3, size=24))
    monkeypatch.setattr(room + "sections.check_shapes", partial(check_shapes, count=6))
    result = validate(tmp_path / "out", size=(192, 32))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "validation.html",
        "validation.json",
    ]
    assert result.page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sum(result.counts.values()) == len(result.figures) > 30
    assert set(result.outside) <= set(result.figures)
    with pytest.raises(OutputError, match="exists already"):
        validate(tmp_path / "out", size=(192, 32))


def test_nothing_is_left_where_something_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "gather", lambda *_, **__: findings())
    monkeypatch.setattr(under_test, "sections", lambda _: list(drawn()))

    write = Path.write_text

    def broken(path: Path, text: str, **kwargs: str) -> int:
        if "html" in path.name:
            raise OSError("no space left")
        return write(path, text, **kwargs)

    monkeypatch.setattr(Path, "write_text", broken)
    with pytest.raises(OutputError, match="no space left"):
        validate(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", under_test.NEEDED)
def test_a_missing_library_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def missing(asked: str) -> None:
        if asked == name:
            raise ModuleNotFoundError(asked)

    monkeypatch.setattr(under_test, "import_module", missing)
    with pytest.raises(MissingExtraError, match=rf"{name}.*\.\[report\]"):
        validate(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    require_libraries()
