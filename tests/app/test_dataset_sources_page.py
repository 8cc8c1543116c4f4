"""Bringing recordings in on the page: forms, cuts and prompts, as plain functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amharic_tts.dataset.cut_settings import CutSettings, read_cutting
from amharic_tts.dataset.preview import listen_to
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.jobs import store, task
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.settings import Settings
from amharic_tts.ui import cuts_figure, words
from amharic_tts.ui.build_form import BuildForm, SourceForm
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

TEXTS = ["ሰላም ለዓለም", "እንዴት አደርክ", "ጥሩ ቀን ነው"]


def studio(workspace: Workspace, **settings: Any) -> Studio:
    return Studio(Settings(workspace.root, **settings), workspace, words.load("en"))


def placed(part: Any) -> Any:
    import gradio as gr

    with gr.Blocks():
        return part.build()


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "ንግግር <1>.wav"
    one = {"out": str(path), "voice": "am", "speed": 140, "pitch": 40, "texts": TEXTS}
    run_espeak({"gap": 0.7, "recordings": [one]})
    return path


def listened(workspace: Workspace, path: Path) -> None:
    """Do what the button's command does, in this process."""
    job_id = store.new_id("dataset-cuts")
    details = {"page": "dataset-cuts"}
    job = store.create(workspace, JobSpec(job_id, "task", "cuts", [], details=details))
    events = task.keeping(listen_to(workspace, [path]), job.folder / task.RESULT)
    last = [job.events.append(event) or event for event in events][-1]
    assert isinstance(last, Done)


def test_the_form_becomes_a_command(workspace: Workspace, tmp_path: Path) -> None:
    source = {"audio": None, "folder": str(tmp_path), "transcript": None, "subtitles": None}
    form = BuildForm(**source, name="x", language="am", cut="speech")
    base = ["dataset", "build", str(tmp_path), "--name=x", "--language=am", "--cut=speech"]
    assert form.arguments(studio(workspace)) == base
    changes = {"": {"target": 5.0, "merge": False}, "a b.wav": {"pause": 0.4}}
    form = BuildForm(**source, name="x", language="am", cut="speech", cutting=changes)
    command = form.arguments(studio(workspace))
    assert command[:-1] == base
    cutting = read_cutting(Path(command[-1].removeprefix("--cuts=")))
    assert cutting.default == CutSettings(target=5.0, merge=False)
    assert cutting.of("a b.wav") == CutSettings(target=5.0, merge=False, pause=0.4)
    wrong = BuildForm(**source, name="x", language="am", cut="speech", cutting={"": {"target": 0}})
    with pytest.raises(UserError, match="must rise"):
        wrong.arguments(studio(workspace))


def test_uploads_are_copied_once_and_odd_names_are_taken(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / f'{"ረ" * 60} "a".wav'
    path.write_bytes(b"x")
    form = SourceForm([str(path)], "", None, None)
    kept = form.keep(studio(workspace))
    assert form.keep(studio(workspace), kept) == kept
    [copy] = kept["kept"]
    assert Path(copy).read_bytes() == b"x"
    assert len(Path(copy).name.encode()) <= 120
    twice = SourceForm([str(path)], "", None, str(path))
    with pytest.raises(UserError, match="Two of the files are called"):
        twice.keep(studio(workspace), kept)


def test_cuts_are_shown_changed_and_kept_for_one_recording(
    workspace: Workspace, talk: Path
) -> None:
    from amharic_tts.ui.pages.dataset_cuts import FIELDS, CutsPart

    part = placed(CutsPart(studio(workspace)))
    assert part.shown({})[part.box].visible is False
    listened(workspace, talk)
    shown = part.shown({})
    assert shown[part.box].visible is True
    assert shown[part.recording].value == talk.name
    assert shown[part.figure].count('class="ph-phone') == 1
    assert "<1>" not in shown[part.figure]
    usual = CutSettings()
    numbers = [getattr(usual, name) for name in FIELDS]
    numbers[0], numbers[1] = 1.5, 3.0
    changed = part.change(talk.name, {}, 1, "one", *numbers, True)
    assert list(changed[part.changes]) == [talk.name]
    assert changed[part.figure].count('class="ph-phone') == 3
    everywhere = part.change(talk.name, changed[part.changes], 1, "all", *numbers, False)
    assert list(everywhere[part.changes]) == [""]
    again = part.choose(talk.name, everywhere[part.changes])
    assert (again[part.fields[0]], again[part.merge]) == (1.5, False)
    with pytest.raises(UserError, match="was not heard yet"):
        part.choose("../x.wav", {})


def test_a_table_needs_no_cuts(workspace: Workspace, tmp_path: Path) -> None:
    from amharic_tts.ui.pages.dataset_cuts import CutsPart

    part = placed(CutsPart(studio(workspace)))
    with pytest.raises(UserError, match="are taken whole"):
        part.begin(["a.wav"], "", "t.csv", None, None)
    with pytest.raises(UserError, match="Choose recordings"):
        part.begin(None, "", None, None, None)


@pytest.mark.parametrize(("seconds", "count"), [(0.0, 1), (30.0, 1), (30.1, 2), (36_000.0, 1200)])
def test_stretches_cover_a_recording(seconds: float, count: int) -> None:
    assert cuts_figure.stretches(seconds) == count
    last = cuts_figure.stretch_at(seconds, 10**9)
    assert last.end == max(seconds, 0.02)
    assert last.start <= last.end


def test_prompts_are_read_on_the_page(workspace: Workspace) -> None:
    from amharic_tts.ui.pages.dataset_record import RecordPart

    part = placed(RecordPart(studio(workspace)))
    assert part.show()[part.box].visible is False
    shown = part.start("ክፍል", "", "am", "ሰላም\n<b>እሺ</b>\n", None)
    assert "ሰላም" in shown[part.prompt] and "1 of 2" in shown[part.prompt]
    tone = (np.sin(np.arange(48_000) / 30) * 3000).astype(np.int16)
    taken = part.take("ክፍል", 1, (48_000, np.pad(tone, 9600)))
    assert [value for _, value in taken[part.takes].choices] == [1]
    following = part.go_on("ክፍል", 1)
    assert following[part.number] == 2
    assert "&lt;b&gt;" in following[part.prompt]
    assert part.pass_over("ክፍል", 2)[part.number] == 2
    command = part.arguments("ክፍል")
    assert command[2:] == [str(workspace.recordings / "ክፍል"), "--name=ክፍል", "--language=am"]
    with pytest.raises(UserError, match="Nothing was recorded"):
        part.take("ክፍል", 1, None)
    with pytest.raises(UserError, match="There is no session"):
        part.arguments(None)


def test_addresses_are_only_for_this_machine(workspace: Workspace) -> None:
    import gradio as gr

    from amharic_tts.ui.pages.dataset_sources import SourcesPart

    open_to_all = studio(workspace, host="0.0.0.0", auth=("a", "b"))
    assert SourcesPart(open_to_all, gr.Dropdown()).web is None
    assert SourcesPart(studio(workspace), gr.Dropdown()).web is not None


def test_what_came_from_an_address_stands_in_the_form(workspace: Workspace) -> None:
    from amharic_tts.jobs.store import History
    from amharic_tts.ui.job_view import Watch
    from amharic_tts.ui.pages.dataset_web import WebPart

    part = placed(WebPart(studio(workspace)))
    with pytest.raises(UserError, match="is no address"):
        part.begin("file:///etc/passwd", "am", False)
    result = json.loads('{"folder": "/x/y", "title": "<b>ንግግር</b>"}')
    told, folder = part.ended(Watch("a", history=History(result=result)))
    assert folder == "/x/y"
    assert "&lt;b&gt;" in told
