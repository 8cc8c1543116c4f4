"""The check over a dataset: nothing is edited, it goes on after a stop, edits make it stale."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from built_datasets import files
from made_media import Letters, findings, result
from made_speech import dataset, speech, with_text

from amharic_tts.audio.read import RATE
from amharic_tts.dataset import prepare
from amharic_tts.dataset.checks import clip, run, store
from amharic_tts.dataset.checks.run import CheckRequest
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.validate import check
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Event, Progress
from amharic_tts.workspace import Workspace


@pytest.fixture
def made(workspace: Workspace) -> Path:
    quiet = np.zeros(RATE, np.float32)
    sounds = {f"c{i}": speech(2.6, 120, i) for i in range(4)}
    sounds["c3"] = np.concatenate([quiet, sounds["c3"]])
    return dataset(workspace.dataset("d"), sounds).folder


def checked(workspace: Workspace, **more: object) -> list[Event]:
    request = CheckRequest("d", **{"model": "", **more})  # type: ignore[arg-type]
    return list(run.check(workspace, request))


def test_nothing_but_the_file_of_the_check_is_written(workspace: Workspace, made: Path) -> None:
    before = {name: (made / name).read_bytes() for name in files(made)}
    done = result(checked(workspace))
    assert done["findings"] == {"silence_start": 1}
    assert {k: done[k] for k in ("rows", "checked", "changed", "clean", "heard")} == {
        **{"rows": 4, "checked": 4, "changed": 0, "clean": 3, "heard": 0}
    }
    after = {name: (made / name).read_bytes() for name in files(made)}
    assert set(after) - set(before) == {store.NAME}
    assert {name: after[name] for name in before} == before


def test_the_report_has_the_findings_with_numbers(workspace: Workspace, made: Path) -> None:
    checked(workspace)
    report = run.report(made)
    assert [one["id"] for one in report["clips"]] == ["c3"]
    (found,) = report["clips"][0]["findings"]
    assert (found["code"], found["unit"], found["mend"]) == ("silence_start", "s", "trim")
    assert found["value"] == pytest.approx(1.1, abs=0.05)
    row = next(r for r in check(Dataset.load(made), Letters()).rows if r.id == "c3")
    assert (row.decision, row.findings) == ("accepted", [found])


def test_an_edit_makes_the_findings_of_its_row_stale(workspace: Workspace, made: Path) -> None:
    checked(workspace)
    found = Dataset.load(made)
    rows = [with_text(r, "ሌላ ጽሑፍ") if r.id == "c3" else r for r in found.utterances]
    found = found.save(rows)
    assert set(store.findings(found)) == {"c0", "c1", "c2"}
    assert run.summary(found, store.load(made))["changed"] == 1
    events = checked(workspace)
    assert ("already_checked", "info", "") in findings(events)
    assert "3 of 4 clips" in next(e.message for e in events if hasattr(e, "message"))
    assert result(events)["findings"] == {"silence_start": 1}


def test_a_stopped_check_goes_on_where_it_was(
    workspace: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_BETWEEN", 0.0)
    events = run.check(workspace, CheckRequest("d", model=""))
    while not isinstance(step := next(events), Progress) or step.done < 2:
        pass
    events.close()  # type: ignore[attr-defined]
    part = made / store.PART
    assert len(part.read_text(encoding="utf-8").splitlines()) == 2
    assert not (made / store.NAME).exists()
    with open(part, "ab") as file:
        file.write(b'{"id": "c2", "ke')  # killed in the middle of a line
    again = checked(workspace)
    assert "2 of 4 clips" in next(e.message for e in again if hasattr(e, "message"))
    assert result(again)["checked"] == 4
    assert not part.exists()
    lines = (made / store.NAME).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c0", "c1", "c2", "c3"]


def test_a_sound_that_was_exchanged_is_noticed(workspace: Workspace, made: Path) -> None:
    checked(workspace)
    soundfile.write(made / "wavs" / "c1.wav", speech(2.6, 150, 9), RATE, subtype="PCM_16")
    assert result(checked(workspace))["findings"] == {"audio_changed": 1, "silence_start": 1}


def test_a_wav_in_another_form_and_one_that_is_gone(workspace: Workspace, made: Path) -> None:
    soundfile.write(made / "wavs" / "c1.wav", speech(2.6, 120, 1), 16_000)
    (made / "wavs" / "c2.wav").unlink()
    checked(workspace)
    records = store.load(made)
    assert records["c1"]["unreadable"] == "`c1.wav` is not 22050 Hz, mono, 16 bits any more"
    assert records["c1"]["other_form"]
    assert "c2.wav` can't be read" in records["c2"]["unreadable"]
    assert "other_form" not in records["c2"]


def test_without_a_recogniser_the_rest_is_checked(
    workspace: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_model: str) -> None:
        raise MissingPart("hama has no build for this machine", "Take another one")

    monkeypatch.setattr(clip, "extractor", missing)
    events = checked(workspace, model="embedded")
    assert ("phones_not_heard", "warning", "") in findings(events)
    assert result(events)["checked"] == 4


def test_two_checks_at_once_and_a_check_beside_a_build(workspace: Workspace, made: Path) -> None:
    first = run.check(workspace, CheckRequest("d", model=""))
    next(first)
    with pytest.raises(UserError, match="another process"):
        checked(workspace)
    first.close()  # type: ignore[attr-defined]
    with prepare.held(workspace, "d"):
        assert result(checked(workspace))["checked"] == 4


def test_a_dataset_that_was_never_checked_or_whose_check_is_damaged(
    workspace: Workspace, made: Path
) -> None:
    with pytest.raises(UserError, match="`d` was not checked yet"):
        run.report(made)
    checked(workspace)
    with open(made / store.NAME, "ab") as file:
        file.write(b"{\n")
    with pytest.raises(UserError, match=r"checks.jsonl` line 5 is damaged"):
        run.report(made)


def test_a_text_that_can_not_be_read_says_why(workspace: Workspace, made: Path) -> None:
    found = Dataset.load(made)
    rows = [with_text(r, "hello") if r.id == "c0" else r for r in found.utterances]
    rows[1] = dataclasses.replace(rows[1], text="", normalized="")
    found.save(rows)
    done = result(checked(workspace))
    records = store.load(made)
    assert "not read in the language `am`" in records["c0"]["unheard"]
    assert records["c1"]["unheard"] == "There is no text to compare with"
    assert done["findings"] == {"silence_start": 1, "wrong_script": 1}
