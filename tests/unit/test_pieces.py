"""BPE pieces: what is learned, what is appended, and what stays as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from amharic_tts.errors import UserError
from amharic_tts.text import ethiopic
from amharic_tts.tokenizer import pieces, vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import current

TEXTS = (
    *("ሰላም ለዓለም።", "ሰላምታ ሰጠ", "ስለሰላም ተናገረ", "ሰላማዊ ሰልፍ፣ ሰላማዊ ቀን", "ዓለም አቀፍ ስብሰባ", "በዓለም ላይ ሰላም ይሁን"),
    *("ቡና እፈልጋለሁ", "ሻይ እፈልጋለሁ", "ነገ እመጣለሁ", "ዛሬ እሄዳለሁ"),
)
AM = current("am")


def latin_base() -> dict[str, Any]:
    """A base with Latin merges, in the form of the released file."""
    body = practice_vocabulary()
    tokens = body["model"]["vocab"]
    body["model"]["merges"] = ["t h", "th e", "l l", "i n", "in g"]
    for merge in body["model"]["merges"]:
        tokens.setdefault(merge.replace(" ", ""), max(tokens.values()) + 1)
    return body


BASE = latin_base()
EXTENSION, LEARNED = pieces.extend(BASE, AM, TEXTS, 8)
ENCODER = TextEncoder(EXTENSION.vocab, AM)
ENGLISH_BEFORE, ENGLISH_AFTER = (
    TextEncoder(vocab, current("en")) for vocab in (BASE, EXTENSION.vocab)
)


def test_the_pair_seen_most_often_is_joined_first() -> None:
    assert LEARNED.merges == (
        *(("ሰ", "ላ"), ("ለ", "ሁ"), ("ሰላ", "ም"), ("ለ", "ም"), ("ዓ", "ለም")),
        *(("ል", "ጋ"), ("ልጋ", "ለሁ"), ("ማ", "ዊ")),
    )
    assert LEARNED.tokens == tuple("".join(pair) for pair in LEARNED.merges)
    assert dict(zip(LEARNED.tokens, LEARNED.seen, strict=True)) == {
        **{"ሰላ": 2, "ለሁ": 2, "ሰላም": 4, "ለም": 0, "ዓለም": 3, "ልጋ": 0, "ልጋለሁ": 2, "ማዊ": 2},
    }


def test_pieces_come_after_the_characters_and_nothing_old_moves() -> None:
    old, new = BASE["model"], EXTENSION.vocab["model"]
    assert list(new["vocab"].items())[: len(old["vocab"])] == list(old["vocab"].items())
    assert new["merges"][: len(old["merges"])] == old["merges"]
    assert new["merges"][len(old["merges"]) :] == [" ".join(pair) for pair in LEARNED.merges]
    characters = vocabulary.extend(BASE, "am")
    assert EXTENSION.added == [*characters.added, *LEARNED.tokens]
    ids = vocabulary.token_ids(EXTENSION.vocab)
    assert [ids[token] for token in EXTENSION.added] == list(
        range(EXTENSION.old_size, EXTENSION.new_size)
    )
    assert Tokenizer.from_str(json.dumps(EXTENSION.vocab)).get_vocab() == ids
    assert vocabulary.vocabulary_size(EXTENSION.vocab) == EXTENSION.new_size


def test_merges_keep_the_form_of_the_file() -> None:
    body = latin_base()
    body["model"]["merges"] = [merge.split() for merge in body["model"]["merges"]]
    merges = pieces.extend(body, AM, TEXTS, 3)[0].vocab["model"]["merges"]
    assert merges[-3:] == [list(pair) for pair in LEARNED.merges[:3]]


def test_the_same_texts_give_the_same_vocabulary() -> None:
    again, _ = pieces.extend(BASE, AM, list(reversed(TEXTS)), 8)
    assert vocabulary.vocabulary_hash(again.vocab) == vocabulary.vocabulary_hash(EXTENSION.vocab)
    other, _ = pieces.extend(BASE, AM, TEXTS[:-4], 12)
    assert vocabulary.vocabulary_hash(other.vocab) != vocabulary.vocabulary_hash(EXTENSION.vocab)


def test_the_advised_number_is_what_is_seen_often() -> None:
    few = pieces.extend(BASE, AM, TEXTS)[1]
    assert few.tokens == () and few.letters_a_token == 1 and few.seen_often == 1
    many = pieces.extend(BASE, AM, TEXTS * 10)[1]
    assert len(many.tokens) == 11 and many.seen_often == pytest.approx(5 / 11)
    encoder = TextEncoder(pieces.extend(BASE, AM, TEXTS * 10)[0].vocab, AM)
    cut = [encoder.encode(encoder.prepare(text)) for text in TEXTS * 10]
    for token, seen in zip(many.tokens, many.seen, strict=True):
        assert sum(row.count(encoder.ids[token]) for row in cut) == seen


def test_more_than_the_texts_have_ends_with_what_is_seen_twice() -> None:
    learned = pieces.extend(BASE, AM, TEXTS, 5000)[1]
    assert len(learned.tokens) == 11


def test_our_merges_are_those_of_the_librarys_trainer() -> None:
    trained = Tokenizer(models.BPE(unk_token="[UNK]"))
    trained.pre_tokenizer = pre_tokenizers.Whitespace()
    trained.train_from_iterator(
        [ENCODER.prepare(text) for text in TEXTS * 10],
        trainers.BpeTrainer(vocab_size=10_000, min_frequency=20, show_progress=False),
    )
    theirs = json.loads(trained.to_str())["model"]["vocab"]
    ours = pieces.extend(BASE, AM, TEXTS * 10)[1]
    assert {token for token in theirs if len(token) > 1} == set(ours.tokens)


def test_a_base_with_amharic_pieces_keeps_them_and_gets_more() -> None:
    more, learned = pieces.extend(EXTENSION.vocab, AM, TEXTS, 3)
    assert more.vocab["model"]["merges"][: 5 + 8] == EXTENSION.vocab["model"]["merges"]
    assert more.added == list(learned.tokens) and len(learned.tokens) == 3
    at_once = pieces.extend(BASE, AM, TEXTS, 11)[0]
    assert vocabulary.vocabulary_hash(more.vocab) == vocabulary.vocabulary_hash(at_once.vocab)


_NO_ETHIOPIC = st.characters(max_codepoint=0x11FF, exclude_categories=["Cs"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(_NO_ETHIOPIC) | st.sampled_from(["the", "thing", " all "])).map("".join))
def test_a_text_without_ethiopic_letters_becomes_the_tokens_of_the_base(text: str) -> None:
    assert ENGLISH_AFTER.encode(text) == ENGLISH_BEFORE.encode(text)
    assert ENGLISH_AFTER.unknown_prepared(text) == ENGLISH_BEFORE.unknown_prepared(text)


_WORDS = st.text(st.sampled_from([*ethiopic.letters()[:200], *"ሰላምዓለምtheing ።፣"]), max_size=40)


@settings(max_examples=100, deadline=None)
@given(_WORDS)
def test_tokens_spell_the_text_again_and_nothing_is_unknown(text: str) -> None:
    prepared = ENCODER.prepare(text)
    names = {number: token for token, number in ENCODER.ids.items()}
    tokens = [names[number] for number in ENCODER.encode(prepared)]
    assert tokens[0] == "[am]"
    assert "".join(tokens[1:]).replace("[SPACE]", " ") == prepared
    assert "[UNK]" not in tokens and ENCODER.unknown(text) == []
    for token in tokens[1:]:  # no token joins scripts
        assert len({ethiopic.is_ethiopic(char) for char in token.strip("[]SPACE")}) <= 1


def test_every_letter_alone_is_a_token() -> None:
    for letter in ethiopic.letters()[:300]:
        assert len(ENCODER.encode(letter)) == 2 and ENCODER.unknown_prepared(letter) == []


def test_fewer_tokens_than_characters() -> None:
    prepared = ENCODER.prepare("ሰላም ለዓለም። እፈልጋለሁ")
    letters = TextEncoder(vocabulary.extend(BASE, "am").vocab, AM)
    assert len(ENCODER.encode(prepared)) < len(letters.encode(prepared)) == len(prepared) + 1
    assert LEARNED.letters_a_token > 1.3


def test_the_parts_of_a_piece_are_its_characters() -> None:
    ids = vocabulary.token_ids(EXTENSION.vocab)
    made_of = vocabulary.parts(EXTENSION.vocab, EXTENSION.old_size)
    assert set(made_of) == {ids[token] for token in LEARNED.tokens}
    assert made_of[ids["ሰላም"]] == (ids["ሰ"], ids["ላ"], ids["ም"])
    phonemes = vocabulary.extend(BASE, "am", "phonemes")
    assert vocabulary.parts(phonemes.vocab, phonemes.old_size) == {}  # tags and phones have none


@pytest.mark.parametrize(
    ("language", "text_mode", "texts", "words"),
    [
        ("am", "phonemes", TEXTS, "a phone is one token already"),
        ("en", "letters", TEXTS, "languages in Ethiopic script"),
        ("am", "letters", ("hello", "?"), "the texts to train on have none"),
    ],
)
def test_where_there_are_no_pieces_it_is_said(
    language: str, text_mode: str, texts: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        pieces.extend(BASE, current(language, text_mode), texts)


def test_letters_that_the_vocabulary_leaves_out_are_not_joined() -> None:
    rare = "ⶀⶁ"  # Ethiopic Extended: no Amharic letters, so no tokens
    learned = pieces.extend(BASE, AM, [f"{rare} ሰላም"] * 30, 0)[1]
    assert learned.tokens == ("ላም", "ሰላም")
    assert learned.letters == 90
