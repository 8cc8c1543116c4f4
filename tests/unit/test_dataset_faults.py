"""Full disks, killed builds, two at once, damaged files: nothing that existed is lost."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from built_datasets import files, load, run
from made_media import Letters, findings, result, wav

from amharic_tts.dataset import prepare
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace

CLIPS = 40


def clips(folder: Path, count: int = 3, pitch: float = 200.0) -> Path:
    for i in range(count):
        wav(folder / f"c{i:02d}.wav", 0.6, pitch + i)
    rows = [f"c{i:02d}|ሰላም {'ሀ' * (i + 1)}\n" for i in range(count)]
    (folder / "metadata.csv").write_text("".join(rows), encoding="utf-8")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def failing(code: int, after: int) -> Any:
    """An `os.fsync` that fails from its call number `after` on."""
    calls = iter(range(1_000_000))

    def fsync(_handle: int) -> None:
        if next(calls) >= after:
            raise OSError(code, os.strerror(code))

    return fsync


@pytest.mark.parametrize("after", [0, 3, 8])
def test_a_full_disk_leaves_the_dataset_as_it_was(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    run(workspace, clips(tmp_path / "one"))
    before = content(workspace.dataset("d"))
    more = clips(tmp_path / "two", 5, 400)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.ENOSPC, after))
        with pytest.raises(UserError, match=r"The disk is full: `.*` could not be written"):
            run(workspace, more)
    now = content(workspace.dataset("d"))
    assert {name: now[name] for name in before} == before
    assert not [name for name in now if name.endswith(".part")]
    assert result(run(workspace, more))["rows"] == 8


def test_too_little_space_is_told_before_anything_is_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(UserError, match=r"The dataset needs 20 MB, and the disk of .* has 1 MB"):
        run(workspace, clips(tmp_path / "one"))
    assert not workspace.dataset("d").exists()


def test_a_place_without_permission(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EROFS, 0))
    with pytest.raises(UserError, match="can't be written: Read-only file system"):
        run(workspace, clips(tmp_path / "one"))


def test_two_builds_at_once(workspace: Workspace, tmp_path: Path) -> None:
    request = prepare.BuildRequest((clips(tmp_path / "one"),), "d")
    first = prepare.build(workspace, request, Letters())
    next(first)
    with pytest.raises(UserError, match="`d` is being built by another process"):
        run(workspace, tmp_path / "one")
    assert result(list(first))["accepted"] == 3
    assert result(run(workspace, tmp_path / "one"))["already"] == 3


def test_a_build_that_is_given_up_frees_the_dataset(workspace: Workspace, tmp_path: Path) -> None:
    events = prepare.build(
        workspace, prepare.BuildRequest((clips(tmp_path / "one"),), "d"), Letters()
    )
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert not Dataset.exists(workspace.dataset("d"))
    assert result(run(workspace, tmp_path / "one"))["accepted"] == 3


def test_what_a_killed_build_left_is_used_or_moved_away(
    workspace: Workspace, tmp_path: Path
) -> None:
    run(workspace, clips(tmp_path / "one"))
    wavs = workspace.dataset("d") / "wavs"
    (wavs / "c03.wav").write_bytes(b"half")
    (wavs / "other.wav").write_bytes(b"left behind")
    (wavs / ".c04.wav.x.part").write_bytes(b"left behind")
    events = run(workspace, clips(tmp_path / "one", 4))
    assert files(wavs) == ["c00.wav", "c01.wav", "c02.wav", "c03.wav"]
    assert (wavs / "c03.wav").read_bytes() != b"half"
    assert ("left_behind", "info", "") in findings(events)
    kept = sorted(p.name.split("-", 2)[2] for p in workspace.trash.iterdir())
    assert kept == [".c04.wav.x.part", "other.wav"]


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from made_media import Letters
from amharic_tts.dataset.prepare import BuildRequest, build
from amharic_tts.workspace import Workspace
workspace, source = Workspace.open(Path(sys.argv[3])), Path(sys.argv[4])
for _ in build(workspace, BuildRequest((source,), "d"), Letters()):
    pass
"""


@pytest.mark.parametrize("wavs", [0, 1, 20, CLIPS - 1, CLIPS])
def test_kill_nine_at_any_moment(workspace: Workspace, tmp_path: Path, wavs: int) -> None:
    run(workspace, clips(tmp_path / "one"))
    before = load(workspace)
    more = clips(tmp_path / "two", CLIPS, 400)
    here = Path(__file__).parent
    command = [sys.executable, "-c", SCRIPT, str(here), str(here.parent.parent)]
    child = subprocess.Popen([*command, str(workspace.root), str(more)])
    folder = workspace.dataset("d") / "wavs"
    while child.poll() is None and len(list(folder.glob("*.wav"))) < 3 + wavs:
        time.sleep(0.0005)
    child.kill()
    child.wait()
    found = load(workspace)
    assert found.utterances[:3] == before.utterances
    assert len(found.utterances) in (3, 3 + CLIPS)
    assert all(found.wav(row).read_bytes()[:4] == b"RIFF" for row in found.accepted())
    finished = run(workspace, more)
    assert result(finished)["accepted"] == 3 + CLIPS
    wanted = sorted(row.audio for row in load(workspace).utterances)
    assert [name for name in files(workspace.dataset("d")) if name.startswith("wavs/")] == wanted


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"text": "x"}', '{"id": "a", "span": [1]}', "\xff"]
)
def test_a_damaged_manifest_is_told_with_its_line(
    workspace: Workspace, tmp_path: Path, line: str
) -> None:
    run(workspace, clips(tmp_path / "one"))
    path = workspace.dataset("d") / "utterances.jsonl"
    path.write_bytes(path.read_bytes() + line.encode("latin-1") + b"\n")
    with pytest.raises(UserError, match=r"utterances.jsonl` line 4 is damaged"):
        load(workspace)


def test_a_newer_format_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, clips(tmp_path / "one"))
    path = workspace.dataset("d") / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(UserError, match="`d` was made by a newer version of the studio"):
        load(workspace)
    path.unlink()
    with pytest.raises(UserError, match=r"dataset.json` can't be read"):
        load(workspace)


def test_a_folder_that_is_not_a_dataset(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.dataset("d")).mkdir(parents=True)
    (workspace.dataset("d") / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something that is not a dataset"):
        run(workspace, clips(tmp_path / "one"))
    assert files(workspace.dataset("d")) == ["thesis.txt"]
    assert Dataset.names(workspace) == []
    with pytest.raises(UserError, match="There is no dataset `d`"):
        load(workspace)
