"""The symbol map: what is one sound in two notations, and what stays a difference."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amharic_tts.g2p import registry
from amharic_tts.g2p.evaluate import output, score
from amharic_tts.g2p.gold import GoldFile
from amharic_tts.g2p.symbols import View, seen, segments

SHARED = Path(__file__).parents[3] / "shared"
TOOL = SHARED / "tools" / "g2p_eval.py"

SAME = {
    "t͡ʃ a": "tʃ a",
    "č a ʧ a": "tʃ a tʃ a",
    "ǰa d͡ʒa ʤa": "dʒ a dʒ a dʒ a",
    "qa qʼa kʼa k'a k’a": "kʼ a kʼ a kʼ a kʼ a kʼ a",
    "t͡sʼa sʼa tsʼa": "sʼ a sʼ a sʼ a",
    "tssʼa": "sʼː a",
    "kʷa kʼʷa ɡʷːa": "k w a kʼ w a ɡː w a",
    "ab.ba": "a bː a",
    "abːa": "a bː a",
    "ab:a": "a bː a",
    "mːʼ": "mʼː",
    "iːgːə": "i ɡː ə",
    "ˈsə.lam፡": "s ə l a m",
    "'ab'a": "ʔ a bʼ a",
    "sa'at": "s a ʔ a t",
    "ɾ ɹ a ɽ": "rː a r",
    "βa xa ça ɦa tʰa": "b a h a h a h a t a",
    "ʊa lʊm": "w a l ʊ m",
    "ña š ž": "ɲ a ʃ ʒ",
    "sǝlʌm": "s ə l ə m",
    "ħaʕats": "ħ a ʕ a ts",
    "ːʷ": "",
    "": "",
    "25፟": "2 5 ፟",
}


@pytest.mark.parametrize(("ipa", "wanted"), SAME.items())
def test_segments(ipa: str, wanted: str) -> None:
    assert " ".join(segments(ipa)) == wanted


def test_what_each_view_leaves() -> None:
    found = segments("ʔɨsːʷa")
    assert {view: " ".join(seen(found, view)) for view in View} == {
        View.STRICT: "ʔ ɨ sː w a",
        View.LENGTH: "ʔ ɨ s w a",
        View.EPENTHESIS: "ʔ s w a",
        View.GLOTTAL: "s w a",
    }


ANY = st.one_of(st.characters(), st.characters(categories=["Cs"]), st.sampled_from("aɨʔkʼʷː'"))


@given(st.text(ANY))
def test_any_string_has_segments(text: str) -> None:
    found = seen(segments(text), View.LENGTH)
    assert all(found)
    assert len(seen(found, View.GLOTTAL)) <= len(found)


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    if not TOOL.is_file():
        pytest.skip("the shared evaluation script (../shared/tools/g2p_eval.py) is not here")
    return runpy.run_path(str(TOOL))


def test_the_same_segments_as_the_evaluation_script(tool: dict[str, Any]) -> None:
    theirs: Callable[[str], list[str]] = tool["segment"]
    letters = ["tʃ", "t͡ʃ", "d͡ʒ", "ts", "t͡s", *"sqkgɡxçβbɾrčñaəɨuʊʔħʌɜwjnh"]
    marks = ["", "", "", "", "ʼ", "'", "ʷ", "ː", "ʼː", "ːʼ", "ːʷ", "ʼʷ", "ʼʷː", "ʰ", "ʲ", ".", ":"]
    draw = random.Random(0)
    for _ in range(5_000):
        length = draw.randint(0, 6)
        ipa = "".join(draw.choice(letters) + draw.choice(marks) for _ in range(length))
        assert segments(ipa) == theirs(ipa), ipa


@pytest.mark.parametrize("name", ["wikipron_dev.tsv", "gff_dev.tsv"])
def test_the_same_figures_as_the_evaluation_script(tool: dict[str, Any], name: str) -> None:
    gold = GoldFile.read(SHARED / "data" / "amharic" / name)
    convert = registry.get("rule_based").convert
    words = dict(list(gold.words.items())[:400])
    written = {word: output(convert, word) for word in words}
    theirs = tool["score"](words, written)
    for view, rate in zip("abcd", score(words, written).rates.values(), strict=True):
        wanted = theirs[view]
        assert (rate.errors, rate.segments) == (wanted["errors"], wanted["segments"])
        assert (rate.per, rate.wer) == pytest.approx((wanted["per"], wanted["wer"]))
