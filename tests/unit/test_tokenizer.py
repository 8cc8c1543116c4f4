from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from amharic_tts.errors import UserError
from amharic_tts.text import ethiopic
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, TextEncoder, default_encoder
from amharic_tts.tokenizer.practice import LANGUAGES, practice_vocabulary
from amharic_tts.tokenizer.settings import TextSettings, current

ROWS = 6681


@pytest.fixture(scope="module")
def released() -> dict[str, Any]:
    """A vocabulary of the released model's shape: 6681 rows, tags among the letters, merges."""
    characters = "!'(),-./:;?0123456789abcdefghijklmnopqrstuvwxyzáéßñ"
    tokens = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2}
    for character in characters:
        tokens[character] = len(tokens)
    merges = ["t h", "th e", "h e", "l l", "he ll", "hell o"]
    for merge in merges:
        tokens.setdefault(merge.replace(" ", ""), len(tokens))
    filler = iter(range(0x4E00, 0x9FFF))
    while len(tokens) < 259:
        tokens[chr(next(filler))] = len(tokens)
    for tag in ("[en]", "[de]", "[START]", "[fr]"):
        tokens[tag] = len(tokens)
    while len(tokens) < ROWS - 1:
        tokens[chr(next(filler))] = len(tokens)
    tokens["[zh-cn]"] = ROWS - 1
    body = practice_vocabulary()
    body["model"] = {**body["model"], "vocab": tokens, "merges": merges}
    specials = [token for token in tokens if token.startswith("[")]
    body["added_tokens"] = [vocabulary.special_token(tokens[t], t) for t in specials]
    return body


def stock_ids(vocab: dict[str, Any], language: str, cleaned: str) -> list[int]:
    """What coqui's VoiceBpeTokenizer does after its cleaners."""
    tokenizer = Tokenizer.from_str(json.dumps(vocab))
    return list(tokenizer.encode(f"[{language}]{cleaned}".replace(" ", "[SPACE]")).ids)


def test_the_released_shape(released: dict[str, Any]) -> None:
    ids = vocabulary.token_ids(released)
    assert (ids["[STOP]"], ids["[UNK]"], ids["[SPACE]"], ids["[START]"]) == (0, 1, 2, 261)
    assert vocabulary.vocabulary_size(released) == ROWS


@pytest.mark.parametrize("text_mode", ["letters", "phonemes"])
def test_extending_appends_and_leaves_the_rest(released: dict[str, Any], text_mode: str) -> None:
    before = json.dumps(released, ensure_ascii=False)
    extension = vocabulary.extend(released, "am", text_mode)
    assert json.dumps(released, ensure_ascii=False) == before
    old, new = released["model"], extension.vocab["model"]
    assert list(new["vocab"].items())[:ROWS] == list(old["vocab"].items())
    assert new["merges"] == old["merges"]
    count = len(released["added_tokens"])
    assert extension.vocab["added_tokens"][:count] == released["added_tokens"]
    ids = vocabulary.token_ids(extension.vocab)
    assert [ids[token] for token in extension.added] == list(range(ROWS, extension.new_size))
    assert extension.added[:2] == ["[am]", "ሀ"]
    assert extension.old_size == ROWS
    assert vocabulary.vocabulary_size(extension.vocab) == extension.new_size
    main_blocks = [c for c in ethiopic.characters() if ord(c) <= 0x139F]
    assert set(main_blocks) <= set(extension.added)
    assert ("[/tʃʼ/]" in ids) == (text_mode == "phonemes")


def test_the_library_reads_the_ids_that_the_file_says(released: dict[str, Any]) -> None:
    extension = vocabulary.extend(released, "am", "phonemes")
    loaded = Tokenizer.from_str(json.dumps(extension.vocab)).get_vocab()
    assert loaded == vocabulary.token_ids(extension.vocab)
    assert max(loaded.values()) + 1 == extension.new_size


def test_extending_twice_changes_nothing(released: dict[str, Any]) -> None:
    once = vocabulary.extend(released, "am", "phonemes")
    twice = vocabulary.extend(once.vocab, "am", "phonemes")
    assert twice.vocab == once.vocab
    assert (twice.added, twice.old_size, twice.new_size) == ([], once.new_size, once.new_size)
    assert vocabulary.vocabulary_hash(twice.vocab) == vocabulary.vocabulary_hash(once.vocab)


def test_a_stock_language_needs_nothing_new(released: dict[str, Any]) -> None:
    assert vocabulary.extend(released, "en").added == []


def test_ids_with_gaps_are_counted_by_the_largest(released: dict[str, Any]) -> None:
    body = json.loads(json.dumps(released))
    body["added_tokens"].append(vocabulary.special_token(7000, "[late]"))
    body["model"]["vocab"]["[late]"] = 7000
    extension = vocabulary.extend(body, "am")
    assert extension.old_size == 7001
    assert vocabulary.token_ids(extension.vocab)["[am]"] == 7001


@pytest.mark.parametrize("language", ["en", "de", "zh-cn"])
def test_a_stock_language_gives_the_tokens_of_coqui(
    released: dict[str, Any], language: str
) -> None:
    encoder = TextEncoder(released, current(language))
    extended = TextEncoder(vocabulary.extend(released, "am").vocab, current(language))
    for text, cleaned in [
        ("Hello there, the hell.", "hello there, the hell."),
        ('  He said: "the   end"!', "he said: the end!"),
    ]:
        expected = stock_ids(released, language, cleaned)
        assert encoder.encode(encoder.prepare(text)) == expected
        assert extended.encode(extended.prepare(text)) == expected


def test_amharic_is_a_token_a_letter() -> None:
    encoder = default_encoder("am")
    ids = encoder.ids
    prepared = encoder.prepare("ሰላም፡ለዓለም፡፡")
    assert prepared == "ሰላም ለዓለም።"
    assert encoder.encode(prepared) == [
        ids["[am]"],
        *(ids["[SPACE]" if character == " " else character] for character in prepared),
    ]
    assert encoder.unknown("ሰላም ለዓለም። hello 12?") == []


def test_unknown_characters_are_named_once_in_order() -> None:
    encoder = default_encoder("am")
    assert encoder.unknown("ሰ☺ላ日ም☺") == ["☺", "日"]
    assert encoder.encode(encoder.prepare("☺")) == [encoder.ids["[am]"], encoder.ids["[UNK]"]]


def test_control_tokens_in_a_text_are_not_obeyed_silently() -> None:
    encoder = default_encoder("am")
    assert encoder.unknown("ሰላም [en]") == ["[en]"]
    assert "[STOP]" not in encoder.prepare("ሰላም [STOP]")
    assert encoder.ids["[STOP]"] not in encoder.encode(encoder.prepare("ሰላም [STOP]"))


def test_phonemes_become_one_token_each_and_punctuation_stays() -> None:
    encoder = default_encoder("am", "phonemes")
    assert encoder.settings.g2p == "rule_based"
    assert encoder.settings.g2p_version
    prepared = encoder.prepare("ሰላም፣ ጫማ።")
    assert prepared.startswith("[/s/]")
    assert "፣ [/tʃʼ/]" in prepared
    assert prepared.endswith("።")
    names = {number: token for token, number in encoder.ids.items()}
    tokens = [names[number] for number in encoder.encode(prepared)]
    assert tokens[0] == "[am]"
    assert "[UNK]" not in tokens
    assert "".join(tokens[1:]).replace("[SPACE]", " ") == prepared
    assert encoder.unknown("ሰላም፣ ጫማ።") == []


def test_a_t_before_an_ejective_s_is_a_phone_of_its_own() -> None:
    encoder = default_encoder("am", "phonemes")
    prepared = encoder.prepare("አትጽፍም")
    assert "[/t/][/sʼ/][/ɨ/]" in prepared
    assert encoder.unknown_prepared(prepared) == []


def test_marks_inside_a_word_do_not_part_it_in_phonemes() -> None:
    prepared = default_encoder("am", "phonemes").prepare("ኢ.ሜ ነው ። ሰው።")
    assert prepared == "[/ʔ/][/i/].[/m/][/e/] [/n/][/ə/][/w/] ። [/s/][/ə/][/w/]።"


def test_an_unknown_phone_is_reported_and_not_spelled_out() -> None:
    encoder = default_encoder("am", "phonemes")
    prepared = "[/s/][/ɬ/]"
    assert encoder.unknown_prepared(prepared) == ["ɬ"]
    unknown = encoder.ids["[UNK]"]
    assert encoder.encode(prepared) == [encoder.ids["[am]"], encoder.ids["[/s/]"], unknown]


def test_all_phones_of_the_inventory_have_their_token() -> None:
    from amharic_tts.g2p.base import inventory

    encoder = default_encoder("am", "phonemes")
    prepared = "".join(vocabulary.phone_token(phone) for phone in inventory())
    assert len(encoder.encode(prepared)) == len(inventory()) + 1
    assert encoder.unknown_prepared(prepared.lower()) == []


def test_settings_come_back_from_plain_data() -> None:
    settings = TextSettings("am", "phonemes", "rule_based", "3", "1")
    assert TextSettings.from_dict(settings.to_dict()) == settings
    assert settings.differences(TextSettings("am", "phonemes", "rule_based", "4", "1")) == [
        "g2p_version: `3` and `4`"
    ]
    with pytest.raises(UserError, match="`speed` is unknown"):
        TextSettings.from_dict({"speed": "1"})
    with pytest.raises(UserError, match="is 3, which is not text"):
        TextSettings.from_dict({"language": 3})
    with pytest.raises(UserError, match="`words` is not one of letters, phonemes"):
        TextSettings.from_dict({"text_mode": "words"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "can't be read"),
        ("[]", "has no `model.vocab`"),
        ('{"model": {"vocab": {"[STOP]": 0, "[UNK]": 1}}}', r"\[SPACE\], \[START\] not in it"),
    ],
)
def test_a_bad_vocabulary_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "vocab.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        TextEncoder(path, TextSettings("en"))
    with pytest.raises(UserError, match="is missing"):
        vocabulary.vocabulary_hash(tmp_path / "none.json")


def test_a_language_without_a_tag_is_refused(released: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="no token `\\[am\\]`") as caught:
        TextEncoder(released, current("am"))
    assert caught.value.hint == "It knows: de, en, fr, zh-cn"


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    body = practice_vocabulary()
    path = tmp_path / "vocab.json"
    path.write_text(json.dumps(body, indent=4))
    assert vocabulary.vocabulary_hash(path) == vocabulary.vocabulary_hash(body)
    body["model"]["merges"].append("a b")
    assert vocabulary.vocabulary_hash(path) != vocabulary.vocabulary_hash(body)


def test_the_practice_vocabulary_has_the_form_of_the_release() -> None:
    ids = vocabulary.token_ids(practice_vocabulary())
    assert sorted(ids.values()) == list(range(len(ids)))
    assert (ids["[STOP]"], ids["[UNK]"], ids["[SPACE]"]) == (0, 1, 2)
    assert all(f"[{language}]" in ids for language in LANGUAGES)
    assert MAX_TEXT_TOKENS == 200
