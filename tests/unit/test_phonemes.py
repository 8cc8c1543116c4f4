"""The embedded recogniser on speech, the switches that choose a model, and the performance."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from amharic_tts.errors import UserError
from amharic_tts.phonemes.assistant import PhonemeAssistant
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE
from amharic_tts.phonemes.models.hama_model import present
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
def test_read_english_has_a_tenth_of_its_phones_wrong(
    extractor: PhonemeExtractor, ljspeech: Path
) -> None:
    reference = json.loads((ljspeech / "phones.json").read_text(encoding="utf-8"))
    wrong = total = 0
    for clip, wanted in sorted(reference.items())[::6]:  # all 24 give 10.0 %
        found = extractor.extract_phoneme(ljspeech / f"{clip}.flac")
        wrong += distance(wanted, folded([phone.phone for phone in found.phones]))
        total += len(wanted)
    assert 7 < 100 * wrong / total < 12


@needs_hama
def test_a_whole_recognition(extractor: PhonemeExtractor, ljspeech: Path) -> None:
    found = extractor.extract_phoneme(str(ljspeech / "LJ001-0002.flac"))
    assert str(found) == "ɪ n | b i ŋ | k ə m p ɛ ɹ ə t ɪ v l i | m oʊ d ɝ n"
    assert (found.notation, found.languages, found.notes) == ("ipa", ("en",), ())
    assert found.model.startswith("hama-")
    starts = [phone.start for phone in found.phones]
    assert starts == sorted(starts)
    for phone in found.phones:
        assert 0 <= phone.start < phone.end <= found.duration
        assert 0 < phone.confidence <= 1
    assert len({round(phone.confidence, 3) for phone in found.phones}) > 5


@needs_hama
def test_a_long_recording_is_the_sum_of_its_parts(
    extractor: PhonemeExtractor, ljspeech: Path
) -> None:
    from amharic_tts.audio.read import read

    one = read(ljspeech / "LJ001-0002.flac", RATE)
    gap = np.zeros(3 * RATE, np.float32)
    long = np.concatenate([np.concatenate([one, gap]) for _ in range(4)])
    found = extractor.extract_phoneme(long)
    single = Counter(phone.phone for phone in extractor.extract_phoneme(one).phones)
    heard = Counter(phone.phone for phone in found.phones)
    # What stands beside a phone changes the model's mind about one in twenty.
    assert sum(abs(heard[p] - 4 * n) for p, n in single.items()) < 0.1 * 4 * single.total()
    assert found.duration == len(long) / RATE
    assert len(found.words()) == 16


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
def test_the_performance_information() -> None:
    assistant = PhonemeAssistant(PhonemeExtractor.get_fast_instance())
    assert assistant.get_performance_info()["real_time_factor"] is None
    assistant.extract_phoneme(np.random.default_rng(0).normal(0, 0.1, RATE))
    info = assistant.get_performance_info()
    assert (info["calls"], info["seconds_heard"], info["fell_back"]) == (1, 1.0, [])
    assert info["model"].startswith("hama-")
    assert (info["backend"], info["threads"], info["notation"]) == ("hama", 1, "ipa")
    assert info["languages"] == ["en"]
    assert info["peak_memory_mb"] > 10
    assert 0 < info["real_time_factor"] < 5
    assert PhonemeExtractor.get_fast_instance().usage.cache_hits == 1
