"""The user's own words: their file, its errors, and who made what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from amharic_tts.commands import g2p, phonemes
from amharic_tts.errors import UserError
from amharic_tts.g2p import EnhancedAmharicG2P
from amharic_tts.g2p.lexicon import Lexicon, join
from amharic_tts.g2p.rules import RuleBased
from amharic_tts.text import ethiopic

READINGS = {
    "phonemes with spaces": ("ሰላም\ts ə l a mː", "səlamː"),
    "phonemes in another notation": ("ቅጽል\tk’ɨts’ɨgːʷa", "kʼɨsʼɨɡʷːa"),
    "a consonant written twice": ("ነበረ\tnəbbərə", "nəbːərə"),
    "a spelling": ("ነበረ\tነበ፟ረ", "nəbːərə"),
    "a spelling alone": ("ነበ፟ረ", "nəbːərə"),
    "a spelling without a mark has nothing long": ("ነበረ\tነበረ", "nəbərə"),
    "a spelling that reads otherwise": ("ነበረ\tነቨረ", "nəvərə"),
    "with a note": ("ነበረ\tነቨረ\tmachine-made", "nəvərə"),
}


@pytest.mark.parametrize(("line", "ipa"), READINGS.values(), ids=READINGS)
def test_readings(line: str, ipa: str) -> None:
    word = line.split("\t")[0].replace("\u135f", "")
    assert Lexicon.parse([line], "here").get(word) == ipa


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "words.tsv"
    file.write_bytes("\ufeff# mine\r\n\r\nሰላም\tsəlamː\r\nገና፟\r\nሰላም\tsəlamː\r\n".encode())
    lexicon = Lexicon.load(file)
    assert (len(lexicon), lexicon.get("ሰላም"), lexicon.get("ገና")) == (2, "səlamː", "ɡənːa")
    assert lexicon.version == "lexicon-" + Lexicon.load(file).version[-8:]
    assert lexicon.version != Lexicon({"ሰላም": "səlam"}).version


def test_every_wrong_line_is_told_with_its_number() -> None:
    lines = [
        *("ሰላም\tsəlam", "ሰላም\tsəlamː", "bad\tbad", "ቤት", "ቤት\tbɛxθ", "ቤት\t", "a\tb\tc\td"),
        *("ቤት\tቤት x", "ቤ፟ት\tbet", "ባለ ቤት\tbet"),
    ]
    with pytest.raises(UserError) as caught:
        Lexicon.parse(lines, "`mine.tsv`")
    assert caught.value.message.split("\n") == [
        "The lexicon `mine.tsv` has lines that can't be used:",
        "line 2: `ሰላም` has another reading in line 1",
        "line 3: `bad` is not one Ethiopic word without marks",
        "line 4: `ቤት` has neither phonemes nor a mark of length (U+135F)",
        "line 5: `ɛ`, `θ` in `bɛxθ`: no phone of Amharic",
        "line 6: `ቤት` has no reading",
        "line 7: it has 4 columns, not two and a note",
        "line 8: the spelling `ቤት x` is not one Ethiopic word",
        "line 9: `ቤ፟ት` is not one Ethiopic word without marks",
        "line 10: `ባለ ቤት` is not one Ethiopic word without marks",
    ]
    with pytest.raises(UserError, match="\nand 5 more\n"):
        Lexicon.parse(["x\ty"] * 15, "here")


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        Lexicon.load(tmp_path / "none.tsv")
    (tmp_path / "latin1.tsv").write_bytes("ሰላም\tsəlam\n".encode() + b"\xe9\n")
    with pytest.raises(UserError, match=r"^Line 2 of `.*` is not UTF-8"):
        Lexicon.load(tmp_path / "latin1.tsv")


def test_other_letters_of_the_same_sound_only_when_asked() -> None:
    lines = ["ሰላም\tsəlamː", "ፀሐይ\tsʼəhaj", "ጸሃይ\tsʼəhajː"]
    assert Lexicon.parse(lines, "here").get("ሠላም") is None
    lexicon = Lexicon.parse(lines, "here", homophones=True)
    assert lexicon.get("ሠላም") == "səlamː"
    assert lexicon.get("ጸሃይ") == "sʼəhajː"
    assert lexicon.get("ፀሀይ") is None  # its two spellings are read differently


def test_the_rules_ask_it_first() -> None:
    lexicon = Lexicon.parse(["ሰላም\tsəlamː"], "here")
    backend = RuleBased(lexicon)
    assert backend.convert("ሰላም፣ ለዓለም! ሰላ፟ም ሰላም7") == "səlamː ləʔaləm səlːam səlamː7"
    assert backend.version == f"{RuleBased().version}+{lexicon.version}"


def test_results_say_what_came_from_it(tmp_path: Path) -> None:
    file = tmp_path / "words.tsv"
    file.write_text("ሰላም\tsəlamː\n", encoding="utf-8")
    converter = EnhancedAmharicG2P(backend="epitran", lexicon=file)
    whole = converter.convert_detailed("ሰላም፣ ሰላም!")
    assert (whole.ipa, whole.backend, whole.made_by) == ("səlamː səlamː", "lexicon", "lexicon")
    assert whole.from_lexicon == ("ሰላም", "ሰላም")
    assert whole.version.startswith("lexicon-")
    part = converter.convert_detailed("አመት ሰላም።ሆነ")
    assert (part.ipa, part.backend) == ("ʔəmət səlamː honə", "epitran")
    assert (part.made_by, part.from_lexicon) == ("lexicon+epitran", ("ሰላም",))
    assert part.version.endswith(f"+{whole.version}")
    none = converter.convert_detailed("ቤት")
    assert (none.made_by, none.from_lexicon) == ("epitran", ())


def test_the_command(tmp_path: Path) -> None:
    app = typer.Typer()
    g2p.register(app)
    phonemes.register(app)
    file = tmp_path / "words.tsv"
    file.write_text("ሰላም\tsəlamː\n", encoding="utf-8")
    text = "ሰላም\nሰላም ቤት\nሠላም\n"
    run = CliRunner().invoke(app, ["g2p", "--lexicon", str(file), "--format", "tsv"], input=text)
    assert run.stdout == (
        "ሰላም\tsəlamː\tlexicon\nሰላም ቤት\tsəlamː bet\tlexicon+rule_based\nሠላም\tsəlam\trule_based\n"
    )
    args = ["g2p", "--lexicon", str(file), "--homophones", "--format", "json"]
    found = json.loads(CliRunner().invoke(app, args, input=text).stdout)
    assert [item["from_lexicon"] for item in found] == [["ሰላም"], ["ሰላም"], ["ሠላም"]]
    assert [item["phonemes"] for item in found] == ["səlamː", "səlamː bet", "səlamː"]
    refused = CliRunner().invoke(app, ["g2p", "--homophones"], input="")
    assert isinstance(refused.exception, UserError)


PIECES = ["ሰላም", "ቤት", "ልጅ", "\u135f", " ", "፣", "7", "a", "😀", "/", "\n", "-"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(ethiopic.characters()))))
def test_readings_equal_to_the_rules_change_nothing(pieces: list[str]) -> None:
    rules = RuleBased()
    lexicon = Lexicon({word: rules.convert(word) for word in PIECES[:3]})
    text = "".join(pieces)
    assert join(lexicon.split(text), rules.convert) == rules.convert(text)
    assert RuleBased(lexicon).convert(text) == rules.convert(text)
