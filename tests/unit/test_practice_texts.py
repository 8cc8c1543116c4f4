"""The texts that the practice base learns from: what they hold, and what they never hold."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from amharic_tts.errors import StudioError, UserError
from amharic_tts.espeak import client
from amharic_tts.g2p.base import phone_table, phones
from amharic_tts.g2p.pipeline import EnhancedAmharicG2P
from amharic_tts.g2p.speak_phonemes import speakable
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import TextSettings, current
from training.practice import amharic, english, texts, words
from training.practice.texts import LANGUAGES, Text, Writer, refused, unseen

LEAST = {"en": 2500}
"""Words of each list, before they are bent."""
ENGLISH_PHONES = (
    "p b t d k ɡ f v θ ð s z ʃ ʒ h m n ŋ l ɹ j w tʃ dʒ iː ɪ ɛ æ ʌ ə ɚ ɜː ɑː ɔː ʊ uː eɪ aɪ ɔɪ aʊ oʊ"
)
ENGLISH_CLUSTERS = "pl bl kl ɡl fl sl pɹ bɹ tɹ dɹ kɹ ɡɹ fɹ θɹ sp st sk stɹ spɹ skw nd nt st lt"


def many(language: str, seed: int = 0, each: int = 600) -> list[str]:
    writer = Writer(language, seed)
    short = [writer.words(1 + number % 3).text for number in range(each)]
    return short + [writer.sentence(60).text for _ in range(each)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_seed_gives_the_same_texts_and_another_gives_others(language: str) -> None:
    assert many(language, 7, 50) == many(language, 7, 50)
    assert many(language, 7, 50) != many(language, 8, 50)


def test_a_text_says_its_language() -> None:
    assert Writer("am", 0).words(2).language == "am"
    assert Writer("en", 0).sentence(60) == Text("en", Writer("en", 0).sentence(60).text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_words(language: str) -> None:
    kinds = words.read_words(LANGUAGES[language].file)
    parts = {"fidel", "onset", "rime", "link", "ending", "never", *words.PHRASES}
    found = {entry for kind, entries in kinds.items() if kind not in parts for entry in entries}
    assert len(found) >= LEAST.get(language, 700)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_as_many_words_as_asked_for(language: str, count: int) -> None:
    writer = Writer(language, 1)
    assert {len(writer.words(count).text.split()) for _ in range(200)} == {count}


def test_every_word_comes_once_before_one_comes_again() -> None:
    decks = words.Decks({"few": ("a", "b", "c")}, random.Random(0))
    for _ in range(5):
        assert sorted(decks.one("few") for _ in range(3)) == ["a", "b", "c"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_keep_to_the_length_and_are_of_many_lengths(language: str) -> None:
    writer = Writer(language, 2)
    for longest in (texts.SHORTEST, 40, 80):
        found = [writer.sentence(longest).text for _ in range(300)]
        assert max(map(len, found)) <= longest
    lengths = Counter(len(text.split()) for text in found)
    assert {2, 3, 4, 5, 6, 7} <= set(lengths)
    assert len(set(found)) > 280


@pytest.mark.parametrize("language", LANGUAGES)
def test_statements_questions_exclamations_and_commas(language: str) -> None:
    found = many(language)[600:]
    ends = Counter(text[-1] for text in found)
    stop = "።" if language == "am" else "."
    assert set(ends) == {stop, "?", "!"}
    assert min(ends.values()) >= 20
    assert sum(("፣" in text) or ("," in text) for text in found) >= 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_lost_on_the_way_to_the_model(language: str) -> None:
    vocab = vocabulary.extend(practice_vocabulary(), "am").vocab
    encoder = TextEncoder(vocab, TextSettings(language=language))
    for text in (*many(language), *unseen(language)):
        assert encoder.prepare(text) == text.lower()
        assert encoder.unknown(text) == []


def test_the_vocabulary_has_every_phone_of_the_texts() -> None:
    vocab = vocabulary.extend(practice_vocabulary(), "am", "phonemes").vocab
    encoder = TextEncoder(vocab, current("am", "phonemes"))
    assert [text for text in (*many("am"), *unseen("am")) if encoder.unknown(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_slot_of_a_form_is_left_open(language: str) -> None:
    writer = Writer(language, 3)
    forms = writer._decks.words["sentence"]
    for form in forms:
        text = words.fill(form, writer._grammar._slot)
        assert not re.search(r"[\[\]|/~+]", text), form
    assert len(forms) >= 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_twenty_sentences_are_kept_for_the_evaluation(language: str) -> None:
    kept = unseen(language)
    assert len(kept) == len(set(kept)) == 20
    assert all(20 > len(text.split()) >= LANGUAGES[language].run for text in kept)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_evaluation_sentence_nor_a_part_of_one_passes(language: str) -> None:
    for kept in unseen(language):
        found = re.findall(r"[\w'-]+", kept)
        for at in range(len(found) - LANGUAGES[language].run + 1):
            part = " ".join(found[at : at + LANGUAGES[language].run])
            assert refused(language, part)
            assert refused(language, f"Well, {part.upper()}!")
        assert not refused(language, " ".join(found[: LANGUAGES[language].run - 1]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_writer_whose_words_are_the_evaluation_never_gives_it(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof: all that a writer returns passes `refused`, whatever its words are."""
    writer = Writer(language, 4)
    forms = (*unseen(language), "one two three")
    monkeypatch.setitem(writer._decks.words, "sentence", forms)
    assert {writer.sentence(90).text.lower() for _ in range(50)} == {"one two three"}
    single = [word for kept in unseen(language) for word in kept.rstrip(".?።").split()]
    for first, second, third in zip(single, single[1:], single[2:], strict=False):
        drawn = iter((first, second, third, "x", "y", "z"))
        monkeypatch.setattr(writer, "_word", lambda drawn=drawn: next(drawn))
        held = language == "am" and refused("am", f"{first} {second} {third}")
        assert (writer.words(3).text == "x y z") is held


def test_every_english_phone_and_the_common_clusters_come_often() -> None:
    asked = {"do": "read", "voice": "en-us", "texts": many("en")}
    heard = [re.sub("[ˈˌ]", "", ipa) for ipa in client.shared().ask(asked)["ipa"]]
    count = {phone: sum(phone in ipa for ipa in heard) for phone in ENGLISH_PHONES.split()}
    assert min(count.values()) >= 12, count
    clusters = {
        cluster: sum(cluster in ipa for ipa in heard) for cluster in ENGLISH_CLUSTERS.split()
    }
    assert min(clusters.values()) >= 8, clusters


def test_every_amharic_consonant_plain_and_long_and_every_vowel_come_often() -> None:
    read = EnhancedAmharicG2P("rule_based").convert(many("am"))
    count = Counter(phone for ipa in read for phone in phones(ipa))
    seldom = ("ŋ", "x", "β")  # not in the spelling of our reader
    for phone in phone_table().values():
        if phone.phone in seldom:
            continue
        assert count[phone.phone] >= 20, phone
        if phone.kind == "consonant":
            assert count[f"{phone.phone}ː"] >= 3, phone


def test_the_teacher_can_say_every_amharic_text() -> None:
    for ipa in EnhancedAmharicG2P("rule_based").convert(many("am", 1)):
        assert not speakable(ipa).dropped
        assert speakable(ipa).mnemonics


def test_every_fidel_comes() -> None:
    writer = Writer("am", 0)
    count = Counter("".join(writer.words(1 + number % 3).text for number in range(600)))
    fidel = writer._decks.words["fidel"]
    assert len(fidel) > 260
    assert min(count[letter] for letter in fidel) >= 2


@pytest.mark.parametrize(
    ("entry", "heard"),
    [
        ("ሄደ/ይሄድ", "ሄደ ሄደች ሄዱ ሄድኩ ሄድን ሄድክ"),
        ("በላ/ይበላ", "በላ በላች በሉ በላሁ በላን በላህ"),
        ("ሰጠ~/ይሰጥ", "ሰጠ ሰጠች ሰጡ ሰጠሁ ሰጠን ሰጠህ"),
    ],
)
def test_amharic_perfect(entry: str, heard: str) -> None:
    assert [amharic.past(entry, person) for person in amharic.PERSONS] == heard.split()


@pytest.mark.parametrize(
    ("entry", "heard"),
    [
        ("ሄደ/ይሄድ", "ይሄዳል ትሄዳለች ይሄዳሉ እሄዳለሁ እንሄዳለን ትሄዳለህ"),
        ("አደረገ/ያደርግ", "ያደርጋል ታደርጋለች ያደርጋሉ አደርጋለሁ እናደርጋለን ታደርጋለህ"),
    ],
)
def test_amharic_imperfect(entry: str, heard: str) -> None:
    assert [amharic.present(entry, person) for person in amharic.PERSONS] == heard.split()


def test_other_amharic_forms() -> None:
    go, do = "ሄደ/ይሄድ", "አደረገ/ያደርግ"
    assert [amharic.past_not(verb, "i") for verb in (go, do)] == ["አልሄድኩም", "አላደረግኩም"]
    assert [amharic.present_not(verb, "i") for verb in (go, do)] == ["አልሄድም", "አላደርግም"]
    assert [amharic.present_not(verb, "we") for verb in (go, do)] == ["አንሄድም", "አናደርግም"]
    assert [amharic.subordinate(do, person, "ሲ") for person in ("he", "i", "we")] == [
        *("ሲያደርግ", "ሳደርግ", "ስናደርግ")
    ]
    assert [amharic.relative(verb) for verb in (go, do)] == ["የሄደው", "ያደረገው"]
    pairs = ("ሄደ/ይሄድ", "መጣ/ይመጣ", "ጻፈ/ይጽፍ", "ሰበረ/ይሰብር", "ሰጠ~/ይሰጥ")
    assert [amharic.converb(verb, "he") for verb in pairs] == ["ሄዶ", "መጥቶ", "ጽፎ", "ሰብሮ", "ሰጥቶ"]
    assert amharic.converb(go, "i") == "ሄጄ"
    assert amharic.perfect(go, "she") == "ሄዳለች"
    assert amharic.past_with("ጠራ/ይጠራ", "she", "me") == "ጠራችኝ"
    assert not amharic.regular(do)
    nouns = [(amharic.definite, "ቤቱ ውሻው"), (amharic.plural, "ቤቶች ውሻዎች")]
    nouns += [(amharic.mine, "ቤቴ ውሻዬ"), (amharic.ours, "ቤታችን ውሻችን")]
    for bend, heard in nouns:
        assert [bend("ቤት"), bend("ውሻ")] == heard.split()
    assert amharic.ours("በሬ") == "በሬያችን"


def test_english_forms() -> None:
    assert [english.plural(noun) for noun in ("cat", "box", "city", "boy")] == [
        *("cats", "boxes", "cities", "boys")
    ]
    assert [english.past(verb) for verb in ("walk", "bake", "cry")] == ["walked", "baked", "cried"]
    assert english.past("stop", doubled=True) == "stopped"
    assert [english.going(verb) for verb in ("make", "lie", "see", "go")] == [
        *("making", "lying", "seeing", "going")
    ]
    assert [english.third(verb) for verb in ("go", "fix", "try", "eat")] == [
        *("goes", "fixes", "tries", "eats")
    ]
    mixed = ("hour", "uniform", "egg", "uncle", "one", "dog")
    assert [english.article(word) for word in mixed] == ["an", "a", "an", "an", "a", "a"]


def test_a_before_a_vowel_is_an() -> None:
    for text in many("en"):
        for first, second in pairwise(re.findall(r"[\w'-]+", text)):
            if first in ("a", "an"):
                assert first == english.article(second), text


def test_no_made_up_word_is_rude() -> None:
    writer = Writer("en", 0)
    made = [writer._grammar.made_up() for _ in range(3000)]
    rude = writer._decks.words["never"]
    assert not [word for word in made if any(bad in word for bad in rude)]


@pytest.mark.parametrize("language", ["", "fr", "AM"])
def test_a_language_without_words_is_refused(language: str) -> None:
    with pytest.raises(UserError, match=f"no practice texts for the language `{language}`"):
        Writer(language, 0)
    with pytest.raises(UserError, match="docs/practice.md"):
        unseen(language)


def test_too_few_characters_or_words_are_refused() -> None:
    with pytest.raises(UserError, match="at most 19 characters"):
        Writer("en", 0).sentence(19)
    with pytest.raises(UserError, match="0 words"):
        Writer("en", 0).words(0)


def test_a_form_that_asks_for_an_unknown_kind_of_word_says_so() -> None:
    writer = Writer("en", 0)
    with pytest.raises(StudioError, match=r"`\[nuon\]`, no kind of word"):
        words.fill("The [nuon] is here.", writer._grammar._slot)


def test_a_broken_word_list_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "rows", lambda package, name: iter([["noun", "cat", "dog"]]))
    with pytest.raises(StudioError, match="`x.tsv`: `noun` has 3 columns, not 2"):
        words.read_words("x.tsv")
