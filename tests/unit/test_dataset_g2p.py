"""The phonemes of a dataset: whose they are, what is told where they are not as chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from built_datasets import load, reasons, run
from made_media import wav

from amharic_tts.dataset.summary import summary
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Event, Finding
from amharic_tts.workspace import Workspace

FALLBACK = "phonemes by `rule_based`, not by `epitran` (epitran: Ethiopic characters are left: ቊ)"


def clips(folder: Path, **texts: str) -> Path:
    for number, name in enumerate(texts):
        wav(folder / f"{name}.wav", 1.0, 200 + 50 * number + len(folder.name))
    lines = "".join(f"{name}|{text}\n" for name, text in texts.items())
    (folder / "metadata.csv").write_text(lines, encoding="utf-8")
    return folder


def told(events: list[Event], code: str) -> list[str]:
    return [e.message for e in events if isinstance(e, Finding) and e.code == code]


def header(workspace: Workspace) -> tuple[str, str]:
    found = json.loads((workspace.dataset("d") / "dataset.json").read_text(encoding="utf-8"))
    return found["g2p"], found["lexicon"]


def test_another_backend_in_the_middle_is_a_finding(workspace: Workspace, tmp_path: Path) -> None:
    source = clips(tmp_path / "in", a="ሰላም", b="ቊጥር", c="ቤት AI 😀")
    events = run(workspace, source, g2p="epitran")
    rows = {row.id: row for row in load(workspace).utterances}
    assert header(workspace) == ("epitran", "")
    assert [(row.id, row.phonemes, row.g2p.split()[0]) for row in rows.values()] == [
        ("a", "səlam", "epitran"),
        ("b", "kʼʷitʼɨr", "rule_based"),
        ("c", "bet AI 😀", "epitran"),
    ]
    assert reasons(rows.values()) == [
        ("a", "accepted", []),
        ("b", "accepted", ["g2p_fallback"]),
        ("c", "accepted", ["g2p_unpronounced"]),
    ]
    assert rows["b"].findings == [{"code": "g2p_fallback", "level": "warning", "message": FALLBACK}]
    assert rows["c"].findings[0]["message"] == "no sound in Amharic, kept as written: A I 😀"
    assert told(events, "g2p_fallback") == [
        "1 row whose phonemes another backend made than the chosen `epitran`: `b`"
    ]
    assert summary(load(workspace))["findings"] == {"g2p_fallback": 1, "g2p_unpronounced": 1}


def test_a_lexicon_stays_with_the_dataset(workspace: Workspace, tmp_path: Path) -> None:
    lexicon = tmp_path / "own.tsv"
    lexicon.write_text("ሰላም\ts e l a m\nቤት\tb t\n", encoding="utf-8")
    run(workspace, clips(tmp_path / "in", a="ሰላም ቡና", b="ቤት"), lexicon=lexicon)
    lexicon.unlink()
    first, second = load(workspace).utterances
    version = header(workspace)[1]
    assert version.startswith("lexicon-")
    assert (first.phonemes, first.g2p) == ("selam buna", f"lexicon+rule_based rules-2+{version}")
    # Nobody corrects the user's own reading; it is only told.
    assert (second.phonemes, second.g2p) == ("bt", f"lexicon {version}")
    assert [n["message"] for n in second.findings] == [
        "phonemes by `lexicon`: 0 % of the phones are vowels (20 to 70 % expected)"
    ]
    run(workspace, clips(tmp_path / "later", c="ሰላም"))
    assert load(workspace).utterances[2].phonemes == "selam"


def test_a_dataset_keeps_its_backend_and_lexicon(workspace: Workspace, tmp_path: Path) -> None:
    source = clips(tmp_path / "in", a="ሰላም")
    run(workspace, source)
    run(workspace, source, g2p="rule-based")
    with pytest.raises(UserError, match="The phonemes of `d` are by `rule_based`, not by `espeak`"):
        run(workspace, source, g2p="espeak")
    lexicon = tmp_path / "own.tsv"
    lexicon.write_text("ሰላም\ts e l a m\n", encoding="utf-8")
    with pytest.raises(UserError, match="`d` was begun with no lexicon, and `.*own.tsv` is lex"):
        run(workspace, source, lexicon=lexicon)
    run(workspace, source, name="other", lexicon=lexicon)
    copy = workspace.dataset("other") / "lexicon.tsv"
    copy.write_text("ሰላም\ts a l a m\n", encoding="utf-8")
    with pytest.raises(UserError, match="`.*lexicon.tsv` was changed"):
        run(workspace, source, name="other")


def test_what_can_not_be_is_said_before_anything_is_made(
    workspace: Workspace, tmp_path: Path
) -> None:
    source = clips(tmp_path / "in", a="ሰላም")
    with pytest.raises(UserError, match="There is no G2P backend `best`"):
        run(workspace, source, g2p="best")
    with pytest.raises(UserError, match="are about Amharic, and the dataset is in `en`"):
        run(workspace, source, g2p="epitran", language="en")
    with pytest.raises(MissingPart, match="The backend `transphone` does not work here"):
        run(workspace, source, g2p="transphone")
    assert not workspace.dataset("d").exists()


def test_an_older_dataset_is_by_the_default(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, clips(tmp_path / "in", a="ሰላም"))
    path = workspace.dataset("d") / "dataset.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    del body["g2p"], body["lexicon"]
    path.write_text(json.dumps(body), encoding="utf-8")
    run(workspace, clips(tmp_path / "later", c="ቤት"), g2p="rule_based")
    assert load(workspace).utterances[1].g2p == "rule_based rules-2"
