"""The embedded recogniser on speech and on sounds made here, and what it makes of bad input."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.phonemes.assistant import PhonemeAssistant
from amharic_tts.phonemes.decode import decode
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE, Symbols
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.phonemes.pieces import CONTEXT, GRID, LONGEST, SHORTEST, pieces
from amharic_tts.phonemes.settings import PhonemeSettings, from_environment

needs_hama = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)


@pytest.fixture(scope="module")
def extractor() -> PhonemeExtractor:
    return PhonemeExtractor(settings=PhonemeSettings())


# The English phones of the recogniser in the 39 of the reference (CMU's without stress; cot and
# caught, schwa and strut, and the flap merged).
FOLD = {
    **{"t͡ʃ": "tʃ", "d͡ʒ": "dʒ", "g": "ɡ", "r": "ɹ", "ɾ": "t", "ə": "ʌ", "ɔ": "ɑ", "ɒ": "ɑ"},
    **{"ɚ": "ɝ", "ɜ": "ɝ", "ɨ": "ɪ", "o": "oʊ", "e": "eɪ", "a": "ɑ", "ɐ": "ʌ", "ɫ": "l"},
}


def folded(phones: list[str]) -> list[str]:
    out: list[str] = []
    for phone in phones:
        phone = FOLD.get(phone, phone)
        if phone == "ɹ" and out and out[-1] in ("ʌ", "ɝ"):
            out[-1] = "ɝ"
        elif phone != "ʔ":
            out.append(phone)
    return out


def distance(one: list[str], other: list[str]) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@needs_hama
def test_read_english_has_about_a_sixth_of_its_phones_wrong(
    extractor: PhonemeExtractor, ljspeech: Path
) -> None:
    reference = json.loads((ljspeech / "phones.json").read_text(encoding="utf-8"))
    wrong = total = 0
    for clip, wanted in sorted(reference.items())[:8]:  # all 24 give 15.6 %
        found = extractor.extract_phoneme(ljspeech / f"{clip}.flac")
        wrong += distance(wanted, folded([phone.phone for phone in found.phones]))
        total += len(wanted)
    assert 13 < 100 * wrong / total < 17


@needs_hama
def test_a_whole_recognition(extractor: PhonemeExtractor, ljspeech: Path) -> None:
    found = extractor.extract_phoneme(str(ljspeech / "LJ001-0002.flac"))
    assert str(found) == "ɪ n | b i ŋ | k ə m p ɛ ɹ ə t ɪ v l i | m oʊ d ɝ"
    assert (found.notation, found.languages, found.notes) == ("ipa", ("en",), ())
    assert found.model.startswith("hama-")
    starts = [phone.start for phone in found.phones]
    assert starts == sorted(starts)
    for phone in found.phones:
        assert 0 <= phone.start < phone.end <= found.duration
        assert 0 < phone.confidence <= 1
    assert len({round(phone.confidence, 3) for phone in found.phones}) > 5


@needs_hama
def test_forms_of_the_same_sound(extractor: PhonemeExtractor, ljspeech: Path) -> None:
    from amharic_tts.audio.read import read

    samples = read(ljspeech / "LJ001-0002.flac", RATE)
    wanted = str(extractor.extract_phoneme(samples))
    stereo = np.stack([samples, samples], axis=1)
    for form in (samples.astype(np.float64), (samples * 32767).astype(np.int16), stereo, stereo.T):
        assert str(extractor.extract_phoneme(form, RATE)) == wanted
    loud = extractor.extract_phoneme(samples / np.abs(samples).max() * 30000)
    assert loud.notes == ("scaled down from a peak of 3e+04 (full scale is 1)",)
    assert str(extractor.extract_phoneme(read(ljspeech / "LJ001-0002.flac", 8000), 8000)).strip()


@needs_hama
@pytest.mark.parametrize(
    "samples",
    [np.zeros(0), np.zeros(1), np.ones(1), np.zeros(3 * RATE), np.full(RATE, 1e-6), []],
    ids=["none", "one", "one loud", "silence", "almost silence", "list"],
)
def test_no_speech_has_no_phones(extractor: PhonemeExtractor, samples: np.ndarray) -> None:
    found = extractor.extract_phoneme(samples)
    assert found.phones == ()
    assert found.notes[-1] == "no phone was heard"
    assert found.duration == len(samples) / RATE


@needs_hama
@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.array([0.0, np.nan]), RATE, "NaN or infinite values, first at 0.00 s"),
        (np.r_[np.zeros(RATE), np.inf], RATE, "NaN or infinite values, first at 1.00 s"),
        (np.array(["a"]), RATE, "no array of numbers"),
        (np.zeros((2, 2, 2)), RATE, "3 dimensions"),
        (np.float32(1.0), RATE, "0 dimensions"),
        (np.zeros(10), 0, "0 is no sample rate"),
        (np.zeros(10), float("nan"), "nan is no sample rate"),
    ],
)
def test_what_is_no_sound_is_refused(
    extractor: PhonemeExtractor, samples: np.ndarray, rate: float, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        extractor.extract_phoneme(samples, rate)


@needs_hama
def test_a_file_that_is_no_sound_is_refused(extractor: PhonemeExtractor, tmp_path: Path) -> None:
    file = tmp_path / "song.wav"
    file.write_text("not a sound at all")
    with pytest.raises(UserError, match=r"song\.wav"):
        extractor.extract_phoneme(file)
    with pytest.raises(UserError, match=r"none\.wav"):
        extractor.extract_phoneme(tmp_path / "none.wav")


def test_long_sounds_are_cut_where_they_are_quiet() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * RATE).astype(np.float32)
    noise[12 * RATE : 12 * RATE + RATE // 4] = 0
    found = list(pieces(np.array_split(noise, 57)))
    assert [piece.begin for piece in found] == [0.0, *(piece.end for piece in found[:-1])]
    assert found[-1].end == 40.0
    assert 12.0 < found[0].end < 12.25
    for piece in found:
        first = round(piece.start * RATE)
        assert first % GRID == 0
        assert np.array_equal(piece.samples, noise[first : first + len(piece.samples)])
        assert len(piece.samples) <= LONGEST * RATE
        assert round(piece.begin - piece.start, 6) == (CONTEXT if piece.begin else 0.0)
    assert all(piece.end - piece.begin >= SHORTEST for piece in found[:-1])
    assert list(pieces([])) == []


@needs_hama
def test_a_long_recording_is_the_sum_of_its_parts(
    extractor: PhonemeExtractor, ljspeech: Path
) -> None:
    from amharic_tts.audio.read import read

    one = read(ljspeech / "LJ001-0002.flac", RATE)
    gap = np.zeros(3 * RATE, np.float32)
    long = np.concatenate([np.concatenate([one, gap]) for _ in range(6)])
    found = extractor.extract_phoneme(long)
    single = Counter(phone.phone for phone in extractor.extract_phoneme(one).phones)
    heard = Counter(phone.phone for phone in found.phones)
    # What stands beside a phone changes the model's mind about one in twenty.
    assert sum(abs(heard[p] - 6 * n) for p, n in single.items()) < 0.1 * 6 * single.total()
    assert found.duration == len(long) / RATE
    assert len(found.words()) >= 20


def test_decoding() -> None:
    symbols = Symbols(("_", "a", "b", "|", "ː", "#"), 0, 3, frozenset({4}), (), frozenset({5}))
    path = [0, 1, 1, 0, 1, 3, 3, 0, 2, 4, 5, 0]
    scores = np.full((len(path), 6), -5.0, np.float32)
    for frame, symbol in enumerate(path):
        scores[frame, symbol] = np.log(0.8)
    scores[10, 0] = -1.0
    found = decode(scores, symbols, 0.02)
    assert [(p.phone, round(p.start, 2), round(p.end, 2), p.word) for p in found] == [
        ("a", 0.02, 0.08, 0),
        ("a", 0.08, 0.1, 0),
        ("bː", 0.16, 0.24, 1),
    ]
    assert [round(p.confidence, 3) for p in found] == [0.8, 0.8, 0.8]
    assert decode(scores[:0], symbols, 0.02) == []


def test_the_environment_and_its_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("USE_FAST_MODELS=true\nMODEL_WARMUP_RUNS=3\nENABLE_PERFORMANCE_LOGGING=true\n")
    found = from_environment({"MODEL_WARMUP_RUNS": "0"}, file)
    assert (found.use_fast_model, found.warmup_runs, found.log_performance) == (True, 0, True)
    none = tmp_path / "none"
    assert from_environment({}, none) == PhonemeSettings()
    off = from_environment({"USE_OPTIMIZED_PHONEME_MODEL": "false", "USE_FAST_MODELS": "1"}, none)
    assert (off.use_optimized, off.use_fast_model) == (False, True)
    with pytest.raises(UserError, match="USE_FAST_MODELS=maybe is neither true nor false"):
        from_environment({"USE_FAST_MODELS": "maybe"}, none)
    with pytest.raises(UserError, match="MODEL_WARMUP_RUNS=-1"):
        from_environment({"MODEL_WARMUP_RUNS": "-1"}, none)


@needs_hama
def test_a_model_that_can_not_be_had_is_said() -> None:
    fast = PhonemeExtractor(use_quantization=True, use_fast_model=True, settings=PhonemeSettings())
    (note,) = fast.notes
    assert note.startswith(
        "without the model `fast`: The model `fast` (anyspeech/zipa-small-crctc-500k)"
    )
    assert fast.extract_phoneme(np.zeros(RATE)).notes == (note, "no phone was heard")
    with pytest.raises(UserError, match="The model `fast`"):
        PhonemeExtractor(use_fast_model=True, settings=PhonemeSettings(fall_back=False))
    with pytest.raises(UserError, match="The model `accurate`"):
        PhonemeExtractor(model="accurate")
    with pytest.raises(UserError, match="The model `a/b` is not converted yet"):
        PhonemeExtractor(model="a/b")
    with pytest.raises(UserError, match="There is no phoneme model `best`"):
        PhonemeExtractor(model="best")


def test_no_build_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hama", None)
    monkeypatch.setattr(PhonemeExtractor, "_models", type(PhonemeExtractor._models)())
    with pytest.raises(MissingPart, match="The embedded recogniser can't be loaded") as caught:
        PhonemeExtractor.get_fast_instance()
    assert "Windows" in caught.value.hint


@needs_hama
def test_the_performance_information_and_many_threads() -> None:
    assistant = PhonemeAssistant(PhonemeExtractor.get_fast_instance())
    assert assistant.get_performance_info()["real_time_factor"] is None
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    wanted = assistant.extract_phoneme(noise)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(assistant.extract_phoneme(noise)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 20
    info = assistant.get_performance_info()
    assert (info["calls"], info["seconds_heard"], info["fell_back"]) == (21, 21.0, [])
    assert info["model"].startswith("hama-")
    assert info["peak_memory_mb"] > 10
    assert 0 < info["real_time_factor"] < 5
    assert PhonemeExtractor.get_fast_instance().usage.cache_hits == 1
