"""transphone's files: what is missing is said before anything of it runs; archives are unpacked."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path

import pytest

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.g2p import registry
from amharic_tts.g2p.transphone_files import HINT, Files, find, place

MODEL = {
    "042801_base/model.pt": "weights",
    "042801_base/grapheme.vocab": "<pad>\n<eos>\n",
    "042801_base/phoneme.vocab": "<pad>\n<eos>\n",
}
INVENTORY = {
    f"latest/{language}/{name}": f"{language} {name}"
    for language in ("eng", "amh")
    for name in ("phone.txt", "phoneme.txt", "allophone.txt")
}


def archive(path: Path, files: dict[str, str], link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        if link:
            member = tarfile.TarInfo("latest/amh/phone.txt")
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def every_file(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def test_what_is_missing_is_named_with_its_place(tmp_path: Path) -> None:
    model = tmp_path / "042801_base"
    assert find(tmp_path) == (
        f"its model is not there: no `model.pt`, `grapheme.vocab`, `phoneme.vocab` in `{model}`"
    )
    model.mkdir()
    for name in ("model_0.31.pt", "model_0.2.pt", "grapheme.vocab", "phoneme.vocab"):
        (model / name).touch()
    inventory = tmp_path / "inventory" / "amh"
    assert find(tmp_path) == (
        "the sounds of Amharic are not there (it would take those of English): no `phone.txt`, "
        f"`phoneme.txt`, `allophone.txt` in `{inventory}`"
    )
    inventory.mkdir(parents=True)
    for name in ("phone.txt", "phoneme.txt", "allophone.txt"):
        (inventory / name).touch()
    found = find(tmp_path)
    assert isinstance(found, Files)
    assert (found.checkpoint.name, found.config.name) == ("model_0.2.pt", "042801_base.yml")


def test_the_backend_says_it_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSPHONE_DIR", str(tmp_path))
    state = registry.get("transphone").availability()
    assert not state.ok
    if importlib.util.find_spec("transphone") is None:
        assert state.reason == "the optional package `transphone` is not installed"
        return
    assert state.reason == find(tmp_path)
    assert state.hint == HINT
    assert HINT.endswith("run: amharic-tts g2p-transphone 042801_base.tar.gz latest.tar.gz")
    with pytest.raises(MissingPart, match="Backend `transphone`: its model is not there"):
        registry.get("transphone").convert("ሰላም")


def test_archives_are_put_in_their_place(tmp_path: Path) -> None:
    more = {**MODEL, "../evil/042801_base.yml": "embed_size: 1", "042801_base/cache/x": "y"}
    model = archive(tmp_path / "m.tar.gz", more)
    inventory = archive(tmp_path / "i.tar.gz", INVENTORY, link="/etc/passwd")
    own = tmp_path / "own"
    found = place(model, inventory, own)
    assert every_file(tmp_path) == [
        "i.tar.gz",
        "m.tar.gz",
        "own/042801_base/042801_base.yml",
        "own/042801_base/grapheme.vocab",
        "own/042801_base/model.pt",
        "own/042801_base/phoneme.vocab",
        "own/inventory/amh/allophone.txt",
        "own/inventory/amh/phone.txt",
        "own/inventory/amh/phoneme.txt",
    ]
    assert not found.inventory.joinpath("phone.txt").is_symlink()
    assert found.inventory.joinpath("phone.txt").read_text() == "amh phone.txt"
    with pytest.raises(UserError, match="is there already"):
        place(model, inventory, own)


def test_a_wrong_archive_leaves_nothing(tmp_path: Path) -> None:
    model = archive(tmp_path / "m.tar.gz", MODEL)
    english = {name: text for name, text in INVENTORY.items() if "/amh/" not in name}
    inventory = archive(tmp_path / "i.tar.gz", english)
    with pytest.raises(UserError, match="does not hold `phone.txt`, `phoneme.txt`, `allophone"):
        place(model, inventory, tmp_path / "own")
    with pytest.raises(UserError, match="does not hold .*`model.pt`"):
        place(inventory, inventory, tmp_path / "own")
    (tmp_path / "bad.tar.gz").write_bytes(model.read_bytes()[:100])
    with pytest.raises(UserError, match="`.*bad.tar.gz` can't be unpacked"):
        place(tmp_path / "bad.tar.gz", inventory, tmp_path / "own")
    with pytest.raises(UserError, match="There is no file"):
        place(tmp_path / "none.tar.gz", inventory, tmp_path / "own")
    assert every_file(tmp_path / "own") == []
