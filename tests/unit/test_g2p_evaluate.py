"""PER and WER against figures of the evaluation script, kinds of mistakes, gold files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amharic_tts.errors import MissingPart, StudioError, UserError
from amharic_tts.events import Done, Finding, Progress
from amharic_tts.g2p import registry
from amharic_tts.g2p.alignment import Category, distance, edits, sorted_edits
from amharic_tts.g2p.base import Availability
from amharic_tts.g2p.evaluate import Score, evaluate, score
from amharic_tts.g2p.gold import GoldFile, GoldLine
from amharic_tts.g2p.symbols import View, segments

GOLD = """\
ሁሉ\th u lː u\tsome other column
ሀይቅ\th a j kʼ
መንግሥት\tm ə n ɡ ɨ s t
አባት\tʔ a b a t
አባት\tʔ a bː a t
አበባ\ta b ə b a
ጸሐይ\tt͡sʼ ə h a j
ቋንቋ\tkʼʷ a n kʼʷ a
ክረምት\tk r ə m t
ክረምት\tk ɨ r ə m t
አለ\tʔ a l ə
ልጅ\tl ɨ d͡ʒ
"""
WRITTEN = {
    **{"ሁሉ": "hulu", "ሀይቅ": "həjɨqʼ", "መንግሥት": "mənɨɡst", "አባት": "ʔabat", "አበባ": "ʔabːəβa"},
    **{"ጸሐይ": "tsəħaj", "ቋንቋ": "kʼankʼʷe", "ክረምት": "kɨrəmt", "አለ": "ʔalːə"},
}
FIGURES = {
    View.STRICT: (15, 50, 0.3, 0.8),
    View.LENGTH: (12, 50, 0.24, 0.6),
    View.EPENTHESIS: (8, 47, 0.17021, 0.5),
    View.GLOTTAL: (7, 45, 0.15556, 0.4),
}
"""What the evaluation script prints for these two lists: edits, segments, PER, WER."""


@pytest.fixture
def gold(tmp_path: Path) -> GoldFile:
    path = tmp_path / "gold.tsv"
    path.write_text(GOLD, encoding="utf-8")
    return GoldFile.read(path)


@pytest.fixture
def scored(gold: GoldFile) -> Score:
    return score(gold.words, WRITTEN)


@pytest.mark.parametrize("view", View)
def test_figures(scored: Score, view: View) -> None:
    rate = scored.rates[view]
    assert rate.words == 10
    found = (rate.errors, rate.segments, round(rate.per, 5), rate.wer)
    assert found == FIGURES[view]


def test_mistakes_are_named(scored: Score) -> None:
    named = {m.word: [kind.value for kind in m.categories] for m in scored.mistakes}
    assert named == {
        "ሁሉ": ["gemination_missed"],
        "ሀይቅ": ["laryngeal_vowel", "epenthesis_wrong"],
        "መንግሥት": ["epenthesis_side"],
        "አበባ": ["initial_glottal", "gemination_invented"],
        "ጸሐይ": ["ejective", "other"],
        "ቋንቋ": ["labialised", "labialised"],
        "አለ": ["gemination_invented"],
        "ልጅ": ["nothing_written"],
    }
    counts = scored.counts()
    assert counts[Category.GEMINATION_INVENTED] == 2
    assert Category.EPENTHESIS_MISSING not in counts
    first = scored.examples(Category.GEMINATION_INVENTED, 1)
    assert [(m.word, m.wanted, m.written) for m in first] == [("አበባ", "abəba", "ʔabːəba")]


PAIRS = {
    ("mənɡɨst", "mənɨɡst"): ["epenthesis_side"],
    ("ʃumbɨra", "ʃumɨbra"): ["epenthesis_side"],
    ("samɨnt", "samnɨt"): ["epenthesis_side"],
    ("sɨdːɨst", "sɨdsɨt"): ["gemination_missed", "epenthesis_side"],
    ("muʃɨrːa", "muʃra"): ["epenthesis_missing", "gemination_missed"],
    ("hortʃ", "horɨtʃ"): ["epenthesis_wrong"],
    ("ʔamət", "ʔəmət"): ["laryngeal_vowel"],
    ("lamət", "ləmət"): ["other"],
    ("awropa", "ʔawropa"): ["initial_glottal"],
    ("səʔat", "səat"): ["other"],
    ("tʼena", "tena"): ["ejective"],
    ("kʷəs", "kəs"): ["labialised"],
    ("kʷəs", "kʷes"): ["labialised"],
    ("səw", "sə"): ["other"],
    ("səlam", ""): ["nothing_written"],
    ("səlam", "səlam"): [],
}


@pytest.mark.parametrize(("pair", "wanted"), PAIRS.items())
def test_one_pair(pair: tuple[str, str], wanted: list[str]) -> None:
    right, output = map(segments, pair)
    found = sorted_edits(right, output)
    assert [kind.value for kind, _ in found] == wanted
    assert sum(len(some) for _, some in found) == distance(right, output)


def test_the_alignment_has_the_fewest_edits() -> None:
    words = [segments(ipa) for pair in PAIRS for ipa in pair]
    for left in words:
        for right in words:
            assert len(edits(left, right)) == distance(left, right)


def test_nothing_is_expected_of_a_perfect_output(gold: GoldFile) -> None:
    found = score(gold.words, {word: ipa[0] for word, ipa in gold.words.items()})
    assert found.mistakes == ()
    assert {rate.errors for rate in found.rates.values()} == {0}


def test_backends_are_measured_one_after_the_other(gold: GoldFile) -> None:
    working = [backend.name for backend in registry.backends() if backend.availability().ok]
    *before, done = evaluate(gold)
    notes = [e.note for e in before if isinstance(e, Progress)]
    assert list(dict.fromkeys(notes)) == [f"words by {name}" for name in working]
    assert isinstance(done, Done)
    assert [found["backend"] for found in done.result["backends"]] == working
    missing = [e.subject for e in before if isinstance(e, Finding)]
    assert missing == [item["backend"] for item in done.result["unavailable"]]
    assert done.result["gold"] == {"name": "gold.tsv", "words": 10, "pronunciations": 12}
    found = {item["backend"]: item for item in done.result["backends"]}
    rules, epitran = found["rule_based"], found["epitran"]
    assert set(rules) == {
        *("backend", "version", "failures"),
        *("rates", "categories", "mistakes"),
    }
    assert epitran["rates"]["strict"]["words"] == 10
    assert rules["rates"]["strict"]["per"] < epitran["rates"]["strict"]["per"]
    laryngeal = next(c for c in epitran["categories"] if c["category"] == "laryngeal_vowel")
    assert laryngeal["examples"][0]["word"] == "ሀይቅ"
    assert laryngeal["examples"][0]["wanted"] == "hajkʼ"


def test_named_backends_only(gold: GoldFile) -> None:
    *_, done = evaluate(gold, ["epitran", "EPITRAN"])
    assert isinstance(done, Done)
    assert [found["backend"] for found in done.result["backends"]] == ["epitran"]
    with pytest.raises(UserError, match="There is no G2P backend `best`"):
        list(evaluate(gold, ["best"]))


def test_a_named_backend_that_is_missing_is_an_error(
    gold: GoldFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="`epitran` does not work here: the package"):
        list(evaluate(gold, ["epitran"]))


class Half:
    """A backend that can't say one word."""

    name = "half"
    version = "half-1"

    def availability(self) -> Availability:
        return Availability(True)

    def convert(self, text: str) -> str:
        if text == "ልጅ":
            raise StudioError("no such word")
        return WRITTEN[text]


def test_a_word_that_fails_is_listed_and_counts_as_empty(
    gold: GoldFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "backends", lambda: [Half()])
    *_, done = evaluate(gold)
    assert isinstance(done, Done)
    (half,) = done.result["backends"]
    assert half["failures"] == [{"word": "ልጅ", "reason": "no such word"}]
    assert half["rates"]["strict"]["errors"] == 15
    assert half["mistakes"][-1] == {
        **{"word": "ልጅ", "wanted": "lɨdʒ", "written": ""},
        "categories": ["nothing_written"],
    }


def test_no_backend_at_all_is_said(gold: GoldFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "backends", list)
    with pytest.raises(UserError, match="No G2P backend works here"):
        list(evaluate(gold))


def test_a_gold_file(tmp_path: Path) -> None:
    path = tmp_path / "gold.tsv"
    path.write_bytes("\ufeffሰላም\ts ə l a m\r\n\r\nቤት\tb e t\tx\ty\n \nሰላም\tsəlaːm".encode())
    found = GoldFile.read(path)
    assert found.lines == (
        GoldLine(1, "ሰላም", "s ə l a m"),
        GoldLine(3, "ቤት", "b e t", ("x", "y")),
        GoldLine(5, "ሰላም", "səlaːm"),
    )
    assert found.words == {"ሰላም": ["s ə l a m", "səlaːm"], "ቤት": ["b e t"]}


BAD = {
    "ሰላም\tsəlam\nቤት\n".encode(): "line 2 has no tab: `ቤት`",
    "ሰላም\tsəlam\nቤት\t \n".encode(): "line 2 has no IPA for `ቤት`",
    b"\tbet\n": "line 1 has no word before its tab",
    "ሰላም\tsəlam\n".encode() + b"ab\xff\tc\n": "line 2 is not UTF-8 (byte 3: invalid start byte)",
    b"": "holds no words",
    b"\n \n": "holds no words",
    "ሰላም".encode("utf-16"): "line 1 is not UTF-8 (byte 1: invalid start byte)",
}


@pytest.mark.parametrize(("data", "message"), BAD.items())
def test_a_bad_gold_file_is_named_with_its_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "gold.tsv"
    path.write_bytes(data)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        GoldFile.read(path)
    assert caught.value.message.startswith(f"`{path}`")
    assert caught.value.hint


def test_a_gold_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tsv", tmp_path):
        with pytest.raises(UserError, match="There is no file"):
            GoldFile.read(path)
