"""The backend `espeak`: whole outputs, its notation, and what it leaves to other backends."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from test_g2p_pipeline import ANY

from amharic_tts.errors import MissingPart
from amharic_tts.espeak import client
from amharic_tts.g2p import EnhancedAmharicG2P, registry
from amharic_tts.g2p.base import inventory, phones
from amharic_tts.g2p.espeak_backend import EspeakBackend, studio_ipa
from amharic_tts.text import ethiopic
from amharic_tts.text.normalize import normalize
from amharic_tts.text.tables import rows

ROOT = Path(__file__).parents[2]
GOLDEN = {
    "ሰላም ለዓለም።": "səlam ləʔaləm",
    "ቀጸላ፣ ጠጨ! ጳጳስ": "kʼəsʼəla tʼətʃʼə pʼapʼas",
    "ቋንቋ ጓደኛ ኳስ ሟች ቧ ቍርስ": "kʼʷanɨkʼʷa ɡʷadəɲa kʷas mʷatʃ bʷa kʼʷɨrɨs",
    "ጫጯ ጸሐፊ ፀሐይ ጿ": "tʃʼatʃʼʷa sʼəhafi sʼəhaj sʼʷa",
    "አባብ ኢትዮጵያ ቨ ዠ ፐ ፈ": "ʔabab ʔitɨjopʼɨja və ʒə pə fə",
    "ይህ ቤትህ ሺህ ኽይል ህዝብ": "jɨh betɨh ʃih hɨjɨl hɨzɨb",
    "መንግሥት ሕዝብ እግር ትምህርት": "mənɨɡɨsɨt hɨzɨb ʔɨɡɨr tɨmɨhɨrɨt",
    "ውሻ ነው ይሄዳል": "wɨʃa nəw jɨhedal",
    "ምን፡ምን «ቤት»ነው": "mɨn mɨn bet nəw",
    "hello ሰላም AI ፫ 25 😀": "hello səlam AI ፫ 25 😀",
    "": "",
    " ። ": "",
}


@pytest.fixture(scope="module")
def espeak() -> EspeakBackend:
    return EspeakBackend()


@pytest.mark.parametrize(("text", "ipa"), GOLDEN.items())
def test_whole_outputs(espeak: EspeakBackend, text: str, ipa: str) -> None:
    assert espeak.convert(text) == ipa
    assert espeak.convert(text) == ipa, "the second time from memory"


def test_its_version_and_state(espeak: EspeakBackend) -> None:
    assert re.fullmatch(r"espeakng-loader-[\d.]+/am-1", espeak.version)
    assert espeak.availability().ok
    assert (espeak.writes_long, espeak.writes_stress) == (False, True)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("(en)həlˈəʊ(am) sˈəlam", "hələʊ səlam"),
        ("k`ˈətsəla t`ˈətʃ`ə", "kʼəsʼəla tʼətʃʼə"),
        ("k`wˈanɨk`wa ɡwˈa mwˈatʃ tswˈa", "kʼʷanɨkʼʷa ɡʷa mʷatʃ sʼʷa"),
        ("lət`ːˈa ləkːwˈa lək`ːwa lətːsˈa", "lətʼːa ləkʷːa ləkʼʷːa ləsʼːa"),
        ("ʔˈaβab jˈɨx ʃˈiç", "ʔabab jɨh ʃih"),
        ("wˈəwa nˈəw ʔˌawwa", "wəwa nəw ʔawwa"),
    ],
)
def test_its_notation_becomes_ours(theirs: str, ours: str) -> None:
    assert studio_ipa(theirs) == ours


def test_allophones_can_be_kept() -> None:
    assert studio_ipa("ʔˈaβab jˈɨx ʃˈiç", fold=False) == "ʔaβab jɨx ʃiç"


def test_the_list_of_letters_that_it_does_not_read() -> None:
    listed = "".join(row[1] for row in rows("amharic_tts.g2p", "espeak_unread.tsv"))
    ask = {"do": "read", "voice": "am", "texts": list(ethiopic.letters())}
    read = dict(zip(ethiopic.letters(), client.shared().ask(ask)["ipa"], strict=True))
    named = [c for c, ipa in read.items() if not ipa or ipa.startswith("lˈetə")]
    assert sorted(listed) == sorted(named)
    assert len(named) == 176


def test_every_letter_that_it_reads_gives_phones_of_the_inventory(espeak: EspeakBackend) -> None:
    known = set(inventory())
    unread = {c for row in rows("amharic_tts.g2p", "espeak_unread.tsv") for c in row[1]}
    for letter in set(ethiopic.letters()) - unread:
        for word in (letter, f"ለ{letter}ለ", f"አ{letter}"):
            ipa = espeak.convert(word)
            assert set(phones(ipa)) <= known, (word, ipa)


def test_what_it_does_not_read_goes_to_the_rules() -> None:
    result = EnhancedAmharicG2P("espeak").convert_detailed("አለ፟ ᎀ")
    assert (result.ipa, result.backend) == ("ʔalːə mʷə", "rule_based")
    assert result.passed_over == (("espeak", "Ethiopic characters are left: ፟ ᎀ"),)
    assert EspeakBackend().convert("ባ፟ላ ሰᎀም ቡ፞ና") == "bala፟ səᎀmɨ buna"


@pytest.mark.parametrize("letters", [49, 50, 51, 66, 67, 101, 1000])
def test_a_long_word_is_one_word(espeak: EspeakBackend, letters: int) -> None:
    assert espeak.convert("ለ" * letters) == "lə" * letters


def test_many_words_at_once(espeak: EspeakBackend) -> None:
    first, second = ethiopic.letters()[:60], ethiopic.letters()[60:180]
    text = " ".join(a + b for a in first for b in second)
    ipa = espeak.convert(text)
    assert len(ipa.split()) == 7200
    assert ipa.split()[:3] == espeak.convert(" ".join(text.split()[:3])).split()


def test_without_the_package(espeak: EspeakBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PACKAGE", "espeakng_loader_that_is_not_there")
    state = registry.get("espeak").availability()
    assert state.reason == "the package `espeakng-loader` is not installed"
    assert state.hint == "Install it with: python -m pip install espeakng-loader"
    result = EnhancedAmharicG2P("espeak").convert_detailed("ሰላም")
    assert (result.backend, result.passed_over) == ("rule_based", (("espeak", state.reason),))


def test_where_it_does_not_run(espeak: EspeakBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "shared", lambda: client.EspeakClient(patience=0.0))
    with pytest.raises(MissingPart, match="no answer in 0 s"):
        espeak.convert("ያልተነበበ")
    result = EnhancedAmharicG2P("espeak").convert_detailed("ያልተነበበ")
    assert result.backend == "rule_based"
    assert result.passed_over == (("espeak", "espeak-ng can't be used here: no answer in 0 s"),)


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_any_string_gives_a_result(text: str) -> None:
    backend = registry.get("espeak")
    normalized = normalize(text, "am").text
    ipa = backend.convert(normalized)
    assert backend.convert(normalized) == ipa
    result = EnhancedAmharicG2P("espeak").convert_detailed(text)
    assert result.problems == ()


CODE = """
import sys
from pathlib import Path
from amharic_tts.g2p import EnhancedAmharicG2P
result = EnhancedAmharicG2P("espeak").convert_detailed("ሰላም")
assert (result.ipa, result.backend) == ("səlam", "espeak")
assert not [m for m in sys.modules if m.startswith("espeakng")], sys.modules
maps = Path("/proc/self/maps")
assert not maps.exists() or "espeak" not in maps.read_text()
"""


def test_the_library_is_never_in_our_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
