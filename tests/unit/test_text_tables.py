"""The text room's data files: loader errors with line numbers, and what every table must hold."""

from __future__ import annotations

import unicodedata

import pytest

from amharic_tts.errors import StudioError
from amharic_tts.text import ethiopic
from amharic_tts.text.normalize import normalize
from amharic_tts.text.tables import parse, rows

COLUMNS = ("short", "words")
BROKEN = {
    "": "`t.tsv`, line 1: the columns must be `short`, `words`; found an empty file",
    "# a\nshort\tword\n": "`t.tsv`, line 2: the columns must be `short`, `words`; "
    "found `short`, `word`",
    "short\twords\n\nа\tb\tc\n": "`t.tsv`, line 3: there must be 2 columns; found 3",
    "short\twords\n# x\n\tb\n": "`t.tsv`, line 3: `short` is empty; found \tb",
    "short\twords\na\tb\nc\td\na\te\n": "`t.tsv`, line 4: already on line 2; found `a`",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items())
def test_a_broken_table_says_which_line(text: str, message: str) -> None:
    with pytest.raises(StudioError) as caught:
        list(parse(text, "t.tsv", COLUMNS))
    assert caught.value.message == message


def test_comments_and_empty_lines_are_skipped() -> None:
    assert list(parse("# x\nshort\twords\n\na\tb c\n", "t.tsv", COLUMNS)) == [["a", "b c"]]


def abbreviations() -> list[list[str]]:
    return list(rows("amharic_tts.text", "abbreviations.tsv", ("short", "words", "kind")))


def test_every_abbreviation_is_read_with_a_prefix_and_with_full_stops() -> None:
    for short, words, kind in abbreviations():
        assert kind in ("whole", "open", "number")
        if kind == "number":
            assert normalize(f"በ{short[:-1]}. 5").text == f"በ{words} አምስት"
            continue
        for written in (short, short.replace("/", ".")):
            assert normalize(f"እሱ {written} ነው").text == f"እሱ {words} ነው"
            assert normalize(f"የ{written}").text == f"የ{words}"
            assert normalize(f"{written}ን").text == f"{words}ን"


def test_an_expansion_holds_no_abbreviation() -> None:
    for _, words, _ in abbreviations():
        assert normalize(words).text == words


def test_every_unit_follows_a_number() -> None:
    for written, words in rows("amharic_tts.text", "units.tsv", ("written", "words")):
        assert normalize(f"2 {written} ነው").text == f"ሁለት {words} ነው"


def test_every_currency_stands_after_its_amount() -> None:
    columns = ("written", "word", "hundredth")
    for written, word, hundredth in rows("amharic_tts.text", "currencies.tsv", columns):
        wanted = f"ሁለት {word} ከአምስት {hundredth} ነው"
        assert normalize(f"2.05 {written} ነው").text == wanted
        if not ethiopic.is_ethiopic(written[0]):
            assert normalize(f"{written} 2.05 ነው").text == wanted


def test_every_suffix_is_joined_as_its_example_says() -> None:
    columns = ("suffix", "joined", "example")
    for suffix, joined, example in rows("amharic_tts.text", "number_suffixes.tsv", columns):
        written, _, words = example.partition(" ")
        assert joined in ("after", "merged")
        assert written.endswith(suffix)
        assert normalize(written).text == words


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        (0x1200, 0x137F, 358),
        (0x1380, 0x139F, 26),
        (0x2D80, 0x2DDF, 79),
        (0xAB01, 0xAB2E, 32),
        (0x1E7E0, 0x1E7FF, 28),
    ],
)
def test_each_ethiopic_block_is_known_whole(first: int, last: int, count: int) -> None:
    known = [c for c in ethiopic.characters() if first <= ord(c) <= last]
    assert len(known) == count
    assigned = {chr(c) for c in range(first, last + 1) if unicodedata.category(chr(c)) != "Cn"}
    # Python 3.10 does not know the last block yet.
    assert assigned == set(known) or (not assigned and first == 0x1E7E0)
    for letter in set(known) & set(ethiopic.letters()):
        assert normalize(letter).text == letter
        assert ethiopic.is_letter(letter)


HARD = [
    *(
        "9",
        "፼",
        "1.",
        "1,",
        "1/",
        "5-",
        "0 ",
        "3:",
        "12/03/2016 ",
        "01-",
        "ዓ.",
        "ዓ. ",
        "ዓ.ም ",
        "ት/",
    ),
    *(
        "ሀ",
        "a",
        "a-",
        "+25 ",
        "1 1/",
        "$",
        "$5",
        "5%",
        "፩-",
        "፩፥",
        "-5",
        "1ኛ",
        "−",
        "1:10",
        "0911-",
    ),
]


@pytest.mark.parametrize("piece", HARD)
def test_a_long_line_of_what_rules_look_for_comes_to_an_end(piece: str) -> None:
    """A rule that looks back over the whole line at each step would run into the time limit."""
    text = piece * (80_000 // len(piece))
    once = normalize(text).text
    assert once and normalize(piece).text


def test_a_megabyte_in_one_line() -> None:
    piece = "በ12/03/2016 ዓ.ም ወ/ሮ አልማዝ ከ3:30 ሰዓት እስከ 5 ኪ.ሜ ሄዱ። ሰላም ለዓለም ሁሉ ይሁን፡፡ "
    count = 1_000_000 // len(piece.encode())
    out = normalize(piece * count)
    assert len(out.changes) == 6 * count + 1
    assert out.text == " ".join([normalize(piece).text] * count)
