"""The fast forms of the rules do what the rules say: compiled together, looked up, remembered."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from amharic_tts.g2p import gemination
from amharic_tts.g2p.gemination import long_letters
from amharic_tts.g2p.letters import Letter, spell
from amharic_tts.g2p.rules import RuleBased, convert_word
from amharic_tts.g2p.words import WordCache, by_word
from amharic_tts.text.tables import rows

GOLDEN = Path(__file__).parent / "golden" / "g2p_made_up_words.tsv"


def made_up() -> dict[str, str]:
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def one_by_one(letters: Sequence[Letter]) -> set[int]:
    """Return what `long_letters` should: every rule tried alone, in the order of the table."""
    signs = [letter.signs for letter in letters]
    word = "".join(signs)
    closed = False
    found: set[int] = set()
    for kind, _, written, *_ in rows("amharic_tts.g2p", "gemination.tsv"):
        if kind == "stem" and closed:
            continue
        for sign, meaning in gemination._CLASSES.items():
            written = written.replace(sign, meaning)
        pattern = re.compile(written)
        named = set(pattern.groupindex.values())
        for match in pattern.finditer(word):
            closed = closed or kind == "closed"
            for group in set(range(1, pattern.groups + 1)) - named:
                before = 0
                while match.start(group) >= len("".join(signs[: before + 1])):
                    before += 1
                found.add(before)
    return {at for at in found if at > 0 and letters[at].consonants[-1] not in ("h", "ʔ")}


def test_rules_together_are_the_rules_one_by_one() -> None:
    words = [*made_up(), "ሦስተኛ", "አንደኛ", "ሁለቶች", "ሆችኛኦች", "ላላ", "ቈቈ", "በሁለት", "ሰባ", "ኣለላለለ"]
    for word in words:
        letters = [letter for letter in spell(word) if not letter.long]
        assert long_letters(letters) == one_by_one(letters), word


def test_the_kept_sample() -> None:
    converter = RuleBased()
    for word, ipa in made_up().items():
        assert convert_word(word) == ipa
        assert converter.convert(word) == ipa


def test_looking_words_up_changes_nothing() -> None:
    pieces = [
        *made_up(),
        "፟",
        "፣",
        "።",
        "፡",
        " ",
        "\n",
        "a",
        "7",
        "«",
        "\u135f",
        "\x00",
        "/",
        "\u200b",
    ]
    draw = random.Random(3)
    converter = RuleBased()
    for _ in range(300):
        text = "".join(draw.choices(pieces, k=draw.randint(0, 9)))
        text += "".join(draw.choices(pieces[-12:], k=3))
        assert converter.convert(text) == by_word(text, convert_word)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def spelt(word: str) -> str:
        asked.append(word)
        return word.upper()

    monkeypatch.setattr(WordCache, "LIMIT", 3)
    words = WordCache(spelt)
    assert words.convert("a b a፣c  a።") == "A B A C A"
    assert asked == ["a", "b", "c"]
    words.convert("d e f g a")
    assert len(words) <= 3
    assert words.convert("g" * 65) == "G" * 65
    assert "g" * 65 not in words
