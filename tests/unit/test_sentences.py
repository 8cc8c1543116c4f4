from __future__ import annotations

import pytest

from amharic_tts.errors import UserError
from amharic_tts.synthesis import sentences
from amharic_tts.synthesis.sentences import CLAUSE, PARAGRAPH, SENTENCE, WORD, plan
from amharic_tts.synthesis.text_split import CODES_PER_SECOND, expected_codes
from amharic_tts.tokenizer.encoder import default_encoder


def laid_out(text: str, language: str = "am") -> list[tuple[str, str, float]]:
    return [(p.text, p.prepared, p.pause) for p in plan(text, default_encoder(language))]


def test_each_sentence_by_itself_with_its_pause() -> None:
    text = "ሰላም ለዓለም ሁሉ ይሁን። ዛሬ ጥሩ ቀን ነው፧ አዎ በጣም ጥሩ ነው።\nአዲስ አንቀጽ እዚህ ይጀምራል።"
    assert laid_out(text) == [
        ("ሰላም ለዓለም ሁሉ ይሁን።", "ሰላም ለዓለም ሁሉ ይሁን።", SENTENCE),
        ("ዛሬ ጥሩ ቀን ነው፧", "ዛሬ ጥሩ ቀን ነው፧", SENTENCE),
        ("አዎ በጣም ጥሩ ነው።", "አዎ በጣም ጥሩ ነው።", PARAGRAPH),
        ("አዲስ አንቀጽ እዚህ ይጀምራል።", "አዲስ አንቀጽ እዚህ ይጀምራል።", 0.0),
    ]


def test_a_very_short_sentence_goes_with_its_neighbour() -> None:
    texts = [p.text for p in plan("አዎ። ዛሬ ጥሩ ቀን ነው። በቃ።", default_encoder("am"))]
    assert texts == ["አዎ። ዛሬ ጥሩ ቀን ነው። በቃ።"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Smith came at 3.14 in the evening. He left the house again.", 2),
        ("The U.S. is a country far away from here. So is another one.", 2),
        ("J. R. Tolkien wrote a long and famous book.", 1),
        ('She said "come in here now." And then he came in.', 2),
        ("No mark at the end of this sentence", 1),
    ],
)
def test_a_point_does_not_always_end_a_sentence(text: str, count: int) -> None:
    assert len(plan(text, default_encoder("en"))) == count


def test_an_amharic_abbreviation_ends_nothing() -> None:
    assert len(plan("በ1984 ዓ.ም. ወደ አዲስ አበባ ሄደ።", default_encoder("am"))) == 1


def test_a_long_sentence_is_cut_at_commas_then_between_words() -> None:
    clause = "በጣም ረጅም የሆነ ዓረፍተ ነገር እዚህ አለ፣ "
    found = plan(clause * 6 + "መጨረሻ።", default_encoder("am"))
    assert len(found) > 1
    assert {p.pause for p in found[:-1]} == {CLAUSE}
    assert {p.text for p in found} == {(clause * 6 + "መጨረሻ።").strip()}
    for one in found:
        assert expected_codes(one.prepared) <= 11.6 * CODES_PER_SECOND
    words = plan("ቃላት " * 60, default_encoder("am"))
    assert {p.pause for p in words[:-1]} == {WORD}
    assert " ".join(p.prepared for p in words).split() == ["ቃላት"] * 60


def test_phones_are_taken_as_they_are() -> None:
    encoder = default_encoder("am", "phonemes")
    (one,) = plan("s ə l a m | l ə a l ə m ።", encoder, phonemes=True)
    wanted = "".join(f"[/{p}/]" for p in "səlam") + " " + "".join(f"[/{p}/]" for p in "ləaləm")
    assert one.prepared == wanted + "።"
    assert plan("ሰላም", encoder)[0].prepared == "".join(f"[/{p}/]" for p in "səlam")
    with pytest.raises(UserError, match="can't read these sounds: `q9`"):
        plan("s ə q9", encoder, phonemes=True)
    with pytest.raises(UserError, match="reads letters, not phonemes"):
        plan("s ə", default_encoder("am"), phonemes=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing to say"),
        (" \n\n\t", "nothing to say"),
        ("።፣ ? !", "nothing to say"),
        ("ሰላም ☺", "can't read these characters: `☺`"),
        ("漢字", "can't read these characters"),
        ("ሀ" * 10_001, "10001 characters; a request takes 10000"),
        ("ሀ" * 1_000_000, "1000000 characters"),
    ],
)
def test_what_can_not_be_said(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        plan(text, default_encoder("am"))
    assert message in caught.value.message


def test_what_is_said_by_letters_and_by_phones() -> None:
    assert sentences.said("ሰላም ለዓለም።") == ("ሰላም ለዓለም።", False)
    assert sentences.said("[/s/][/ə/], [/l/]።") == ("s ə | l", True)


def test_a_sentence_in_parts_says_so() -> None:
    found = plan("ቃላት " * 60 + "። ሌላ ዓረፍተ ነገር እዚህ አለ።", default_encoder("am"))
    assert [one.part for one in found[:-1]] == [True] * (len(found) - 1)
    assert not found[-1].part


def test_one_letter_can_be_said() -> None:
    assert [p.prepared for p in sentences.plan("ሀ", default_encoder("am"))] == ["ሀ"]
