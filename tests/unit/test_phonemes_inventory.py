"""Inventories of languages and lists, and the frequent words that are put right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from phoneme_fakes import FakeRecognizer, sound

from amharic_tts.errors import UserError
from amharic_tts.phonemes import inventory, word_forms
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import Symbols
from amharic_tts.phonemes.models.hama_model import HamaModel, present
from amharic_tts.phonemes.result import Phone
from amharic_tts.phonemes.settings import PhonemeSettings

needs_hama = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)
SYMBOLS = Symbols(
    ("_", "t͡ʃ", "t", "g", "ɡ", "k", "ː", "ʷ", "|", "q", "x", "#"),
    blank=0,
    word=8,
    modifiers=frozenset({6, 7}),
    ignored=frozenset({11}),
)


def names(phones: list[str]) -> set[str]:
    return {SYMBOLS.names[i] for i in inventory.allowed(SYMBOLS, phones)}


def test_languages() -> None:
    english, amharic = inventory.of_language("en"), inventory.of_language("am")
    assert {"tʃ", "ɝ", "ɚ", "iː", "θ"} <= english
    assert not {"ɨː", "tʼ", "x"} & english
    assert {"tʼ", "ɨ", "bː", "kʼʷː"} <= amharic
    assert not {"θ", "æ"} & amharic
    with pytest.raises(UserError, match="There is no list of the phones of `fr`"):
        inventory.of_language("fr")


def test_given_lists(tmp_path: Path) -> None:
    assert inventory.given("am") == inventory.of_language("am")
    assert inventory.given("t, k  a") == inventory.given(["t", "k", "a", " "]) == {"t", "k", "a"}
    file = tmp_path / "phones.txt"
    file.write_text("# mine\nt k\n\na, tʃ\n", encoding="utf-8")
    assert inventory.given(str(file)) == {"t", "k", "a", "tʃ"}
    with pytest.raises(UserError, match="`none` is neither a language nor a file of phones"):
        inventory.given("none")
    with pytest.raises(UserError, match="holds no phones"):
        inventory.given([])
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="can't be read as a list of phones"):
        inventory.given(str(file))


def test_columns_of_an_inventory() -> None:
    assert names(["tʃ", "t"]) == {"_", "|", "t͡ʃ", "t"}
    assert names(["ɡ"]) == {"_", "|", "g", "ɡ"}
    assert names(["tː", "x"]) == {"_", "|", "t", "ː", "x"}
    assert names(["kʼ"]) == {"_", "|", "q"}  # two notations of Amharic's velar ejective
    with pytest.raises(UserError, match="The model can write none of the phones a, ʙ"):
        inventory.allowed(SYMBOLS, ["ʙ", "a"])
    lost = inventory.missing(SYMBOLS, ["t", "tː", "tʼ", "tʼː", "tʼʷː", "bː", "kʷ"])
    assert lost == ["bː", "tʼ"]


@needs_hama
def test_amharic_in_the_embedded_model() -> None:
    symbols = HamaModel().symbols
    lost = inventory.missing(symbols, inventory.of_language("am"))
    assert lost == ["kʼ", "pʼ", "sʼ", "tʃʼ", "tʼ"]
    extractor = PhonemeExtractor(model="embedded", settings=PhonemeSettings(), inventory="am")
    assert extractor.notes == ("the model has no kʼ, pʼ, sʼ, tʃʼ, tʼ",)
    assert inventory.missing(symbols, (row[0] for row in inventory._english())) == []


def test_an_extractor_with_an_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "load", lambda *_: FakeRecognizer())
    monkeypatch.setattr(catalog, "key", lambda name, _: name)
    monkeypatch.setattr(PhonemeExtractor, "_models", type(PhonemeExtractor._models)())
    plain = PhonemeSettings()
    samples = sound([1, 0, 3, 5, 0, 2, 0])
    free = PhonemeExtractor(model="fake", settings=plain)
    assert str(free.extract_phoneme(samples)) == "a tː b"
    bound = PhonemeExtractor(model="fake", settings=plain, inventory=["a", "b", "tʼ"])
    found = bound.extract_phoneme(samples)
    assert set(found.phonemes) <= {"a", "b"}
    assert found.notes == ("the model has no tʼ",)
    # The posteriors are the model's own, whatever the inventory.
    ours, theirs = bound.hear(samples)[1], free.hear(samples)[1]
    assert np.array_equal(ours.log_probabilities, theirs.log_probabilities)
    with pytest.raises(UserError, match="can write none of the phones"):
        PhonemeExtractor(model="fake", settings=plain, inventory="q x")


def spoken(text: str) -> list[Phone]:
    words = [word.split() for word in text.split(" | ")]
    return [
        Phone(phone, i + j / 10, i + j / 10 + 0.1, 0.9, i, (("x", 0.05),))
        for i, word in enumerate(words)
        for j, phone in enumerate(word)
    ]


def corrected(text: str) -> str:
    found: dict[int, list[str]] = {}
    for phone in word_forms.corrected(spoken(text)):
        found.setdefault(phone.word, []).append(phone.phone)
    return " | ".join(" ".join(word) for word in found.values())


def test_frequent_words_are_put_right() -> None:
    assert corrected("ð i | ɛ n d | ɔ f | ð i | b ʊ k") == "ð i | ɛ n d | ə v | ð ə | b ʊ k"
    assert corrected("ɪ t | i s | ð i") == "ɪ t | ɪ z | ð i"
    assert corrected("ɔ f ə n | ð i z") == "ɔ f ə n | ð i z"
    assert list(word_forms.corrected([])) == []
    first, second = word_forms.corrected(spoken("ɔ f"))
    assert (first.start, first.end, first.confidence) == (0.0, 0.1, 0.9)
    assert first.runners_up == (("ɔ", 0.9),)
    assert second.phone == "v"


@needs_hama
def test_frequent_words_can_be_left_as_the_model_writes_them(ljspeech: Path) -> None:
    clip = ljspeech / "LJ001-0020.flac"
    ours = PhonemeExtractor(settings=PhonemeSettings()).extract_phoneme(clip)
    raw = PhonemeExtractor(settings=PhonemeSettings(word_forms=False)).extract_phoneme(clip)
    assert str(raw).startswith("ð i | l oʊ ɝ")
    assert str(ours).startswith("ð ə | l oʊ ɝ")
    assert str(ours).endswith("ɪ n | ð i | ɝ l i | m ɪ d ə l | eɪ d͡ʒ ɪ z")
    amharic = PhonemeExtractor(settings=PhonemeSettings(), inventory="am")
    assert not set(amharic.extract_phoneme(clip).phonemes) & {"ð", "θ", "æ", "ɹ"}
