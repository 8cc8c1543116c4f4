"""Archives: what is in them comes out, and nothing else happens."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from built_datasets import load, reasons, run
from made_media import wav

from amharic_tts.dataset import archives
from amharic_tts.dataset.archives import stored_name, unpack
from amharic_tts.errors import UserError
from amharic_tts.events import Finding
from amharic_tts.workspace import Workspace

LONG = "ረጅም " * 75 + ".wav"


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_is_built_from_like_its_folder(
    pack: object, workspace: Workspace, tmp_path: Path
) -> None:
    sound = {n: wav(tmp_path / f"{n}.wav", 1.0, 200.0 + n).read_bytes() for n in range(3)}
    table = f'a "1".wav|አንድ\nሁለት|ሁለት\n{LONG}|ሦስት\n'
    files = {
        "set/metadata.csv": table.encode(),
        'set/wavs/a "1".wav': sound[0],
        "set/wavs/ሁለት.wav": sound[1],
        f"set/wavs/{LONG}": sound[2],
        "__MACOSX/set/._x": b"x",
    }
    suffix = "zip" if pack is zipped else "tar.gz"
    run(workspace, pack(tmp_path / f"ድምፅ ፩.{suffix}", files))  # type: ignore[operator]
    rows = load(workspace).accepted()
    assert [(row.text, row.duration) for row in rows] == [("አንድ", 1.0), ("ሁለት", 1.0), ("ሦስት", 1.0)]
    assert all(len(row.id.encode()) <= 150 for row in rows)
    assert list((workspace.cache / "unpacked").iterdir()) == []


def test_names_are_kept_or_shortened_the_same_way_everywhere() -> None:
    assert stored_name("ድምፅ/a b.wav") == "ድምፅ/a b.wav"
    assert stored_name('x/a"b".wav') == "x/a_b_.wav"
    short = stored_name(LONG)
    assert len(short.encode()) <= 120 and short.endswith(".wav")
    assert stored_name(LONG) == short != stored_name("x" + LONG)


@pytest.mark.parametrize(
    "name", ["../evil.wav", "a/../../evil.wav", "/etc/evil.wav", "C:\\evil.wav", "..\\evil.wav"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_that_leads_out_refuses_the_archive(pack: object, name: str, tmp_path: Path) -> None:
    suffix = "zip" if pack is zipped else "tar.gz"
    made = pack(tmp_path / f"a.{suffix}", {"good.wav": b"x", name: b"x"})  # type: ignore[operator]
    (tmp_path / "in" / "here").mkdir(parents=True)
    with pytest.raises(UserError, match="leads out of it"):
        list(unpack(made, tmp_path / "in" / "here"))
    assert names(tmp_path / "in") == []


def test_a_bomb_is_refused_before_a_byte_is_written(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {f"{n}.wav": bytes(30_000_000) for n in range(5)})
    assert bomb.stat().st_size < 1_000_000
    (tmp_path / "here").mkdir()
    with pytest.raises(UserError, match=r"has 0\.1 MB and would take 150 MB unpacked"):
        list(unpack(bomb, tmp_path / "here"))
    assert names(tmp_path / "here") == []


def test_an_archive_that_lies_about_a_size_is_stopped(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"a.wav": bytes(5000)})
    content = made.read_bytes()
    made.write_bytes(content.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    (tmp_path / "here").mkdir()
    with pytest.raises(UserError, match=r"damaged at `a\.wav`"):
        list(unpack(made, tmp_path / "here"))
    assert (tmp_path / "here" / "a.wav").stat().st_size <= 10


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    made = zipped(tmp_path / "a.zip", {f"{n}": b"" for n in range(4)})
    with pytest.raises(UserError, match="holds 4 files; the most is 3"):
        list(unpack(made, tmp_path))


def test_links_and_devices_are_left_out_and_told(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        for kind, name in (
            (tarfile.SYMTYPE, "soft"),
            (tarfile.LNKTYPE, "hard"),
            (tarfile.FIFOTYPE, "p"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            out.addfile(info)
        info = tarfile.TarInfo("a.wav")
        info.size = 3
        out.addfile(info, io.BytesIO(b"abc"))
    (tmp_path / "here").mkdir()
    told = [
        item for item in unpack(tmp_path / "a.tar", tmp_path / "here") if isinstance(item, Finding)
    ]
    assert [(f.code, f.message) for f in told] == [
        ("link_outside", "3 links in the archive, left out: `soft`, `hard`, `p`")
    ]
    assert names(tmp_path / "here") == ["a.wav"]
    link = zipfile.ZipInfo("soft")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    assert [type(item) for item in unpack(tmp_path / "a.zip", tmp_path / "here")] == [Finding]


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "a.zip", "w") as out,
    ):
        out.writestr("a.wav", "1")
        out.writestr("a.wav", "2")
        out.writestr("A.wav", "3")
    (tmp_path / "here").mkdir()
    list(unpack(tmp_path / "a.zip", tmp_path / "here"))
    assert names(tmp_path / "here") == ["A-3.wav", "a-2.wav", "a.wav"]


def test_utf8_names_without_the_flag(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"ab.wav": b"x"})
    made.write_bytes(made.read_bytes().replace(b"ab.wav", "ሀ".encode() + b"wav"))
    (tmp_path / "here").mkdir()
    list(unpack(made, tmp_path / "here"))
    assert names(tmp_path / "here") == ["ሀwav"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"PK\x03\x04" + bytes(30)])
def test_what_is_no_archive(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match="can't be read as an archive"):
        list(unpack(tmp_path / name, tmp_path))


def test_an_archive_that_is_cut_short(tmp_path: Path) -> None:
    made = tarred(tmp_path / "a.tar.gz", {"a.wav": bytes(range(256)) * 4000})
    made.write_bytes(made.read_bytes()[:2000])
    with pytest.raises(UserError, match="can't be read as an archive|is damaged at"):
        list(unpack(made, tmp_path / "here"))


def test_a_locked_archive(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"a.wav": b"x"})
    content = bytearray(made.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    made.write_bytes(bytes(content))
    with pytest.raises(UserError, match="locked by a password"):
        list(unpack(made, tmp_path))


def test_a_file_that_is_also_a_folder(tmp_path: Path) -> None:
    made = zipped(tmp_path / "a.zip", {"a": b"x", "a/b.wav": b"x"})
    (tmp_path / "here").mkdir()
    with pytest.raises(UserError, match="as a file and as a folder"):
        list(unpack(made, tmp_path / "here"))


def test_what_was_unpacked_is_used_by_the_next_try(workspace: Workspace, tmp_path: Path) -> None:
    sound = wav(tmp_path / "a.wav").read_bytes()
    made = zipped(tmp_path / "a.zip", {"a.wav": sound})
    with pytest.raises(UserError, match="No text was found"):
        run(workspace, made)
    [folder] = (workspace.cache / "unpacked").iterdir()
    assert names(folder) == [".complete", "a.wav"]
    (tmp_path / "t.csv").write_text("a|ሰላም\n")
    run(workspace, made, transcript=tmp_path / "t.csv")
    assert reasons(load(workspace).utterances) == [("a", "accepted", [])]
    assert not folder.exists()
