"""The part of the Speak page that takes voices away and brings them in, without a server."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from test_handlers import build, studio, value

from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.jobs import process, store
from amharic_tts.synthesis import takeaway
from amharic_tts.synthesis.takeaway import TakeawayRequest
from amharic_tts.ui.job_view import Watch
from amharic_tts.workspace import Workspace

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from made_voices import stock, voice, zipped


@pytest.fixture
def box(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A built box whose tasks are written down and not started."""
    from amharic_tts.ui.pages.voice_box import VoiceBox

    monkeypatch.setattr(process, "start", lambda workspace, folder: None)
    voice(workspace.voices / "ድምፅ")
    return build(VoiceBox(studio(workspace)))


def ended(box: Any, job: store.Job, result: dict[str, Any]) -> Watch:
    """What the panel knows of a task that is done."""
    from amharic_tts.events import EventLog

    EventLog(job.folder / "events.jsonl").append(Done(result))
    watch = Watch(job.id)
    watch.update(job)
    return watch


def task(box: Any, page: str) -> store.Job:
    found = box.studio.newest_task(page)
    assert found is not None
    return found


def test_the_voices_are_listed_with_size_licence_and_command(box: Any) -> None:
    shown = box.load()
    assert shown[box.voice].choices == [
        ("ድምፅ", "ድምፅ"),
        ("Practice voice (built in, synthetic)", "practice"),
    ]
    assert shown[box.voice].value == "ድምፅ"
    assert "About 0 MB" in shown[box.about] and "Coqui Public Model License" in shown[box.about]
    assert shown[box.command].endswith("voices push 'ድምፅ' OWNER/NAME --private --accept-license")
    free = box.describe("practice", True)
    assert "Coqui" not in free[box.about] and "half the size" in free[box.about]
    assert free[box.command].endswith("voices push practice OWNER/NAME --private")
    assert box.describe("none", False) == {box.about: "", box.command: ""}
    assert set(shown) <= set(box.outputs)


def test_an_export_is_a_task_and_its_zip_is_offered(box: Any, workspace: Workspace) -> None:
    box.export("ድምፅ", True)
    job = task(box, "voice-export")
    assert job.spec.command[4:8] == ["voices", "export", "ድምፅ", "--zip"]
    assert job.spec.command[8] == "--half"
    made = job.folder / "voice-ድምፅ-half.zip"
    events = takeaway.export(workspace.voices / "ድምፅ", TakeawayRequest(made, True))
    result = next(event for event in events if isinstance(event, Done)).result
    halved = {"largest_difference": 0.00012, "model_bytes_before": 2_000_000}
    offered = box.offer(ended(box, job, {**result, **halved, "model_bytes": 1_000_000}))
    assert "1.0 MB instead of 2.0 MB" in offered[box.told]
    assert "more than 0.00012" in offered[box.told] and str(made) in offered[box.told]
    assert value(offered[box.download], "value")["path"] != str(made)  # a copy
    assert offered[box.download].label == f"Download {made.stat().st_size / 1e6:.1f} MB"


def test_a_page_takes_ids_and_no_folders(box: Any, workspace: Workspace) -> None:
    for wrong in (None, "", str(workspace.voices / "ድምፅ"), "../voices/ድምፅ"):
        with pytest.raises(UserError, match="There is no such voice"):
            box.export(wrong, False)


def test_it_is_asked_how_it_reads_text_where_the_zip_does_not_say(
    box: Any, tmp_path: Path, workspace: Workspace
) -> None:
    ours = zipped(workspace.voices / "ድምፅ", tmp_path / "ours.zip")
    other = zipped(stock(tmp_path / "other"), tmp_path / "other.zip")
    assert box.look(str(ours))[box.unknown].visible is False
    assert box.look(str(other))[box.unknown].visible is True
    assert "does not say how it reads text" in box.look(str(other))[box.came]
    assert box.look(None)[box.unknown].visible is False
    (tmp_path / "none.zip").write_bytes(b"hello")
    with pytest.raises(UserError, match="can't be read as a zip"):
        box.look(str(tmp_path / "none.zip"))


def test_an_import_is_a_task_and_its_voice_is_chosen(
    box: Any, tmp_path: Path, workspace: Workspace
) -> None:
    with pytest.raises(UserError, match="There is no zip to bring in"):
        box.bring_in(None, "", "", "letters")
    box.bring_in("/up/voice.zip", " new ", "am", "phonemes")
    job = task(box, "voice-import")
    assert job.spec.command[4:-2] == [
        *("voices", "import", "/up/voice.zip"),
        *("--name=new", "--language=am", "--text-mode=phonemes"),
    ]
    shutil.copytree(workspace.voices / "ድምፅ", workspace.voices / "new")
    shown = box.arrived(ended(box, job, {"voice": "new"}))
    assert "<code>new</code> is here" in shown[box.came]
    assert shown[box.voice].value == "new"
    box.bring_in("/up/voice.zip", "", "", "letters")
    assert task(box, "voice-import").spec.command[4:-2] == ["voices", "import", "/up/voice.zip"]


def test_a_zip_of_a_zip_is_not_looked_into(box: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "deep.zip", "w") as out:
        out.writestr("a/b/voice.json", "{}")
    assert box.look(str(tmp_path / "deep.zip"))[box.unknown].visible is True
