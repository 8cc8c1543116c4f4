"""A voice that is there speaks for the judge, and its speaker encoder is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from practice_speakers import MadeSpeaker

from amharic_tts.synthesis.engine import RATE
from training.practice.likeness import cosine
from training.practice.speakers import ModelSpeaker
from training.practice.voices import JUDGED


def test_a_voice_is_asked_whose_voice_a_sound_is(practice_voice: Path, tmp_path: Path) -> None:
    teacher = MadeSpeaker()
    speaker = ModelSpeaker.of_voice(practice_voice, teacher, tmp_path)
    clip = speaker.reference("am", JUDGED)
    samples = soundfile.read(clip, dtype="float32")[0]
    other = teacher.speak("ሌላ", "am", JUDGED, 0).samples
    once, again, far = (speaker.engine.embedding(sound) for sound in (samples, samples, other))
    assert once.shape == (512,) and once.dtype == np.float64
    assert (once == again).all() and not (once == far).all()
    assert cosine(once, once) == pytest.approx(1)
    # The reference is read at 22,050 a second, the samples are as they were made.
    assert speaker.engine.likeness(samples, clip) == pytest.approx(1, abs=0.05)
    assert speaker.engine.likeness(other, clip) == pytest.approx(
        cosine(far, speaker.engine.embedding(samples)), abs=0.05
    )
    assert soundfile.info(clip).samplerate == RATE
