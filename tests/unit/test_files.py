"""Safe writing and safe names."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from amharic_tts import files
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace


@pytest.mark.parametrize("name", ["sample", "ሰላም ድምፅ", "a-b_c.1", "x" * 80])
def test_good_names(name: str) -> None:
    assert files.check_name(f" {name} ", "dataset") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "..",
        "../x",
        "a/b",
        "a\\b",
        ".hidden",
        "x" * 81,
        "nul",
        "COM1",
        "a\0b",
        "a:b",
        "x.",
    ],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(UserError, match=r"dataset"):
        files.check_name(name, "dataset")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.writing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_told_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(UserError, match="disk is full") as caught, files.writing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "untouched" in caught.value.hint
    assert path.read_text() == "old"


def test_space_is_asked_for_before_writing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"The download needs 1000000000000 MB"):
        files.require_space(tmp_path / "not" / "there", 10**18, "The download")


def test_trash_never_overwrites(workspace: Workspace) -> None:
    for text in ("one", "two"):
        path = workspace.root / "x"
        path.write_text(text)
        workspace.discard(path)
    kept = sorted(p.read_text() for p in workspace.trash.iterdir())
    assert kept == ["one", "two"]
    assert not (workspace.root / "x").exists()


def test_discard_stays_inside(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "mine.txt"
    outside.write_text("mine")
    with pytest.raises(UserError, match="not inside the workspace"):
        workspace.discard(outside)
    assert outside.exists()


def test_workspace_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(UserError, match="is a file, not a folder"):
        Workspace.open(tmp_path / "f")


@pytest.mark.parametrize("below", ["f/inner", "x" * 300])
def test_workspace_where_no_folder_can_be(tmp_path: Path, below: str) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(UserError, match="can't be made"):
        Workspace.open(tmp_path / below)


@pytest.mark.skipif(os.name != "posix", reason="folders have no write bit on Windows")
def test_read_only_workspace() -> None:
    """In a fork that gives up root's rights where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        (folder := Path(name) / "w").mkdir()
        folder.chmod(0o555)
        Path(name).chmod(0o755)
        child = os.fork()
        if child == 0:
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                Workspace.open(folder / "inner")
            except UserError as error:
                os._exit(0 if "can't be written" in error.message else 3)
            finally:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_read_only_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be written") as caught, files.disk_errors(tmp_path):
        raise OSError(errno.EROFS, "Read-only file system")
    assert "--workspace" in caught.value.hint
