"""`EnhancedAmharicG2P`: orders, lists, phonemes, and why a backend was passed over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from amharic_tts.commands import g2p
from amharic_tts.errors import StudioError, UserError
from amharic_tts.g2p import DOCUMENTED_ORDER, EnhancedAmharicG2P, G2PBackend, registry
from amharic_tts.g2p.base import Availability
from amharic_tts.g2p.pipeline import order_of

TEXT = "ኢትዮጵያ የሰው ዘር መገኛ ናት"


@pytest.fixture(autouse=True)
def no_transphone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files may be on the machine that runs the tests."""
    monkeypatch.setenv("TRANSPHONE_DIR", str(tmp_path / "none"))


def test_the_seeds_call() -> None:
    assert EnhancedAmharicG2P(backend="epitran").convert("ሰላም") == "səlam"
    assert EnhancedAmharicG2P(backend="epitran").phonemes("ሰላም") == [["s", "ə", "l", "a", "m"]]


@pytest.mark.parametrize(
    "order", [DOCUMENTED_ORDER, "documented", "transphone, epitran,rule_based"]
)
def test_the_documented_order(order: tuple[G2PBackend, ...] | str) -> None:
    converter = EnhancedAmharicG2P(backend_order=order)
    assert converter.order == ["transphone", "epitran", "rule_based"]
    reason = registry.get("transphone").availability().reason
    result = converter.convert_detailed("ቅድ")
    assert (result.ipa, result.backend) == ("kʼɨd", "rule_based")
    assert result.passed_over == (
        ("transphone", reason),
        ("epitran", "0 % of the phones are vowels (20 to 70 % expected)"),
    )
    assert result.quality.numbers()["vowel_ratio"] == 0.333


def test_each_backend_is_asked_once() -> None:
    assert order_of(["epitran", "amh-Ethi-pp", "Rule-Based"]) == ["epitran", "rule_based"]
    for empty in ("", " , "):
        with pytest.raises(UserError, match="The order of G2P backends is empty"):
            EnhancedAmharicG2P(backend_order=empty)
    with pytest.raises(UserError, match="There is no G2P backend `best`"):
        EnhancedAmharicG2P(backend_order="epitran,best")


def test_strings_and_lists() -> None:
    converter = EnhancedAmharicG2P()
    assert converter.convert([]) == converter.phonemes([]) == converter.phonemes("") == []
    assert converter.convert(["ቤት", "", "ሰው"]) == ["bet", "", "səw"]
    assert converter.phonemes(["ቤት ሰው", ""]) == [[["b", "e", "t"], ["s", "ə", "w"]], []]
    assert converter.phonemes("ቤት AI!") == [["b", "e", "t"], ["A", "I"]]


@dataclass
class Broken:
    """A backend that is wrong in one way."""

    output: str
    name: str = "broken"
    version: str = "1"
    writes_long: bool = False
    writes_stress: bool = False

    def availability(self) -> Availability:
        return Availability(True)

    def convert(self, text: str) -> str:
        if not self.output:
            raise StudioError("it fell over")
        return self.output


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "it fell over"),
        ("itiopia iesew zer megenia nat", "25 phones in plain Latin letters (at most 12): "),
        ("ʔitjopʼja jəs", "0.44 phones for a written sound (0.65 to 2 expected)"),
        ("ʔtjpʼj jsw zr mɡɲː nt", "0 % of the phones are vowels (20 to 70 % expected)"),
    ],
)
def test_a_faulty_backend_is_passed_over_with_the_number(output: str, why: str) -> None:
    converter = EnhancedAmharicG2P()
    converter._backends.insert(0, Broken(output))
    result = converter.convert_detailed(TEXT)
    assert (result.ipa, result.backend) == ("ʔitjopʼja jəsəw zər məɡəɲa nat", "rule_based")
    ((name, reason),) = result.passed_over
    assert name == "broken"
    assert reason.startswith(why)


def test_where_none_is_sound_the_first_stays_with_its_faults() -> None:
    converter = EnhancedAmharicG2P()
    converter._backends[:] = [Broken("ʔtjpʼj"), Broken(""), Broken("a", "worse")]
    result = converter.convert_detailed(TEXT)
    assert (result.ipa, result.backend) == ("ʔtjpʼj", "broken")
    assert [problem.split(" (")[0] for problem in result.problems] == [
        "0 % of the phones are vowels",
        "0.20 phones for a written sound",
    ]


def test_the_command_takes_an_order() -> None:
    app = typer.Typer()
    g2p.register(app)
    arguments = ["g2p", "--order", "documented", "--format", "json"]
    done = CliRunner().invoke(app, arguments, input="ቅድ AI\n")
    (found,) = json.loads(done.stdout)
    assert (found["phonemes"], found["backend"]) == ("kʼɨd AI", "rule_based")
    assert [entry["backend"] for entry in found["passed_over"]] == ["transphone", "epitran"]
    assert found["quality"] == {
        "vowel_ratio": 0.333,
        "known_share": 1.0,
        "length_ratio": 1.5,
        "left": 0.0,
    }
    assert (found["latin"], found["unpronounced"]) == (["AI"], ["A", "I"])
