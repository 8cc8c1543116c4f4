"""Whatever comes in: a result or a clear finding, never a crash, never text silently lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from amharic_tts.commands import g2p
from amharic_tts.errors import UserError
from amharic_tts.g2p import EnhancedAmharicG2P, registry
from amharic_tts.g2p.words import tokens
from amharic_tts.text import ethiopic
from amharic_tts.text.normalize import normalize

WORKING = [backend.name for backend in registry.backends() if backend.availability().ok]
ANY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from([*ethiopic.characters(), *" .,:-09aZʼʷːə😀\u200f\u0301\n\t\x00"]),
    ),
    max_size=20,
)
BAD = {
    "empty": ("", "", ()),
    "spaces": (" \t\u00a0\u3000\n ", "", ()),
    "emoji": ("😀👩🏽\u200d🦱", "😀👩🏽🦱", ("😀", "👩", "🏽", "🦱")),
    "latin": ("Hello world", "Hello world", tuple("Helowrd")),
    "arabic": ("سلام", "سلام", tuple("سلام")),
    "mixed": ("ሰላም hiسل ቤት", "səlam hiسل bet", tuple("hiسل")),
    "mixed in one word": ("ሰaላ", "səala", ("a",)),
    "lone mark of length": ("\u135f", "", ()),
    "mark at the start of a word": ("\u135fሰላም", "səlam", ()),
    "NUL": ("ሰ\x00ላም", "səlam", ()),
    "NUL alone": ("\x00\x00", "", ()),
    "lone surrogates": ("ሰላም\ud800\udfff", "səlam", ()),
    "right-to-left marks": ("\u200fሰላም\u202e ቤት\u2069", "səlam bet", ()),
    "unassigned Ethiopic": ("ሰ\u1249", "sə\u1249", ("\u1249",)),
    "combining marks": ("ሰ\u0301ላ\u20dd", "sə\u0301la\u20dd", ("\u0301", "\u20dd")),
    "phonemes": ("səlːam", "səlːam", tuple("səlːam")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    text, ipa, unpronounced = BAD[case]
    result = EnhancedAmharicG2P().convert_detailed(text)
    assert (result.ipa, result.unpronounced) == (ipa, unpronounced)
    assert (result.problems, result.backend, result.text) == ((), "rule_based", text)


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", WORKING)
def test_bad_input_by_every_backend(name: str, case: str) -> None:
    result = EnhancedAmharicG2P(name).convert_detailed(BAD[case][0])
    assert result.unpronounced == BAD[case][2]
    assert all(character in result.ipa for character in result.unpronounced)


@pytest.mark.parametrize("name", WORKING)
@settings(max_examples=60, deadline=None)
@given(ANY)
def test_any_string(name: str, text: str) -> None:
    converter = EnhancedAmharicG2P(name)
    result = converter.convert_detailed(text)
    left = {c for c in result.ipa if ethiopic.is_ethiopic(c)}
    assert left <= {*result.unpronounced, *result.quality.left}
    assert bool(result.quality.left) <= bool(result.problems)
    assert converter.convert_detailed(text) == result
    # Nothing is lost: what is no letter and no boundary stands in the output, as often as it came.
    others = [token for kind, token in tokens(result.normalized) if kind == "other"]
    assert set(others) == set(result.unpronounced)
    assert all(result.ipa.count(c) >= others.count(c) for c in others)
    # A word is there as soon as it has a letter.
    assert not any(map(ethiopic.is_letter, result.normalized)) or result.ipa


@pytest.mark.parametrize("name", WORKING)
@settings(max_examples=25, deadline=None)
@given(st.lists(ANY, max_size=4))
def test_a_list_is_its_items(name: str, texts: list[str]) -> None:
    converter = EnhancedAmharicG2P(name)
    assert converter.convert(texts) == [converter.convert(text) for text in texts]
    assert converter.phonemes(texts) == [converter.phonemes(text) for text in texts]


@pytest.mark.parametrize("name", WORKING)
@settings(max_examples=40, deadline=None)
@given(ANY)
def test_a_backend_takes_text_that_nobody_cleaned(name: str, text: str) -> None:
    backend = registry.get(name)
    assert backend.convert(text) == backend.convert(text)
    assert backend.convert(normalize(text).text) == backend.convert(normalize(text).text)


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    g2p.register(app)
    return app


@pytest.mark.parametrize("form", ["text", "tsv", "json"])
def test_a_megabyte_in_one_line(app: typer.Typer, form: str) -> None:
    line = "ሰላም፣ ለዓለም። " * 25_000  # over 1 MB in UTF-8
    done = CliRunner().invoke(app, ["g2p", "--format", form], input=line + "\nቤት\n")
    assert done.exception is None
    assert done.stdout.count("səlam ləʔaləm") == 25_000
    assert len(done.stdout.splitlines()) == (3 if form == "json" else 2)
    assert done.stderr == ""


def test_bytes_that_are_no_utf8_name_their_line(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes("ሰላም\n\x00\n".encode() + "ቤ".encode()[:2] + b"\n")
    done = CliRunner().invoke(app, ["g2p", str(file)])
    assert done.stdout == "səlam\n\n"
    assert isinstance(done.exception, UserError)
    assert done.exception.message.startswith(f"Line 3 of `{file}` is not UTF-8 (byte 1")
