"""The clip table and the versions of the page: handlers as plain functions, without a server."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.settings import Settings
from amharic_tts.ui import words
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace
from benchmarks.dataset_kills import made

FORM = ("", "", "", "order", False)


@pytest.fixture
def filled(tmp_path: Path) -> Workspace:
    workspace = Workspace.open(tmp_path / "workspace")
    made(workspace.dataset("d"), 30)
    return workspace


def page(workspace: Workspace) -> Any:
    import gradio as gr

    from amharic_tts.ui.pages.dataset import DatasetPage

    with gr.Blocks():
        return DatasetPage(Studio(Settings(workspace.root), workspace, words.load("en"))).build()


def filled_part(workspace: Workspace) -> tuple[Any, dict[Any, Any]]:
    part = page(workspace).parts["clips"]
    *progress, shown = part.fill("", "d", *FORM)
    assert [list(one) for one in progress] == [[part.status]]
    return part, shown


def test_the_table_comes_with_its_filters_and_a_tab_of_its_own(filled: Workspace) -> None:
    part, shown = filled_part(filled)
    assert shown[part.table].count("<tr data-id=") == 25
    assert (shown[part.page].value, shown[part.page].maximum) == (1, 2)
    assert len(shown[part.tab]) == 8
    assert ("clipped share", "clipped") not in shown[part.sort].choices  # none was measured
    turned = part.turn("", 2, "d", *FORM)
    assert turned[part.table].count("<tr data-id=") == 5
    found = part.ask("", "d", "NUMBER 17", "", "", "order", False)
    assert 'data-id="clip-0017"' in found[part.table]
    none = part.ask("", "d", "<b>", "", "", "value", False)
    assert none[part.table] == '<p class="nothing">No clip is like that.</p>'


def test_a_workspace_without_datasets(workspace: Workspace) -> None:
    opened = page(workspace)
    for name, part in opened.parts.items():
        shown = opened.turn(name, None)
        assert set(shown) <= {opened.view, *part.outputs}
    assert "no dataset yet" in opened.turn("clips", None)[opened.parts["clips"].status]


def test_a_clip_is_opened_by_a_click(filled: Workspace) -> None:
    part, _ = filled_part(filled)
    shown = part.open("d", SimpleNamespace(_data={"value": "clip-0003"}))
    assert (shown[part.selected], shown[part.text]) == ("clip-0003", "text number 3")
    assert 'data-whole="1.000000"' in shown[part.figure]
    with pytest.raises(UserError, match="`d` has no clip `../x`"):
        part.open("d", SimpleNamespace(_data={"value": "../x"}))


def test_every_decision_shows_what_became_of_it(filled: Workspace) -> None:
    part, shown = filled_part(filled)
    tab = shown[part.tab]

    def act(do: str, selected: str, text: str = "", seen: str = "", **more: Any) -> dict[Any, Any]:
        shown: dict[Any, Any] = part.act(do, tab, selected, text, seen, 1, "d", *FORM, **more)
        return shown

    shown = act("save", "clip-0001", "<i>new</i>", "text number 1")
    assert "Saved: the text of clip-0001" in shown[part.told]
    assert "&lt;i&gt;new" in shown[part.table]
    with pytest.raises(UserError, match="has another text meanwhile"):
        act("save", "clip-0001", "other", "text number 1")
    shown = act("reject", "clip-0001")
    assert shown[part.selected] == "clip-0002"  # goes on to the next
    shown = act("undo", "clip-0002")
    assert shown[part.selected] == "clip-0001"
    event = SimpleNamespace(_data={"value": {"ends": [0.25, 1.0]}})
    here = (tab, "clip-0001", "", "", 1, "d", *FORM)
    assert 'data-start="0.2499' in part.moved(event, *here)[part.figure]
    event = SimpleNamespace(_data={"value": {"split": 0.3}})
    assert part.moved(event, *here)[part.selected] == "clip-0001-a"
    shown = act("merge", "clip-0001-a")
    assert shown[part.selected] == "clip-0001-a-m"
    assert act("next", "clip-0003")[part.selected] == "clip-0004"
    assert act("previous", "clip-0000")[part.selected] == "clip-0000"
    with pytest.raises(UserError, match="is the last clip"):
        act("merge", "clip-0029")
    kinds = [row.id for row in Dataset.load(filled.dataset("d")).utterances][:6]
    assert kinds[1:5] == ["clip-0001", "clip-0001-a", "clip-0001-b", "clip-0001-a-m"]


def test_going_on_turns_the_page(filled: Workspace) -> None:
    part, _ = filled_part(filled)
    shown = part.act("next", "t", "clip-0024", "", "", 1, "d", *FORM)
    assert (shown[part.selected], shown[part.page].value) == ("clip-0025", 2)
    shown = part.act("previous", "t", "clip-0025", "", "", 2, "d", *FORM)
    assert (shown[part.selected], shown[part.page].value) == ("clip-0024", 1)


def test_versions_are_kept_compared_and_restored(filled: Workspace) -> None:
    opened = page(filled)
    part, clips = opened.parts["versions"], opened.parts["clips"]
    clips.act("save", "t", "clip-0001", "new", "text number 1", 1, "d", *FORM)
    assert "no edits to keep" not in part.kept("d", "checked")[part.told]
    assert "no edits to keep" in part.kept("d", "checked")[part.told]
    assert part.compared("d", 1, 2) == '<p class="note">Both versions hold the same rows.</p>'
    clips.act("reject", "t", "clip-0001", "", "", 1, "d", *FORM)
    assert "0 clips added, 0 gone, 1 changed" in part.compared("d", 2, 1)
    shown = part.restored("d", 1)
    assert "Version 1 is back, as version 3" in shown[part.told]
    assert [number for _, number in shown[part.version].choices] == [3, 2, 1]


def test_a_dataset_goes_to_the_trash_only_when_that_was_confirmed(filled: Workspace) -> None:
    opened = page(filled)
    part = opened.parts["versions"]
    with pytest.raises(UserError, match="`d` stays where it is"):
        part.discard("d", False)
    shown = part.discard("d", True)
    assert shown[opened.chosen].choices == []
    item = shown[part.item].value
    back = part.bring_back(item)
    assert back[opened.chosen].value == "d"
    assert len(Dataset.load(filled.dataset("d")).utterances) == 30


def test_an_export_is_offered_when_its_task_is_done(filled: Workspace, tmp_path: Path) -> None:
    part = page(filled).parts["versions"]
    made_zip = tmp_path / "d-coqui.zip"
    made_zip.write_bytes(b"zip")
    history = SimpleNamespace(state="done", result={"target": str(made_zip)})
    shown = part.offer(SimpleNamespace(history=history))
    assert Path(shown[part.download].value["path"]).read_bytes() == b"zip"
    assert str(made_zip) in shown[part.place]
    failed = SimpleNamespace(history=SimpleNamespace(state="failed", result={}))
    assert part.offer(failed)[part.download].visible is False


def test_all_clips_that_the_filter_shows_are_rejected_after_a_question(filled: Workspace) -> None:
    part, shown = filled_part(filled)
    box, tab, form = part.bulk, shown[part.tab], ("number 1", "", "", "order", False)

    def decided() -> list[str]:
        rows = Dataset.load(filled.dataset("d")).utterances
        return [row.id for row in rows if not row.accepted]

    asked = box.ask("reject", "d", *form)
    assert "Reject 11 of the 11 clips" in asked[box.question]
    assert (asked[box.sure].visible, asked[box.yes].value) == (True, "Yes, reject 11")
    assert decided() == []
    assert part.turn("", 1, "d", *FORM)[box.sure].visible is False
    agreed = ("reject", asked[box.mark])
    part.act("reject", "other", "clip-0012", "", "", 1, "d", *FORM)
    with pytest.raises(UserError, match="have been changed meanwhile; none was touched"):
        list(box.carry_out(*agreed, tab, "", 1, "d", *form))
    assert decided() == ["clip-0012"]

    asked = box.ask("reject", "d", *form)
    assert "10 of the 11 clips" in asked[box.question]
    assert "Rejected already: 1." in asked[box.question]
    busy, done = box.carry_out("reject", asked[box.mark], tab, "clip-0010", 1, "d", *form)
    assert "One moment" in busy[box.told]
    assert (done[box.sure].visible, done[box.told].count("Rejected: 10 clips")) == (False, 1)
    assert done[part.selected] == "clip-0010"
    assert len(decided()) == 11
    undone = box.undo(tab, "", 1, "d", *form)
    assert "Undone: 10 clips are as they were" in undone[box.told]
    assert part.selected not in undone
    assert decided() == ["clip-0012"]


def test_nothing_to_accept_and_what_training_would_drop(filled: Workspace) -> None:
    part, _ = filled_part(filled)
    part.act("save", "t", "clip-0003", " ", "text number 3", 1, "d", *FORM)
    asked = part.bulk.ask("accept", "d", *FORM)
    assert asked[part.bulk.yes].interactive is False
    assert "Accepted already: 29." in asked[part.bulk.question]
    assert "<li>clip-0003: there is no text</li>" in asked[part.bulk.question]
    with pytest.raises(UserError, match="Nothing would change"):
        list(part.bulk.carry_out("accept", asked[part.bulk.mark], "t", "", 1, "d", *FORM))
