"""The commands about clips, versions, exports and the trash: what they print, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amharic_tts.cli import app
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace
from benchmarks.dataset_kills import made


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    made(workspace.dataset("d"), 4)
    return workspace


def command(workspace: Workspace, *words: str, typed: str = "") -> Result:
    argv = ["--workspace", str(workspace.root), "dataset", *words]
    return CliRunner().invoke(app, argv, input=typed)


def test_clips_are_listed_by_pages(filled: Workspace) -> None:
    done = command(filled, "clips", "d", "--sort", "id", "--descending", "--size", "2")
    assert done.stdout == (
        "clip-0003                  1.00 accepted  text number 3\n"
        "clip-0002                  1.00 accepted  text number 2\n"
    )
    assert done.stderr.endswith("page 1 of 2, 4 clips\n")
    found = json.loads(command(filled, "clips", "d", "--search", "NUMBER 1", "--json").stdout)
    assert [row["id"] for row in found["rows"]] == ["clip-0001"]


def test_clips_are_edited_and_the_edit_undone(filled: Workspace) -> None:
    done = command(filled, "edit", "d", "clip-0001", "--text", "other words")
    assert (done.exit_code, done.stdout) == (0, "text: clip-0001\n")
    done = command(filled, "edit", "d", "clip-0001", "clip-0002", "--reject", "--why", "noise")
    assert done.stdout == "reject: clip-0001, clip-0002\n"
    done = command(filled, "edit", "d", "clip-0000", "--split", "0.5", "--json")
    assert json.loads(done.stdout)["clips"] == ["clip-0000", "clip-0000-a", "clip-0000-b"]
    assert command(filled, "edit", "d", "--undo").stdout.startswith("undo: ")
    rows = {row.id: row for row in Dataset.load(filled.dataset("d")).utterances}
    assert len(rows) == 4
    assert (rows["clip-0001"].text, rows["clip-0001"].decision) == ("other words", "rejected")
    assert rows["clip-0002"].findings[0]["message"] == "noise"


def test_many_clips_are_decided_on_by_a_finding_or_a_list(
    filled: Workspace, tmp_path: Path
) -> None:
    command(filled, "edit", "d", "clip-0001", "--text", "text number 2")  # a twin
    command(filled, "edit", "d", "clip-0002", "--text", "")
    done = command(filled, "edit", "d", "--reject", "--where", "duplicate_text", "--why", "twice")
    assert done.stdout == "reject: 1 clip\n"
    listed = tmp_path / "ids.txt"
    listed.write_text("clip-0000\r\n\nclip-0001\nclip-0002\nclip-0001\n", encoding="utf-8")
    done = command(filled, "edit", "d", "--accept", "--ids", str(listed))
    assert done.stdout == "accept: 1 clip\n"
    assert "`clip-0002` stays as it is: there is no text\n1 clip was so already" in done.stderr
    done = command(filled, "edit", "d", "--reject", "--ids", str(listed), "--json")
    found = json.loads(done.stdout)
    assert (found["clips"], found["unchanged"], found["barred"]) == (
        ["clip-0000", "clip-0001", "clip-0002"],
        0,
        {},
    )
    assert command(filled, "edit", "d", "--undo").stdout.count("clip-") == 3
    rows = {row.id: row.decision for row in Dataset.load(filled.dataset("d")).utterances}
    assert [id for id, decision in rows.items() if decision == "rejected"] == ["clip-0002"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["edit", "d", "clip-0001"], "Say one thing to do"),
        (["edit", "d", "clip-0001", "--accept", "--reject"], "you gave --accept, --reject"),
        (["edit", "d", "--reject"], "Name the clips"),
        (["edit", "d", "clip-0001", "clip-0002", "--text", "x"], "you named 2"),
        (["edit", "d", "nobody", "--reject"], "has no clip `nobody`"),
        (["edit", "d", "--reject", "--where", "noisy"], "No clip has the finding `noisy`"),
        (["edit", "d", "--accept", "--ids", "nowhere.txt"], "There is no file `nowhere.txt`"),
        (["edit", "d", "--text", "x", "--where", "noisy"], "--where and --ids say which clips"),
        (["edit", "d", "clip-0001", "--reject", "--where", "noisy"], "--where and --ids say"),
        (["export", "d", "--format", "coqui"], "Say where it should go"),
        (["restore", "d", "7"], "has no version 7"),
        (["clips", "none"], "There is no dataset `none`"),
    ],
)
def test_what_is_refused(filled: Workspace, words: list[str], told: str) -> None:
    done = command(filled, *words)
    assert isinstance(done.exception, UserError)
    assert told in done.exception.message


def test_versions_are_listed_compared_and_restored(filled: Workspace) -> None:
    command(filled, "edit", "d", "clip-0001", "--reject")
    command(filled, "versions", "d", "--keep", "looked through", "--verify")
    command(filled, "edit", "d", "clip-0002", "--reject")
    lines = command(filled, "versions", "d").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["*", "1"]
    assert "2 of 4 clips" in lines[0]
    assert "looked through, 1 edits since" in lines[0]
    compared = command(filled, "versions", "d", "--compare", "1", "2")
    assert compared.stdout == "~ clip-0002: findings, decision\n"
    done = command(filled, "restore", "d", "1")
    assert done.stdout == "version 1 is restored, as version 3\n"


def test_an_export_and_the_trash(filled: Workspace, tmp_path: Path) -> None:
    done = command(filled, "export", "d", "--format", "ljspeech", "--to", str(tmp_path / "lj"))
    assert done.stdout == f"4 clips, 0.2 MB, in {tmp_path / 'lj'}\n"
    refused = command(filled, "trash", "d", typed="n\n")
    assert isinstance(refused.exception, UserError)
    assert Dataset.names(filled) == ["d"]
    done = command(filled, "trash", "d", typed="y\n")
    assert Dataset.names(filled) == []
    id = Path(done.stdout.split()[-1]).name
    assert id in command(filled, "trash").stdout
    assert command(filled, "trash", "--back", id).stdout == "the dataset `d` is back\n"
    command(filled, "trash", "d", "--yes")
    assert command(filled, "trash", "--empty", "--yes").stdout == "1 deleted\n"
    assert command(filled, "trash").stderr == "the trash is empty\n"
