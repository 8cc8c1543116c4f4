"""The Pronunciation page's handlers as plain functions."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Done, Started
from amharic_tts.g2p import measured, speak_phonemes
from amharic_tts.jobs import process, store
from amharic_tts.settings import Settings
from amharic_tts.ui import g2p_gold_view, g2p_view, words
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

SAY = words.load("en")


def page_of(workspace: Workspace) -> Any:
    import gradio as gr

    from amharic_tts.ui.pages.g2p import G2PPage

    with gr.Blocks():
        return G2PPage(Studio(Settings(workspace.root), workspace, SAY)).build()


def test_a_text_with_the_users_words(workspace: Workspace, tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text("ቤት\tbetː\n", encoding="utf-8")
    part = page_of(workspace).text
    shown = part.show("ስድስት ቤት\n<b> 😀", str(own), "own", ["transphone", "epitran"])
    assert "2 of 4 words differ" not in shown[part.aligned]
    assert '<b lang="am">ቤት<sup>your word</sup></b>' in shown[part.aligned]
    assert "&lt;b&gt;" in shown[part.aligned]
    assert "<b>" not in shown[part.aligned]
    assert "made by lexicon+epitran" in shown[part.made]
    assert "not by transphone: " in shown[part.made]
    assert "betː from your words" in shown[part.backends]
    assert "Kept as written, not Amharic: b" in shown[part.changes]
    assert shown[part.heard]["ስድስት"]["rule_based"] == "sɨdːɨst"
    assert shown[part.players["transphone"]].visible is False
    with open(shown[part.csv].value["path"], encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert rows[1][:4] == ["1", "1", "ስድስት", "rule_based"]


def test_what_is_wrong_with_a_file_is_named(workspace: Workspace, tmp_path: Path) -> None:
    part, bad = page_of(workspace).text, tmp_path / "bad.txt"
    for content, message in (
        (b"\xe1\x88\xb0\n\xff", "Line 2 of `bad.txt` is not UTF-8"),
        (b"\n", "`bad.txt` holds no text"),
        ("ሰላም\n".encode() * 2000, "`bad.txt` has more than 5000 characters"),
    ):
        bad.write_bytes(content)
        with pytest.raises(UserError, match=message):
            part.read(str(bad))
    bad.write_bytes("\ufeffሰላም\tx\n\nቤት".encode())
    assert part.read(str(bad)) == "ሰላም\nቤት"
    bad.write_bytes(b"\xff")
    with pytest.raises(UserError, match="Line 1 of `bad.txt` is not UTF-8"):
        part.show("ሰላም", str(bad), "default", [])
    with pytest.raises(UserError, match="There is no text to read"):
        part.show(" \n", None, "default", [])
    assert "The order of G2P backends is empty" in part.choose("ሰላም", None, "own", [])[part.made]


def test_speaking_says_what_it_could_not(workspace: Workspace, monkeypatch: Any) -> None:
    part = page_of(workspace).text
    heard = {"": {"rule_based": "səlam ʕa"}}
    shown = part.play("rule_based", "", heard)
    assert shown[part.sound].label == "rule_based: The whole text"
    assert "left out of the sound: ʕ" in shown[part.said].value
    assert "There is nothing to say" in part.play("epitran", "", heard)[part.said].value

    def missing(_: str) -> None:
        raise MissingPart("espeak-ng is not here", "Install it with: pip")

    monkeypatch.setattr(speak_phonemes, "speak", missing)
    shown = part.play("rule_based", "", heard)
    assert shown[part.sound].visible is False
    assert "espeak-ng is not here<br><small>Install it with: pip" in shown[part.said].value


def test_the_reason_of_the_default_is_measured() -> None:
    shown = g2p_view.why(SAY)
    best = measured.of_backend("rule_based")["GFF"]
    assert f"GFF, {best.words} words: {best.per:.2f} % of the phones" in shown
    assert "Measured 2026-" in shown


def test_tasks_name_copies_and_come_back(
    workspace: Workspace, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(process, "start", lambda _workspace, _folder: None)
    page = page_of(workspace)
    with pytest.raises(UserError, match="There is no list to measure on"):
        page.gold.begin(None, ["epitran"])
    with pytest.raises(UserError, match="Tick at least one"):
        page.list.begin(str(tmp_path / "x.txt"), None, [])
    for name in ("list.txt", "own.tsv"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    page.list.begin(str(tmp_path / "list.txt"), str(tmp_path / "own.tsv"), ["rule_based"])
    job = page.list.newest()
    command = job.spec.command
    kept = Path(command[5])
    assert kept.parent.parent == workspace.uploads
    assert command[4:] == [
        *("g2p-compare", str(kept), f"--out={job.folder}/list-phonemes.csv"),
        *("--backend=rule_based", f"--lexicon={kept.parent / 'own.tsv'}", "--job", str(job.folder)),
    ]
    (job.folder / "list-phonemes.csv").write_text("line,text\n1,<i>\n", encoding="utf-8-sig")
    made = {"file": str(job.folder / "list-phonemes.csv"), "rows": 1, "differ": 0}
    store.get(workspace, job.id, "task").events.append(Started())
    job.events.append(Done(made))
    shown = page.load()
    assert shown[page.list.box].visible is True
    assert "&lt;i&gt;" in shown[page.list.rows]
    assert shown[page.gold.box].visible is False


def result(*backends: dict[str, Any]) -> dict[str, Any]:
    gold = {"name": "<x>.tsv", "words": 2, "pronunciations": 2}
    return {"gold": gold, "backends": list(backends), "unavailable": []}


def test_a_measurement_is_drawn() -> None:
    views = ("strict", "length_ignored", "epenthesis_ignored", "glottal_ignored")
    rate = {"per": 0.25, "wer": 0.5}
    mistake = {"word": "ሕልም", "wanted": "hɨlm", "written": "hɨlɨm", "categories": ["x"]}
    backend = {
        **{"backend": "one", "version": "1", "failures": [{"word": "ሀ", "reason": "no"}]},
        "rates": dict.fromkeys(views, rate),
        "categories": [{"category": "epenthesis_wrong", "count": 1, "examples": [mistake]}],
        "mistakes": [mistake],
    }
    none = {**backend, "backend": "two", "categories": [], "failures": []}
    found = json.loads(json.dumps(result(backend, none)))
    assert "&lt;x&gt;.tsv: 2 words" in g2p_gold_view.plots(found, SAY)
    assert g2p_gold_view.plots(found, SAY).count("<em>25.0</em>") == 8
    assert "25.00 / 50.0" in g2p_gold_view.rates(found, SAY)
    assert "1 words were not converted by one, such as ሀ: no" in g2p_gold_view.rates(found, SAY)
    kinds = g2p_gold_view.kinds(found, SAY)
    assert "ɨ where there is none" in kinds
    assert '<span class="cell cell-extra" title="one more">ɨ</span>' in kinds
    assert "No mistakes." in kinds
    assert "No mistakes." in g2p_gold_view.kinds(result(none), SAY)
