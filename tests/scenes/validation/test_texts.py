from urllib.parse import urlsplit

import pytest

from onboard.scenes.validation.texts import WORDS


@pytest.mark.parametrize("key", WORDS)
def test_every_section_says_what_it_shows_and_why(key: str) -> None:
    words = WORDS[key]
    for text in (words.title, words.shows, words.band):
        assert text == text.strip()
        assert "  " not in text
    assert words.shows.endswith(".")
    assert words.band.endswith(".")
    assert words.sources
    for _, address in words.sources:
        assert urlsplit(address).scheme == "https"
        assert urlsplit(address).netloc
