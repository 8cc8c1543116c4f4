"""Audio codes made before a training: the same files that a training makes, and each once."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_fixtures import write_sounds

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.workers import ONE_PROCESS
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding
from amharic_tts.workspace import Workspace
from training import code_cache
from training.codes import AudioCodes


@pytest.fixture
def base(practice_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base's codec; whether the other files are whole is not asked here."""
    folder = tmp_path / "base"
    folder.mkdir()
    for name in ("dvae.pth", "mel_stats.pth"):
        shutil.copy(practice_base / name, folder / name)
    monkeypatch.setattr(code_cache, "resolve", lambda _workspace, name: Path(name))
    code_cache._codes.cache_clear()
    return folder


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    made = Dataset(workspace.dataset("d"))
    made.save_header()
    sounds = write_sounds(made.folder / "wavs", [1.0, 1.3, 0.7])
    rows = [Utterance(p.stem, audio=f"wavs/{p.name}", text="ሰላም") for p in sounds]
    refused = Utterance("no", audio=rows[0].audio, decision="rejected")
    return made.save([*rows, refused, Utterance("gone", audio="wavs/gone.wav", text="ሰላም")])


def make(workspace: Workspace, base: Path) -> tuple[dict[str, Any], list[Event]]:
    *events, last = code_cache.make(workspace, str(base), "d", ONE_PROCESS)
    assert isinstance(last, Done)
    return last.result, events


def test_codes_of_a_dataset(workspace: Workspace, dataset: Dataset, base: Path) -> None:
    done, events = make(workspace, base)
    assert (done["clips"], done["made"], done["unreadable"]) == (4, 3, 1)
    [told] = [event for event in events if isinstance(event, Finding)]
    assert (told.code, told.subject) == ("unreadable_audio", "gone")
    assert len(list(Path(done["folder"]).glob("*.npy"))) == 3
    assert make(workspace, base)[0]["made"] == 0


def test_a_training_reads_them(workspace: Workspace, dataset: Dataset, base: Path) -> None:
    done, _ = make(workspace, base)
    training = AudioCodes(base, workspace.cache)
    assert str(training.folder) == done["folder"]
    other = AudioCodes(base, workspace.root / "other")
    for row in dataset.accepted()[:3]:
        assert np.array_equal(training.get(dataset.wav(row))[0], other.get(dataset.wav(row))[0])
    assert training._models is None  # read, not made


def test_a_worker_can_be_given_the_work(workspace: Workspace, dataset: Dataset, base: Path) -> None:
    import pickle

    work = functools.partial(code_cache.code, base, workspace.cache)
    assert pickle.loads(pickle.dumps(work)).func is code_cache.code


def test_no_such_dataset(workspace: Workspace, base: Path) -> None:
    with pytest.raises(UserError, match="There is no dataset `nobody`"):
        list(code_cache.make(workspace, str(base), "nobody", ONE_PROCESS))
