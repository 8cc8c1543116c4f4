from __future__ import annotations

import pytest

from amharic_tts.synthesis.text_split import expected_codes, max_codes, split


def characters(piece: str) -> int:
    return len(piece)


def test_sentences_stay_whole_and_are_packed() -> None:
    text = "ሰላም ነው። ደህና ነኝ። Good. Is it 3.14? Yes!"
    assert split(text, characters, 1000) == [text]
    assert split(text, characters, 16) == ["ሰላም ነው። ደህና ነኝ።", "Good.", "Is it 3.14? Yes!"]
    assert split(text, characters, 12) == ["ሰላም ነው።", "ደህና ነኝ።", "Good.", "Is it 3.14?", "Yes!"]


def test_ethiopic_marks_end_a_sentence_without_a_space() -> None:
    assert split("ሀለ።መሠ፧ረሰ፨ሸ", characters, 3) == ["ሀለ።", "መሠ፧", "ረሰ፨", "ሸ"]


def test_a_long_sentence_is_cut_at_clauses_then_words_then_anywhere() -> None:
    assert split("አበበ በሶ በላ፣ ጫላ ጩቤ ጨበጠ።", characters, 13) == ["አበበ በሶ በላ፣", "ጫላ ጩቤ ጨበጠ።"]
    assert split("one two three four", characters, 9) == ["one two", "three", "four"]
    assert split("abcdefgh", characters, 3) == ["abc", "def", "gh"]


def test_phones_are_never_cut_in_the_middle() -> None:
    def tokens(piece: str) -> int:
        return piece.count("[/")

    text = "[/s/][/ə/][/l/][/a/][/m/]"
    assert split(text, tokens, 2) == ["[/s/][/ə/]", "[/l/][/a/]", "[/m/]"]


def test_nothing_is_lost() -> None:
    text = ("በጎ ሰው ሁሉ ይወደዳል፤ ክፉ ሰው ግን ብቻውን ይቀራል። " * 40).strip()
    pieces = split(text, characters, 200)
    assert " ".join(pieces) == text
    assert all(len(piece) <= 200 for piece in pieces)


def test_a_piece_is_no_longer_than_what_xtts_is_trained_on() -> None:
    pieces = split(" ".join(["ሀሁሂሃ"] * 60), characters, 10_000)
    assert len(pieces) > 1
    assert all(expected_codes(piece) <= 11.6 * 22050 / 1024 for piece in pieces)


def test_empty_text_has_no_pieces() -> None:
    assert split("  ", characters, 10) == []
    with pytest.raises(ValueError, match="must be able to hold one character"):
        split("ab", lambda piece: 5, 1)


def test_the_bound_follows_the_text_and_the_model() -> None:
    assert max_codes("", 600) == 43  # two seconds
    assert max_codes("ሀሁሂ", 600) == 67
    assert max_codes("hello", 600) == 60
    assert max_codes("[/h/][/ə/][/l/][/o/]", 600) == 57
    assert max_codes("ሀ" * 1000, 600) == 600
