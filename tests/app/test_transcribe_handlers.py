"""The Transcribe view: what it counts, what it offers, the commands that it starts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.rules import note
from amharic_tts.errors import UserError
from amharic_tts.jobs import process
from amharic_tts.settings import Settings
from amharic_tts.ui import transcribe_view, words
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.transcribe_view import OTHER, TranscribeForm
from amharic_tts.workspace import Workspace


@pytest.fixture
def some(workspace: Workspace) -> Workspace:
    """A dataset with a text of the user, two recognised ones and two clips without a text."""
    unsure = note("unsure_words", "the recogniser is not sure of `ነን`") | {"value": 0.2}
    by, wait = "recognised by tones", [note("empty_text", "there is no text")]
    rows = [
        Utterance("mine", audio="wavs/mine.wav", text="የኔ", duration=2.0),
        Utterance("sure", audio="wavs/s.wav", text="ሰላም", text_by=by, duration=1.0),
        Utterance("un<sure", audio="wavs/u.wav", text="ነን", text_by=by, findings=[unsure]),
        Utterance("w", audio="wavs/w.wav", duration=75.5, decision="rejected", findings=wait),
        Utterance("none", decision="rejected", findings=[note("missing_audio", "gone")]),
    ]
    dataset = Dataset(workspace.dataset("d"))
    dataset.save_header()
    dataset.save(rows)
    return workspace


def studio(workspace: Workspace, language: str = "en", **settings: Any) -> Studio:
    return Studio(Settings(workspace.root, **settings), workspace, words.load(language))


def part(of: Studio) -> Any:
    import gradio as gr

    from amharic_tts.ui.pages import dataset_transcribe

    with gr.Blocks():
        return dataset_transcribe.build(of, gr.Dropdown())


def whisper(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"x")
    (folder / "config.json").write_text(json.dumps({}))
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_what_waits_and_what_was_recognised(some: Workspace) -> None:
    view, say = transcribe_view.view(some.dataset("d")), words.load("en")
    assert view.counts(say) == {
        "Clips without a text": "1",
        "Their length": "1 min 16 s",
        "Recognised texts": "2",
    }
    assert view.table(say) == [
        ["un<sure", "ነን", "tones", "the recogniser is not sure of `ነን`", "yes"],
        ["sure", "ሰላም", "tones", "", "yes"],
    ]


@pytest.mark.parametrize("language", ["en", "am"])
def test_the_view(some: Workspace, language: str) -> None:
    here = part(studio(some, language))
    shown = here.show("d")
    assert set(shown) <= set(here.outputs)
    assert shown[here.full].visible is True and len(shown[here.table]) == 2
    assert shown[here.model].value == "mms"
    assert shown[here.fetch].visible is True
    assert "CC BY-NC 4.0" in shown[here.card]


def test_without_a_dataset(workspace: Workspace) -> None:
    here = part(studio(workspace))
    shown = here.show(None)
    assert (shown[here.full].visible, shown[here.counts]) == (False, "")
    with pytest.raises(UserError, match="There is no dataset yet"):
        here.start_work(None, "mms", "", False)


def test_other_recognisers_are_named_by_hand_only_on_this_machine(some: Workspace) -> None:
    here = studio(some)
    assert [key for _, key in transcribe_view.choices(here, "am")][-1] == OTHER
    away = studio(some, host="0.0.0.0")
    assert OTHER not in [key for _, key in transcribe_view.choices(away, "am")]
    with pytest.raises(UserError, match="not open to others"):
        TranscribeForm("d", OTHER, "owner/model", False).recogniser(away)
    shown = part(here).choose("d", OTHER)
    assert any(getattr(update, "visible", None) is True for update in shown.values())


@pytest.mark.parametrize("typed", ["", "  ", "--again"])
def test_nothing_or_an_option_is_no_recogniser(some: Workspace, typed: str) -> None:
    with pytest.raises(UserError, match="Name the other recogniser"):
        TranscribeForm("d", OTHER, typed, False).arguments(studio(some))


def test_the_commands(some: Workspace, tmp_path: Path) -> None:
    here, folder = studio(some), whisper(tmp_path / "model")
    form = TranscribeForm("d", OTHER, str(folder), False)
    assert form.arguments(here) == ["dataset", "transcribe", "d", f"--model={folder}"]
    again = dataclasses.replace(form, again=True)
    assert again.arguments(here)[-1] == "--again"
    fetch = TranscribeForm("d", "whisper-small", "", False).download(here)
    assert fetch == ["transcribe-download", "whisper-small", "--language=am"]
    with pytest.raises(UserError, match="The recogniser `mms` is not on this machine"):
        TranscribeForm("d", "mms", "", False).arguments(here)


def test_a_task_is_started_and_shown(
    some: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "start", lambda *_: None)
    here, folder = part(studio(some)), whisper(tmp_path / "model")
    shown = here.start_work("d", OTHER, str(folder), False)
    assert shown[here.panel.box].visible is True
    assert "dataset transcribe d" in shown[here.panel.command]
    assert "Texts for d" in shown[here.panel.status]
    fetched = here.start_fetch("d", "mms", "", False)
    assert "transcribe-download mms --language=am" in fetched[here.fetching.command]


def test_a_clip_is_given_as_sound_not_as_a_path(some: Workspace) -> None:
    here = part(studio(some))
    with pytest.raises(UserError, match="has no clip `../x`"):
        here.sound("d", "../x")
