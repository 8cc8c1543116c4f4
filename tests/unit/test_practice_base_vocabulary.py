"""The vocabulary of the practice base: trained rows depend on its order, so the order is pinned."""

from __future__ import annotations

import pytest

from amharic_tts.g2p import base
from amharic_tts.text import ethiopic
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.practice import practice_base_vocabulary, practice_vocabulary
from amharic_tts.tokenizer.settings import current


def test_the_order_is_latin_tag_fidel_phones() -> None:
    ids = vocabulary.token_ids(practice_base_vocabulary())
    tokens = sorted(ids, key=lambda token: ids[token])
    latin = vocabulary.token_ids(practice_vocabulary())
    fidel = [char for char in ethiopic.characters() if ord(char) <= 0x139F]
    phones = [vocabulary.phone_token(phone) for phone in base.inventory()]
    assert tokens == [*latin, "[am]", *fidel, *phones]
    assert sorted(ids.values()) == list(range(606))


def test_the_trained_rows_keep_their_meaning() -> None:
    """Another hash means that the practice base has to be trained again."""
    expected = "0c73fe5552a3d0f1d9cf001632944887fd4b0a01d8bbf2b6f9eef73eead6d765"
    assert vocabulary.vocabulary_hash(practice_base_vocabulary()) == expected


@pytest.mark.parametrize("text_mode", ["letters", "phonemes"])
def test_a_run_in_amharic_adds_no_rows(text_mode: str) -> None:
    extension = vocabulary.extend(practice_base_vocabulary(), "am", text_mode)
    assert (extension.added, extension.old_size, extension.new_size) == ([], 606, 606)


@pytest.mark.parametrize(
    ("language", "text_mode", "text"),
    [
        ("am", "letters", "ሰላም፣ ዓለም! በላ?"),
        ("am", "phonemes", "ሰላም፣ ዓለም! በላ?"),
        ("en", "letters", "Hello, world - it's fine; isn't it?"),
    ],
)
def test_both_languages_are_read_without_unknown_tokens(
    language: str, text_mode: str, text: str
) -> None:
    encoder = TextEncoder(practice_base_vocabulary(), current(language, text_mode))
    assert encoder.unknown(text) == []
    assert encoder.encode(encoder.prepare(text))[0] == encoder.ids[f"[{language}]"]
