"""Speech heard by silero-vad's network: a real voice, silence, and what is kept of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_media import tone, wav

from amharic_tts.audio import speech
from amharic_tts.audio.speech import SpeechTrack, heard, listen
from amharic_tts.dataset.cut_plan import speech_spans
from amharic_tts.dataset.cut_settings import CutSettings
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.errors import MissingPart, UserError


def whole(path: Path) -> SpeechTrack:
    last = list(listen(path))[-1]
    assert isinstance(last, SpeechTrack)
    return last


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[float]]]:
    path = tmp_path_factory.mktemp("spoken") / "talk.wav"
    one = {"out": str(path), "voice": "am", "speed": 140, "pitch": 40}
    texts = ["ሰላም ለዓለም", "እንዴት አደርክ", "ዛሬ ጥሩ ቀን ነው"]
    answer = run_espeak({"gap": 0.6, "recordings": [{**one, "texts": texts}]})
    return path, answer["recordings"][0]["spans"]


def test_the_pauses_of_a_voice_are_found(spoken: tuple[Path, list[list[float]]]) -> None:
    path, spans = spoken
    found = speech_spans(whole(path), CutSettings(pause=0.4))
    assert len(found) == 3
    np.testing.assert_allclose(found, spans, atol=0.15)


def test_blocks_make_no_difference(
    spoken: tuple[Path, list[list[float]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = spoken
    samples, rate = soundfile.read(path, dtype="float32")
    soundfile.write(tmp_path / "long.wav", np.tile(samples, 3), rate)
    one = whole(tmp_path / "long.wav")
    monkeypatch.setattr(speech, "_FRAMES_AT_ONCE", 20)
    other = whole(tmp_path / "long.wav")
    # The same network state goes on from block to block; sums differ in the last bit at most.
    assert np.abs(one.speech.astype(int) - other.speech).max() <= 1
    assert np.array_equal(one.quiet, other.quiet)
    assert one.duration == pytest.approx(len(samples) * 3 / rate, abs=0.001)


def test_a_tone_and_silence_are_no_speech(tmp_path: Path) -> None:
    assert speech_spans(whole(wav(tmp_path / "tone.wav", 3.0)), CutSettings()) == []
    soundfile.write(tmp_path / "silence.wav", np.zeros(22050 * 2), 22050)
    silent = whole(tmp_path / "silence.wav")
    assert speech_spans(silent, CutSettings()) == []
    assert silent.level_db().max() < -120


def test_levels_are_root_mean_squares(tmp_path: Path) -> None:
    level = whole(wav(tmp_path / "a.wav", 2.0, level=0.5)).level_db()
    expected = 20 * np.log10(np.sqrt(np.mean(np.square(tone(2.0, level=0.5)))))
    np.testing.assert_allclose(level[5:-5], expected, atol=0.6)


def test_what_was_heard_is_kept_and_used_again(tmp_path: Path) -> None:
    source = wav(tmp_path / "a.wav", 2.0)
    first = list(heard(source, tmp_path / "kept" / "a.npz"))[-1]
    source.unlink()
    again = list(heard(source, tmp_path / "kept" / "a.npz"))
    assert len(again) == 1 and isinstance(first, SpeechTrack)
    assert isinstance(again[0], SpeechTrack)
    assert np.array_equal(again[0].speech, first.speech)
    assert again[0].duration == first.duration


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 half a zip"])
def test_a_damaged_file_of_the_cache_is_made_again(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "a.npz"
    kept.write_bytes(content)
    list(heard(wav(tmp_path / "a.wav", 1.0), kept))
    assert SpeechTrack.load(kept) is not None


def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("nothing")
    with pytest.raises(UserError, match="can't be read as sound"):
        list(listen(tmp_path / "a.wav"))


def test_without_the_weights_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speech._session.cache_clear()
    monkeypatch.setattr(speech.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="`silero-vad`"):
        list(listen(wav(tmp_path / "a.wav", 1.0)))


def test_neither_torch_nor_the_package_is_imported(tmp_path: Path) -> None:
    wav(tmp_path / "a.wav", 1.0)
    code = (
        "import sys; from pathlib import Path; from amharic_tts.audio.speech import listen\n"
        f"list(listen(Path({str(tmp_path / 'a.wav')!r})))\n"
        "assert not {'torch', 'silero_vad'} & set(sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
