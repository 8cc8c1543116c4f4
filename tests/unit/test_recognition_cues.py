"""Sentences of what was heard: Ethiopic marks, pauses, lengths, never inside a word."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from amharic_tts.recognition.base import Heard, Word, joined
from amharic_tts.recognition.cues import LONGEST, cues, sentences


def spoken(
    text: str, each: float = 0.4, gap: float = 0.1, gaps: dict[int, float] | None = None
) -> Heard:
    """Return words of one length; `gaps` has longer silences before some of them."""
    words, at = [], 0.0
    for number, word in enumerate(text.split()):
        at += (gaps or {}).get(number, gap if number else 0.0)
        words.append(Word(word, round(at, 3), round(at + each, 3), 0.9))
        at += each
    return Heard(text, tuple(words), 0.9)


def told(
    heard: Heard, seconds: float = 60.0, longest: float = LONGEST
) -> list[tuple[str, float, float]]:
    return [(c.text, c.start, c.end) for c in cues([(0.0, seconds, heard)], seconds, longest)]


@pytest.mark.parametrize("mark", "።፧፨.!?…")
def test_a_sentence_ends_at_its_mark(mark: str) -> None:
    heard = spoken(f"አንድ ሁለት ሦስት{mark} አራት አምስት ስድስት")
    assert told(heard) == [
        (f"አንድ ሁለት ሦስት{mark}", 0.0, 1.45),
        ("አራት አምስት ስድስት", 1.45, 3.1),
    ]


@pytest.mark.parametrize("mark", "፤፣፥፦,;:")
def test_a_mark_inside_cuts_only_what_is_too_long(mark: str) -> None:
    heard = spoken(f"አንድ ሁለት ሦስት{mark} አራት አምስት ስድስት")
    assert len(told(heard)) == 1
    assert [text for text, _, _ in told(heard, longest=2.0)] == [
        f"አንድ ሁለት ሦስት{mark}",
        "አራት አምስት ስድስት",
    ]


def test_marks_without_spaces_part_words_and_times() -> None:
    heard = spoken("ሰላም።ደህና ነህ፧አዎ ደህና ነኝ።", each=3.0)
    found = told(heard)
    assert [text for text, _, _ in found] == ["ሰላም።", "ደህና ነህ፧", "አዎ ደህና ነኝ።"]
    assert [start for _, start, _ in found[:2]] == [0.0, 1.714]


def test_a_point_inside_a_number_ends_nothing() -> None:
    assert sentences("ዋጋው 3.14 ብር ነው። እሺ!") == ["ዋጋው 3.14 ብር ነው።", "እሺ!"]


def test_closing_quotes_stay_with_their_sentence() -> None:
    assert sentences("“ና።” አለ። ሄደ።") == ["“ና።”", "አለ።", "ሄደ።"]
    assert sentences("") == []


def test_a_long_pause_ends_a_sentence_of_a_model_that_writes_no_marks() -> None:
    heard = spoken("አንድ ሁለት ሦስት አራት አምስት ስድስት", gaps={3: 0.9})
    assert [text for text, _, _ in told(heard)] == ["አንድ ሁለት ሦስት", "አራት አምስት ስድስት"]


def test_what_is_too_long_is_cut_at_its_longest_pause() -> None:
    heard = spoken(" ".join(f"w{n}" for n in range(34)), gaps={17: 0.5, 25: 0.4})
    found = told(heard)
    assert [text.split()[0] for text, _, _ in found] == ["w0", "w17"]
    assert all(end - start <= 11.6 for _, start, end in found)


def test_a_short_sentence_is_joined_with_its_neighbour() -> None:
    assert [text for text, _, _ in told(spoken("እሺ። ሁለት ሦስት አራት።"))] == ["እሺ። ሁለት ሦስት አራት።"]
    apart = spoken("እሺ። ሁለት ሦስት አራት።", gaps={1: 2.0})
    assert [text for text, _, _ in told(apart)] == ["እሺ።", "ሁለት ሦስት አራት።"]


def test_pieces_without_times_are_cues_as_they_are() -> None:
    parts = [(0.0, 8.0, Heard("አንድ። ሁለት።")), (8.0, 12.0, Heard()), (12.0, 20.0, Heard("ሦስት"))]
    found = [(c.line, c.text, c.start, c.end) for c in cues(parts, 20.0)]
    assert found == [(1, "አንድ። ሁለት።", 0.0, 8.2), (2, "ሦስት", 11.9, 20.0)]


def test_a_sentence_may_go_over_the_cut_between_two_pieces() -> None:
    one, two = (
        spoken("አንድ ሁለት", each=0.5, gap=0.0),
        spoken("ሦስት። አራት አምስት ስድስት።", each=0.5, gap=0.0),
    )
    found = cues([(0.0, 1.0, one), (1.0, 3.0, two)], 3.0)
    assert [c.text for c in found] == ["አንድ ሁለት ሦስት።", "አራት አምስት ስድስት።"]
    whole = joined([(0.0, one), (1.0, two)])
    assert (whole.text, whole.words[2].start, whole.confidence) == (
        "አንድ ሁለት ሦስት። አራት አምስት ስድስት።",
        1.0,
        0.9,
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["አ", "አለ።", "ና፣", "abc", "d.", "e፤f", "።"]),
            st.floats(0, 3),
            st.floats(0.01, 4),
        ),
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_doubled_or_out_of_order(
    given_words: list[tuple[str, float, float]],
) -> None:
    words, at = [], 0.0
    for text, gap, length in given_words:
        words.append(Word(text, round(at + gap, 3), round(at + gap + length, 3), 0.5))
        at = words[-1].end
    text = " ".join(word.text for word in words)
    found = cues([(0.0, at, Heard(text, tuple(words), 0.5))] if words else [], at)
    assert "".join(c.text for c in found).replace(" ", "") == text.replace(" ", "")
    edges = [edge for c in found for edge in (c.start, c.end)]
    assert edges == sorted(edges) and all(0 <= edge <= at + 0.001 for edge in edges)
