"""Listening piece by piece: what is kept, how it ends early, and what it leaves behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from amharic_tts.errors import UserError
from amharic_tts.events import Progress
from amharic_tts.phonemes import measured
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.listen import Heard, listen
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, Array, Symbols
from amharic_tts.phonemes.settings import PhonemeSettings


class Loudness:
    """A recogniser for tests: hears `a` in loud frames of 20 ms and `b` in soft ones."""

    id, revision, notation, languages = "loudness", "1", "ipa", ("xx",)
    dtype, backend, threads, frame_seconds = "fp32", "onnxruntime", 2, 0.02
    symbols = Symbols(("_", "a", "b", "|"), blank=0, word=3)

    def log_probabilities(self, samples: Array) -> Array:
        frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
        peak = np.abs(frames).max(axis=1)
        column = np.where(peak > 0.5, 1, np.where(peak > 0.05, 2, 0))
        chances = np.full((len(frames), 4), 0.02, np.float32)
        chances[np.arange(len(frames)), column] = 0.94
        return np.log(chances)


@pytest.fixture
def extractor(monkeypatch: pytest.MonkeyPatch) -> PhonemeExtractor:
    monkeypatch.setattr(catalog, "load", lambda *_: Loudness())
    monkeypatch.setattr(catalog, "key", lambda *_: "loudness")
    settings = PhonemeSettings(cached_models=0)
    return PhonemeExtractor(model="loudness", settings=settings)


def recording(path: Path, seconds: float, *bursts: tuple[float, float]) -> Path:
    """Write a sound with bursts of 0.1 s: (start, loudness)."""
    samples = np.zeros(int(seconds * RATE), np.float32)
    for start, peak in bursts:
        at = int(start * RATE)
        samples[at : at + RATE // 10] = peak
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path


def run(steps: Generator[Progress, None, Heard]) -> tuple[list[Progress], Heard]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def test_what_is_heard_and_kept(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    sound = recording(tmp_path / "a.wav", 40, (1.0, 0.9), (20.0, 0.2), (39.0, 0.9))
    seen, heard = run(listen(sound, extractor, tmp_path))
    found = [(p.phone, round(p.start, 2)) for p in heard.recognition.phones]
    assert found == [("a", 1.0), ("b", 20.0), ("a", 39.0)]
    assert heard.recognition.notes == ()
    assert (heard.duration, seen[-1].done, seen[-1].total) == (40.0, 40.0, 40.0)
    assert sorted(p.name for p in heard.folder.iterdir()) == ["posteriors.f16", "sound.wav"]

    part = heard.posteriors(19.99, 20.2)
    assert part.starts[0] == pytest.approx(20.0)
    assert np.exp(part.log_probabilities[0]).tolist() == pytest.approx(
        [0.02, 0.02, 0.94, 0.02], abs=1e-3
    )
    burst = heard.sound(20.0, 20.2)
    assert len(burst) == 3200
    assert burst[:1600].tolist() == pytest.approx([0.2] * 1600, abs=1e-3)
    assert not burst[1600:].any()
    assert len(heard.peaks) == 800
    assert np.flatnonzero(heard.peaks > 0.1).tolist() == [20, 21, 400, 401, 780, 781]
    heard.discard()
    assert not heard.folder.exists()


def test_it_is_the_same_as_the_extractor_hears(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    sound = recording(tmp_path / "a.wav", 33.3, (1.0, 0.9), (14.9, 0.9), (30.0, 0.2))
    whole, posteriors = extractor.hear(sound)
    _, heard = run(listen(sound, extractor, tmp_path))
    assert heard.recognition.phones == whole.phones
    assert heard.starts.tolist() == posteriors.starts.tolist()
    both = (heard.posteriors().log_probabilities, posteriors.log_probabilities)
    assert np.abs(both[0] - both[1]).max() < 0.01


def test_stopping_keeps_what_was_heard(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    sound = recording(tmp_path / "a.wav", 60, (1.0, 0.9), (50.0, 0.9))
    count = iter(range(1000))
    _, heard = run(listen(sound, extractor, tmp_path, stop=lambda: next(count) > 20))
    assert [p.phone for p in heard.recognition.phones] == ["a"]
    assert heard.duration < 60
    assert heard.recognition.notes == (f"stopped after {heard.duration:.1f} s",)


def test_a_sound_that_is_too_long_says_where_it_was_cut(
    extractor: PhonemeExtractor, tmp_path: Path
) -> None:
    sound = recording(tmp_path / "a.wav", 20, (1.0, 0.9), (15.0, 0.9))
    _, heard = run(listen(sound, extractor, tmp_path, longest=12))
    assert heard.duration == 12.0
    assert heard.recognition.notes == ("only the first 0.2 minutes were listened to",)


def test_silence_and_hardly_any_sound(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    for seconds in (1, 0.001):
        _, heard = run(listen(recording(tmp_path / "a.wav", seconds), extractor, tmp_path))
        assert heard.recognition.notes == (
            "no phone was heard: the sound is silent (nothing above -80 dB)",
        )
        assert heard.recognition.phones == ()
        assert len(heard.posteriors().starts) == 0


def test_a_reader_that_goes_away_ends_it_and_leaves_nothing(
    extractor: PhonemeExtractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amharic_tts.phonemes.listen.POLL", 0.001)
    sound = recording(tmp_path / "a.wav", 60, *((float(n), 0.9) for n in range(60)))
    waiting, pieces = threading.Event(), []
    real = Loudness.log_probabilities

    def slow(self: Loudness, samples: Array) -> Array:
        pieces.append(len(samples))
        if len(pieces) == 2:
            waiting.wait(20)
        return real(self, samples)

    monkeypatch.setattr(Loudness, "log_probabilities", slow)
    kept = tmp_path / "kept"
    kept.mkdir()
    steps = listen(sound, extractor, kept)
    assert 0 < next(steps).done < 60
    assert len(list(kept.iterdir())) == 1
    threading.Timer(0.2, waiting.set).start()
    steps.close()
    assert list(kept.iterdir()) == []
    assert 2 <= len(pieces) <= 3


def test_a_model_that_breaks_leaves_nothing(
    extractor: PhonemeExtractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = recording(tmp_path / "a.wav", 3, (1.0, 0.9))
    monkeypatch.setattr(Loudness, "log_probabilities", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(listen(sound, extractor, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_text_named_wav_is_refused(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("hello, this is no sound at all", encoding="utf-8")
    with pytest.raises(UserError, match="can't be read as sound"):
        run(listen(tmp_path / "a.wav", extractor, tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_costs_are_added_up_by_how_the_model_really_ran(
    extractor: PhonemeExtractor, tmp_path: Path
) -> None:
    path = tmp_path / "cache" / "measured.json"
    assert measured.costs(path) == []
    measured.record(path, extractor, 10.0, 1.0)
    found = measured.record(path, extractor, 10.0, 2.0)
    assert found == measured.costs(path)
    (cost,) = found
    assert cost.setting == measured.Setting("loudness", "onnxruntime", "fp32", 2)
    assert (cost.runs, cost.real_time_factor) == (2, 0.15)
    assert cost.memory_mb > 10
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    rows[0]["setting"]["threads"] = 1
    path.write_text(json.dumps(rows), encoding="utf-8")
    found = measured.record(path, extractor, 1.0, 1.0)
    assert [(c.setting.threads, c.runs) for c in found] == [(2, 1), (1, 2)]
    path.write_text("[{]", encoding="utf-8")
    assert measured.costs(path) == []
