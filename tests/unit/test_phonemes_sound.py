"""Every form of sound, and every kind of bad one: a clear result or a clear message."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from amharic_tts.errors import UserError
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.phonemes.result import Recognition
from amharic_tts.phonemes.settings import PhonemeSettings

needs_hama = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)
pytestmark = needs_hama

NO_MEDIA = "can't be read as sound: it is not a sound or video file, or it is damaged"
SILENT = "no phone was heard: the sound is silent (nothing above -80 dB)"


@pytest.fixture(scope="module")
def extractor() -> PhonemeExtractor:
    return PhonemeExtractor(settings=PhonemeSettings())


@pytest.fixture(scope="module")
def speech(ljspeech: Path) -> np.ndarray:
    samples, rate = soundfile.read(ljspeech / "LJ001-0002.flac", dtype="float32")
    return np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32)


def encoded(samples: np.ndarray, form: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=form)
    return file.getvalue()


def test_number_types(extractor: PhonemeExtractor, speech: np.ndarray) -> None:
    wanted = "ɪ n | b i ŋ | k ə m p ɛ ɹ ə t ɪ v l i | m oʊ d ɝ n"
    pcm = (speech * 32767).astype(np.int16)
    forms = [speech, speech.astype(np.float64), pcm, pcm.astype(np.int32) << 16, pcm.tolist()]
    for form in [*forms, np.stack([speech, speech]), np.stack([pcm, pcm], axis=1)]:
        found = extractor.extract_phoneme(form)
        assert (str(found), found.notes) == (wanted, ())
    # Eight bits have a noise of their own.
    coarse = extractor.extract_phoneme((speech * 127 + 128).astype(np.uint8))
    assert str(coarse).startswith("ɪ n | b i ŋ | k ə m p")


def test_bytes_are_files(extractor: PhonemeExtractor, speech: np.ndarray, tmp_path: Path) -> None:
    speech = speech[:RATE]
    flac = encoded(speech, "FLAC")
    file = tmp_path / "clip.bin"
    file.write_bytes(flac)
    wanted = extractor.extract_phoneme(file)
    at_end = io.BytesIO()
    at_end.write(flac)
    with file.open("rb") as opened:
        for form in (flac, bytearray(flac), memoryview(flac), io.BytesIO(flac), at_end, opened):
            assert extractor.extract_phoneme(form) == wanted
    assert str(extractor.extract_phoneme(encoded(speech, "MP3"))).startswith("ɪ n | b i ŋ")


def test_high_and_low_rates(extractor: PhonemeExtractor, speech: np.ndarray) -> None:
    high = extractor.extract_phoneme(soxr.resample(speech, RATE, 192_000), 192_000)
    assert str(high) == str(extractor.extract_phoneme(speech))
    assert high.notes == ()
    low = extractor.extract_phoneme(soxr.resample(speech, RATE, 4000), 4000)
    assert len(low) > 10
    assert low.notes == (
        "the sound has 4000 samples a second, and so nothing above 2000 Hz; "
        "many consonants can't be told apart in it",
    )


@pytest.mark.parametrize(
    ("samples", "duration", "note"),
    [
        ([], 0.0, SILENT),
        ([0.0], 1 / RATE, SILENT),
        ([1.0], 1 / RATE, "no phone was heard"),
        (np.zeros((0, 2)), 0.0, SILENT),
        (np.zeros(3 * RATE), 3.0, SILENT),
        (np.full(RATE, 1e-5), 1.0, SILENT),
        (np.zeros((3, RATE), dtype=np.int16), 1.0, SILENT),
        (np.random.default_rng(0).uniform(-1, 1, RATE), 1.0, "no phone was heard"),
        (np.random.default_rng(0).normal(0, 0.01, RATE), 1.0, "no phone was heard"),
    ],
    ids=["0", "1", "1 loud", "0x2", "silence", "hiss", "channels", "noise", "weak noise"],
)
def test_no_speech(
    extractor: PhonemeExtractor, samples: np.ndarray, duration: float, note: str
) -> None:
    found = extractor.extract_phoneme(samples)
    assert (found.phones, found.duration, found.notes) == ((), duration, (note,))
    assert not found


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        ([0.0, float("nan")], RATE, "The sound holds NaN or infinite values, first at 0.00 s"),
        (np.r_[np.zeros(12 * RATE), -np.inf], RATE, "values, first at 12.00 s"),
        (["a"], RATE, "no array of numbers (its type is `<U1`)"),
        (np.zeros(9, dtype=complex), RATE, "no array of numbers (its type is `complex128`)"),
        (None, RATE, "no array of numbers (its type is `object`)"),
        ([[1.0, 2.0], [3.0]], RATE, "The sound is no array of numbers"),
        (np.zeros((2, 2, 2)), RATE, "The sound has 3 dimensions"),
        (np.float32(1.0), RATE, "The sound has 0 dimensions"),
        ([0.0], 0, "0 is no sample rate (1000 to 768000)"),
        ([0.0], float("nan"), "nan is no sample rate (1000 to 768000)"),
        ([0.0], "high", "high is no sample rate (1000 to 768000)"),
        (b"", RATE, "The sound given as bytes is empty (0 bytes)"),
        (io.BytesIO(), RATE, "The sound given as bytes is empty (0 bytes)"),
        (b"hello there", RATE, f"The sound given as bytes {NO_MEDIA}"),
    ],
)
def test_what_is_no_sound(
    extractor: PhonemeExtractor, samples: object, rate: float, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        extractor.extract_phoneme(samples, rate)  # type: ignore[arg-type]
    assert message in caught.value.message


def test_files_that_are_no_sound(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    file = tmp_path / "song.wav"
    file.write_text("not a sound at all")
    with pytest.raises(UserError) as caught:
        extractor.extract_phoneme(file)
    assert caught.value.message == f"`{file}` {NO_MEDIA}"
    with pytest.raises(UserError) as caught:
        extractor.extract_phoneme(str(tmp_path / "none.wav"))
    assert caught.value.message == f"There is no file `{tmp_path / 'none.wav'}`"
    with pytest.raises(UserError, match=r"Sound 2: .*song\.wav"):
        extractor.extract_phonemes([np.zeros(RATE), file])


def test_a_file_that_was_cut_short(extractor: PhonemeExtractor, speech: np.ndarray) -> None:
    whole = encoded(speech, "MP3")
    found = extractor.extract_phoneme(whole[: len(whole) * 2 // 3])
    assert str(found).startswith("ɪ n | b i ŋ")
    (note,) = found.notes
    assert note.startswith("the file is cut short: it says 1.90 s and holds 1.")


def test_fifty_threads_hear_what_one_hears(speech: np.ndarray) -> None:
    sounds = [speech[at * 4000 : at * 4000 + RATE // 4] for at in range(5)]
    alone = PhonemeExtractor(settings=PhonemeSettings())
    wanted = [alone.extract_phoneme(sound) for sound in sounds] * 10
    PhonemeExtractor._models.clear()
    found: dict[int, Recognition] = {}
    start = threading.Barrier(50)

    def hear(number: int) -> None:
        start.wait()
        extractor = PhonemeExtractor(settings=PhonemeSettings())
        found[number] = extractor.extract_phoneme(sounds[number % 5])

    threads = [threading.Thread(target=hear, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(50)] == wanted
    assert len(PhonemeExtractor._models.keys()) == 1
