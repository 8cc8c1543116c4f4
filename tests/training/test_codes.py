"""The cache of audio codes: made once for each clip and base, and never read for another."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from training_fixtures import write_sounds

from training import codes as codes_module
from training.codes import AudioCodes, read_clip


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("wavs"), [1.3])[0]


@pytest.fixture
def base(practice_base: Path, tmp_path: Path) -> Path:
    """What the codec of a base is made of, to be changed."""
    folder = tmp_path / "base"
    folder.mkdir()
    for name in ("dvae.pth", "mel_stats.pth"):
        shutil.copy(practice_base / name, folder / name)
    return folder


def files(cache: Path) -> set[str]:
    return {str(path.relative_to(cache)) for path in cache.rglob("*.npy")}


def test_codes_are_made_once(base: Path, tmp_path: Path, wav: Path) -> None:
    first = AudioCodes(base, tmp_path / "cache")
    made, digest = first.get(wav)
    assert made.dtype == np.int64 and made.shape == (28,)  # 1.3 s at 22,050 Hz, 1024 samples each
    assert files(tmp_path / "cache") == {f"codes/{first.codec}/{digest}.npy"}
    again = AudioCodes(base, tmp_path / "cache")
    copy = tmp_path / "renamed.wav"
    shutil.copy(wav, copy)
    for path in (wav, copy):
        assert np.array_equal(again.get(path)[0], made)
    assert again._models is None  # read, not made


def test_a_changed_clip_gets_codes_of_its_own(base: Path, tmp_path: Path, wav: Path) -> None:
    cache = AudioCodes(base, tmp_path / "cache")
    changed = tmp_path / "clip.wav"
    shutil.copy(wav, changed)
    before, old = cache.get(changed)
    shutil.copy(write_sounds(tmp_path / "other", [1.3, 1.3])[1], changed)
    after, new = cache.get(changed)
    assert old != new and not np.array_equal(before, after)
    assert len(files(tmp_path / "cache")) == 2
    assert np.array_equal(cache.get(wav)[0], before)


@pytest.mark.parametrize("part", ["dvae.pth", "mel_stats.pth"])
def test_another_base_gets_codes_of_its_own(
    base: Path, tmp_path: Path, wav: Path, part: str
) -> None:
    first = AudioCodes(base, tmp_path / "cache")
    first.get(wav)
    with open(base / part, "ab") as file:
        file.write(b"\0")
    second = AudioCodes(base, tmp_path / "cache")
    assert first.codec != second.codec and not second.folder.exists()


def test_another_way_of_making_them_too(
    base: Path, tmp_path: Path, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = AudioCodes(base, tmp_path / "cache")
    monkeypatch.setattr(codes_module, "METHOD", "-2")
    second = AudioCodes(base, tmp_path / "cache")
    assert first.codec == second.codec and first.folder != second.folder


def test_a_damaged_file_is_made_again(base: Path, tmp_path: Path, wav: Path) -> None:
    cache = AudioCodes(base, tmp_path / "cache")
    made, digest = cache.get(wav, read_clip(wav))
    path = cache.folder / f"{digest}.npy"
    path.write_bytes(path.read_bytes()[:-9])
    assert np.array_equal(cache.get(wav)[0], made)
    assert np.array_equal(np.load(path), made)
