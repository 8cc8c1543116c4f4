"""Numbers of clips: each fault moves its own number."""

from __future__ import annotations

import numpy as np
import pytest
from made_speech import speech

from amharic_tts.audio import fingerprint
from amharic_tts.audio.fingerprint import twins, words
from amharic_tts.audio.quality import pauses_of, quality
from amharic_tts.audio.read import RATE
from amharic_tts.audio.voiceprint import strangeness, voiceprint

X = speech(3.0, seed=1)
NOISE = np.random.default_rng(5).normal(0, 1, len(X)).astype(np.float32)


def test_a_healthy_clip() -> None:
    found = quality(X, RATE)
    assert found.snr_db > 25
    assert found.flat_share == found.hole == 0
    assert abs(found.offset) < 1e-3
    assert found.edge_start_db < -20
    assert found.edge_end_db < -20
    assert 0.05 < found.quiet_start < 0.25
    assert found.longest_pause < 0.5


def test_noise_is_told_by_its_level() -> None:
    level = 10 ** (quality(X, RATE).speech_db / 20)
    assert quality(X + 0.3 * level * NOISE, RATE).snr_db == pytest.approx(10.5, abs=2)


def test_silence_at_the_ends() -> None:
    quiet = 4e-4 * NOISE[: RATE // 2]
    found, clean = quality(np.concatenate([quiet, X, quiet]), RATE), quality(X, RATE)
    assert found.quiet_start == pytest.approx(clean.quiet_start + 0.5, abs=0.03)
    assert found.quiet_end == pytest.approx(clean.quiet_end + 0.5, abs=0.03)


def test_speech_that_is_cut_off() -> None:
    loud = int(np.argmax(np.abs(X)))
    assert quality(X[loud:], RATE).edge_start_db > -6
    assert quality(X[:loud], RATE).edge_end_db > -6


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_flat_tops_are_told_though_they_were_turned_down(gain: float) -> None:
    clipped = gain * np.clip(10 * X, -1, 1)
    assert quality(np.rint(clipped * 32768) / 32768, RATE).flat_share > 0.002


def test_a_hole_in_the_middle_of_speech() -> None:
    loud = int(np.argmax(np.abs(X)))
    broken = X.copy()
    broken[loud - 200 : loud + 200] = 0
    assert quality(broken, RATE).hole == pytest.approx(400 / RATE, abs=1e-3)


def test_a_voice_without_noise_is_still_by_nature() -> None:
    gated = np.where(np.abs(X) < 2e-3, 0, X).astype(np.float32)
    gated[:2000] = 0
    loud = int(np.argmax(np.abs(X)))
    gated[loud - 200 : loud + 200] = 0
    assert quality(gated, RATE).hole == 0


def test_a_telephone_has_nothing_above() -> None:
    import soxr

    thin = soxr.resample(soxr.resample(X, RATE, 8000), 8000, RATE)
    assert quality(thin, RATE).bandwidth < 4500 < quality(X, RATE).bandwidth


def test_samples_off_centre() -> None:
    assert quality(X + 0.05, RATE).offset == pytest.approx(0.05, abs=1e-3)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(5), np.zeros(RATE), np.ones(300)])
def test_nothing_to_measure_is_no_error(samples: np.ndarray) -> None:
    found = quality(samples.astype(np.float32), RATE)
    assert all(np.isfinite(value) for value in found.to_dict().values())
    assert found.speech_db <= -60
    assert voiceprint(samples, RATE) is None
    assert len(words(samples, RATE)) == 0


def test_pauses_are_places() -> None:
    joined = np.concatenate([X, np.zeros(RATE, np.float32), X])
    (longest,) = pauses_of(joined, RATE, 0.8)
    assert longest[0] < 3.0 < 4.0 < longest[1]


def test_another_voice_is_strange() -> None:
    same = [voiceprint(speech(2.5, 120, seed), RATE) for seed in range(8)]
    other = voiceprint(speech(2.5, 210, 77), RATE)
    assert other is not None
    far = strangeness([v for v in same if v is not None] + [other])
    assert far[-1] > 2.3
    assert max(far[:-1]) < far[-1]


@pytest.mark.parametrize("at_once", [10_000, 4])
def test_a_recording_that_stands_twice(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(fingerprint, "_AT_ONCE", at_once)
    clips = {f"c{i}": words(speech(3.0, 110 + i, i), RATE) for i in range(5)}
    later = 0.5 * speech(3.0, 112, 2)[2000:-1500]
    clips["again"] = words(later + 1e-3 * NOISE[: len(later)], RATE)
    pairs = twins(clips)
    assert [(one, other) for one, other, _ in pairs] == [("c2", "again")]
    assert pairs[0][2] > 0.12
