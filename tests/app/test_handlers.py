"""Handlers as plain functions, with a real workspace and no server."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Failed, Progress
from amharic_tts.jobs import store
from amharic_tts.settings import Settings
from amharic_tts.ui import words
from amharic_tts.ui.build_form import BuildForm
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace


def studio(workspace: Workspace, **settings: Any) -> Studio:
    return Studio(Settings(workspace.root, **settings), workspace, words.load("en"))


def build(page: Any) -> Any:
    import gradio as gr

    with gr.Blocks():
        return page.build()


def value(update: Any, name: str) -> Any:
    """Return a property of an update, whether it is a component or a plain value."""
    return getattr(update, name, update)


def test_errors_become_messages_at_the_border(caplog: pytest.LogCaptureFixture) -> None:
    import gradio as gr

    from amharic_tts.ui.handlers import guarded

    say = words.load("en")

    def mistake() -> None:
        raise UserError("`<x>` is wrong", "Take another")

    def ours() -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.raises(gr.Error) as told:
        guarded(mistake, say)()
    assert told.value.message == "<code>&lt;x&gt;</code> is wrong<br><small>Take another</small>"
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as told:
        guarded(ours, say)()
    assert "secret" not in told.value.message
    assert "secret detail" in caplog.text

    def stream() -> Any:
        yield 1
        raise UserError("half way")

    steps = guarded(stream, say)()
    assert next(steps) == 1
    with pytest.raises(gr.Error, match="half way"):
        next(steps)


def test_the_report_is_shown_and_can_be_taken_away(full: Workspace) -> None:
    from amharic_tts.ui.pages.dataset import DatasetPage

    page = build(DatasetPage(studio(full)))
    shown, part = page.load(), page.parts["sources"]
    assert value(shown[part.full], "visible") is True
    assert value(shown[part.empty], "visible") is False
    assert shown[part.table][0][:2] == ["sample-low-1-0001", "ሰላም፣ እንዴት ነህ?"]
    with open(shown[part.csv].value["path"], encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Clip", "Text", "Seconds", "Tokens", "Part", "Trained on", "Findings"]
    assert len(rows) == 1 + 44
    assert part.filter("sample", "refused")[part.table] == []


def test_a_clip_is_given_as_sound_not_as_a_path(full: Workspace) -> None:
    from amharic_tts.ui.pages.dataset import DatasetPage

    part = build(DatasetPage(studio(full))).parts["sources"]
    with pytest.raises(UserError, match="has no clip `../x`"):
        part.sound("sample", "../x")
    with pytest.raises(UserError, match="can't be the name of a dataset"):
        part.sound("../../etc", "x")


FORM: dict[str, Any] = {
    "audio": None,
    "folder": "",
    "transcript": None,
    "subtitles": None,
    "name": "mine",
    "language": "am",
}


def test_what_is_missing_in_the_build_form_is_said_at_once(workspace: Workspace) -> None:
    form = BuildForm(**{**FORM, "name": " ", "transcript": "a.csv", "subtitles": "a.srt"})
    with pytest.raises(UserError) as told:
        form.arguments(studio(workspace))
    assert told.value.message.splitlines() == [
        "Choose recordings to upload, or name a folder",
        "Give a transcript or subtitles, not both",
        "Give the dataset a name",
    ]


def test_uploads_are_kept_and_the_command_names_them(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("a.wav", "metadata.csv"):
        (tmp_path / name).write_text(name)
    form = BuildForm(
        **{**FORM, "audio": [str(tmp_path / "a.wav")], "transcript": str(tmp_path / "metadata.csv")}
    )
    command = form.arguments(studio(workspace))
    kept = Path(command[2]).parent
    assert kept.parent == workspace.uploads
    assert sorted(f.name for f in kept.iterdir()) == ["a.wav", "metadata.csv"]
    assert command == [
        "dataset",
        "build",
        str(kept / "a.wav"),
        "--name=mine",
        "--language=am",
        "--transcript",
        str(kept / "metadata.csv"),
    ]


def test_a_folder_is_for_this_machine_only_and_never_an_option(workspace: Workspace) -> None:
    form = BuildForm(**{**FORM, "folder": "--name=other"})
    assert Path(form.arguments(studio(workspace))[2]).is_absolute()
    public = studio(workspace, host="0.0.0.0", auth=("a", "b"))
    with pytest.raises(UserError, match="only where the studio is not open to others"):
        form.arguments(public)
    with pytest.raises(UserError, match="can't be the name of a dataset"):
        BuildForm(**{**FORM, "folder": "/x", "name": "../y"}).arguments(studio(workspace))


def test_a_base_is_chosen_by_name(full: Workspace) -> None:
    from amharic_tts.ui.pages.train import TrainPage

    page = build(TrainPage(studio(full, host="0.0.0.0", auth=("a", "b"))))
    for base in ("/etc", "folder"):
        told = page.launch(base, "/etc", dataset="sample")
        assert value(told[page.preview.problems], "visible") is True
    assert store.jobs(full) == []


def test_an_unknown_run_in_the_address_is_said(full: Workspace, monkeypatch: Any) -> None:
    import gradio as gr

    from amharic_tts.ui.pages.train import TrainPage

    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: said.append(message))
    page = build(TrainPage(studio(full)))
    shown = page.open_run("../../etc")
    assert value(shown[page.panel.box], "visible") is False
    assert "be the name of a run" in said[0]


class Voice:
    """A speech process that says two things and fails."""

    def __init__(self, *told: Event) -> None:
        self.told = told
        self.asked: list[Any] = []

    def speak(self, *asked: Any, **more: Any) -> Any:
        self.asked.append((asked, more))
        for event in self.told:
            if isinstance(event, Failed):
                raise StudioError(event.message, event.hint)
            yield event


def test_speaking_tells_what_it_does_and_a_failure_frees_the_button(
    full: Workspace, monkeypatch: Any
) -> None:
    from amharic_tts.ui.pages.speak import SpeakPage

    voice = Voice(Progress(0, 0, "Loading the voice"), Failed("It ended", "Again"), Done())
    page = build(SpeakPage(studio(full), voice))  # type: ignore[arg-type]
    seen = list(page.speak(voice="/etc", text="ሰላም", seed=7))
    assert "There is no such voice" in seen[-2][page.told]
    assert voice.asked == []
    monkeypatch.setattr(page, "known", lambda: [type("V", (), {"id": "run-1", "note": ""})()])
    seen = list(page.speak(voice="run-1", text="ሰላም", seed=7))
    assert "Loading the voice" in seen[1][page.told]
    assert "It ended<br><small>Again</small>" in seen[2][page.told]
    assert value(seen[-1][page.go], "interactive") is True


def test_the_licence_is_accepted_before_the_download(workspace: Workspace) -> None:
    from amharic_tts.ui.pages.base_model import BaseModelBox

    box = build(BaseModelBox(studio(workspace)))
    with pytest.raises(UserError, match="Accept the licence"):
        box.start(False)
    assert store.jobs(workspace, "task") == []


def test_a_finished_run_can_be_trained_further(full: Workspace, monkeypatch: Any) -> None:
    from amharic_tts.jobs import training
    from amharic_tts.ui.job_panel import JobPanel
    from training.config import FinetuneConfig

    job = training.create_run(full, FinetuneConfig(dataset="sample", steps=10))
    job.events.append(Done({"run": job.id}))
    panel = build(JobPanel(studio(full), "train", "run"))
    shown = panel.attach(job)
    assert (shown[panel.resume].value, shown[panel.resume].visible) == ("Train further", True)
    assert (shown[panel.steps].value, shown[panel.stop].visible) == (20, False)
    asked = []
    monkeypatch.setattr(training, "resume_run", lambda _w, run, steps: asked.append((run, steps)))
    panel.start_again(shown[panel.watch], 20)
    panel.start_again(shown[panel.watch], 10)
    assert asked == [(job.id, 20), (job.id, None)]
    full.discard(job.folder)


def test_the_page_never_loads_the_model_libraries(full: Workspace) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from amharic_tts.settings import Settings\n"
        "from amharic_tts.ui.app import build_app; from amharic_tts.ui.pages import g2p\n"
        f"build_app(Settings(Path({str(full.root)!r}))); g2p.compared('ሰላም')\n"
        "heavy = [m for m in ('torch', 'TTS', 'transformers') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr


def test_no_hidden_event_tells_its_states_to_the_page(full: Workspace) -> None:
    """Each told widget costs a walk through the whole page, for every state of every event."""
    from amharic_tts.ui.app import build_app

    hidden = [
        told
        for told in build_app(Settings(full.root)).get_config_file()["dependencies"]
        if told["show_progress"] == "hidden" and told["api_visibility"] != "public"
    ]
    assert len(hidden) > 300
    assert [told["api_name"] for told in hidden if told["show_progress_on"] != []] == []
