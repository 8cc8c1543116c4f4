"""The order of backends, the fallback that says so, and the comparison."""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.g2p import EnhancedAmharicG2P, G2PBackend, G2PResult, quality, registry
from amharic_tts.g2p.base import Availability
from amharic_tts.g2p.compare import compare
from amharic_tts.g2p.epitran_backend import EpitranBackend
from amharic_tts.text import ethiopic

ANY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from([*ethiopic.characters(), *" .,:-09aZ😀\u200f\u0301\n\t\x00"]),
    ),
    max_size=30,
)


def test_the_backends_and_their_order() -> None:
    assert [backend.name for backend in registry.backends()] == [
        "rule_based",
        "epitran",
        "epitran_plain",
        "epitran_red",
        "espeak",
        "transphone",
    ]
    assert {backend.name for backend in registry.backends()} == set(map(str, G2PBackend))
    assert EnhancedAmharicG2P().order == ["rule_based"]
    assert EnhancedAmharicG2P("epitran").order == ["epitran", "rule_based"]
    assert EnhancedAmharicG2P(G2PBackend.TRANSPHONE).order == [
        "transphone",
        "epitran",
        "rule_based",
    ]
    assert EnhancedAmharicG2P("espeak").order == ["espeak", "rule_based"]
    assert EnhancedAmharicG2P(backend_order=["epitran"]).order == ["epitran"]


def test_what_each_backend_can_write() -> None:
    declared = {b.name: (b.writes_long, b.writes_stress) for b in registry.backends()}
    assert declared == {
        "rule_based": (True, False),
        "epitran": (False, False),
        "epitran_plain": (False, False),
        "epitran_red": (False, False),
        "espeak": (False, True),
        "transphone": (False, False),
    }


def test_an_unknown_backend_is_named_with_those_there_are() -> None:
    with pytest.raises(UserError) as caught:
        EnhancedAmharicG2P(backend="phonetisaurus")
    assert caught.value.message == "There is no G2P backend `phonetisaurus`"
    assert caught.value.hint == (
        "The backends are `rule_based`, `epitran`, `epitran_plain`, `epitran_red`, `espeak`, "
        "`transphone`"
    )
    with pytest.raises(UserError, match="not both"):
        EnhancedAmharicG2P(backend="epitran", backend_order=["epitran"])
    with pytest.raises(UserError, match="empty"):
        EnhancedAmharicG2P(backend_order=[])


def test_epitran_is_written_in_the_studio_notation() -> None:
    result = EnhancedAmharicG2P(backend="epitran").convert_detailed("ሰላም፣ ቀጸላ")
    assert (result.ipa, result.backend, result.passed_over) == ("səlam kʼəsʼəla", "epitran", ())
    assert re.fullmatch(r"epitran-[\d.]+/amh-Ethi-pp", result.version)


def test_epitran_has_three_maps() -> None:
    assert registry.get("epitran-amh-Ethi-red") is registry.get("amh-Ethi-red")
    found = [registry.get(name) for name in ("amh-Ethi", "amh-Ethi-pp", "amh-Ethi-red")]
    assert [(backend.name, backend.convert("ትምህርት እኛ ኳስ")) for backend in found] == [
        ("epitran_plain", "tɨmɨhɨrɨt ɨɲa kʷas"),
        ("epitran", "tɨmɨhrɨt ʔɨɲa kʷas"),
        ("epitran_red", "tɨmɨhrɨt ɨɲa kɨwas"),
    ]
    assert [backend.version.rpartition("/")[2] for backend in found] == [
        "amh-Ethi",
        "amh-Ethi-pp",
        "amh-Ethi-red",
    ]


def test_a_letter_that_epitran_does_not_know_goes_to_the_rules() -> None:
    result = EnhancedAmharicG2P(backend="epitran").convert_detailed("ቊጥር 2")
    assert (result.ipa, result.backend) == ("kʼʷitʼɨr hulətː", "rule_based")
    assert result.passed_over == (("epitran", "Ethiopic characters are left: ቊ"),)
    assert (result.text, result.normalized) == ("ቊጥር 2", "ቊጥር ሁለት")


def test_the_last_resort_is_the_first_output_with_its_faults() -> None:
    result = EnhancedAmharicG2P(backend_order=["epitran"]).convert_detailed("ቊ")
    assert (result.ipa, result.backend, result.passed_over) == ("ቊ", "epitran", ())
    assert result.problems == ("Ethiopic characters are left: ቊ",)


def test_transphone_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    backend = registry.get("transphone")
    state = backend.availability()
    assert not state.ok
    assert "transphone" in state.reason
    assert state.hint
    with pytest.raises(MissingPart, match="Backend `transphone`"):
        backend.convert("ሰላም")
    converter = EnhancedAmharicG2P(backend="transphone")
    with caplog.at_level(logging.WARNING):
        assert converter.convert(["ሰላም", "ቤት"]) == ["səlam", "bet"]
    assert [record.getMessage() for record in caplog.records] == [
        f"G2P by `epitran`, not `transphone`: {state.reason}"
    ]
    assert converter.convert_detailed("ቤት").passed_over == (("transphone", state.reason),)


def test_what_has_no_sound_stays_and_is_reported() -> None:
    result = EnhancedAmharicG2P().convert_detailed("ሰላም AI 😀")
    assert (result.ipa, result.unpronounced) == ("səlam AI 😀", ("A", "I", "😀"))


def test_quality_names_what_is_left() -> None:
    assert quality.check("ሰላም", "səlam").ok
    assert quality.check("ሰላም", "ሰlaም").problems == ("Ethiopic characters are left: ሰ ም",)
    assert quality.check("ሰላም", " ").problems == ("the output is empty",)
    assert quality.check("...", "").ok
    left = quality.check("ሀ", "".join(ethiopic.letters()[:10])).problems
    assert left == ("Ethiopic characters are left: ሀ ሁ ሂ ሃ ሄ ህ ሆ ሇ and 2 more",)


def test_side_by_side() -> None:
    (found,) = compare(["መንግሥት 3"])
    assert (found.text, found.normalized) == ("መንግሥት 3", "መንግሥት ሦስት")
    assert [change.rule for change in found.changes] == ["number"]
    assert [(side.backend, side.ipa) for side in found.sides] == [
        ("rule_based", "mənɡɨst sost"),
        ("epitran", "mənɨɡsɨt sosɨt"),
        ("epitran_plain", "mənɨɡɨsɨt sosɨt"),
        ("epitran_red", "mənɨɡsɨt sosɨt"),
        ("espeak", "mənɨɡɨsɨt sosɨt"),
        ("transphone", ""),
    ]
    assert found.sides[0].words == (("m", "ə", "n", "ɡ", "ɨ", "s", "t"), ("s", "o", "s", "t"))
    assert found.sides[-1].problems == (registry.get("transphone").availability().reason,)
    assert not found.agree
    assert next(compare(["ሰላም"], ["rule_based", "epitran"])).agree


@settings(max_examples=400, deadline=None)
@given(ANY)
def test_any_string_gives_a_result_without_ethiopic_letters(text: str) -> None:
    result = EnhancedAmharicG2P().convert_detailed(text)
    left = {c for c in result.ipa if ethiopic.is_ethiopic(c)}
    assert left <= set(result.unpronounced)
    assert not any(map(ethiopic.is_letter, result.ipa))
    assert result.problems == ()
    assert EnhancedAmharicG2P().convert_detailed(text) == result


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY, max_size=4))
def test_a_list_is_its_items(texts: list[str]) -> None:
    converter = EnhancedAmharicG2P()
    assert converter.convert(texts) == [converter.convert(text) for text in texts]


def test_megabytes_in_one_line() -> None:
    line = "ሰላም፣ ለዓለም። " * 100_000
    assert EnhancedAmharicG2P().convert(line) == "səlam ləʔaləm " * 99_999 + "səlam ləʔaləm"


def test_a_text_is_converted_once_unless_a_backend_was_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    plain = EnhancedAmharicG2P.convert_detailed

    def counted(self: EnhancedAmharicG2P, text: str) -> G2PResult:
        asked.append(text)
        return plain(self, text)

    monkeypatch.setattr(EnhancedAmharicG2P, "convert_detailed", counted)
    converter = EnhancedAmharicG2P()
    assert converter.convert(["ሰላም", "ቤት", "ሰላም"]) == ["səlam", "bet", "səlam"]
    assert asked == ["ሰላም", "ቤት"]
    monkeypatch.setattr(EpitranBackend, "availability", lambda self: Availability(False, "gone"))
    asked.clear()
    falling_back = EnhancedAmharicG2P(backend="epitran")
    assert falling_back.convert(["ሰላም", "ሰላም"]) == ["səlam", "səlam"]
    assert asked == ["ሰላም", "ሰላም"]
