"""Decoding and cutting, on a recogniser whose every frame is known."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_models import SYMBOLS, tiny_ctc, tone
from phoneme_fakes import FRAME, NAMES, FakeRecognizer, sound

from amharic_tts.phonemes.decode import Decoder, decode
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, Array, Symbols
from amharic_tts.phonemes.pieces import CONTEXT, GRID, LONGEST, SHORTEST, pieces, quiet_place
from amharic_tts.phonemes.settings import PhonemeSettings


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRecognizer:
    model = FakeRecognizer()
    monkeypatch.setattr(catalog, "load", lambda *_: model)
    monkeypatch.setattr(catalog, "key", lambda name, _: name)
    monkeypatch.setattr(PhonemeExtractor, "_models", type(PhonemeExtractor._models)())
    return model


@pytest.fixture
def extractor(fake: FakeRecognizer) -> PhonemeExtractor:
    return PhonemeExtractor(model="fake", settings=PhonemeSettings())


def scores_of(path: list[int], columns: int, probability: float = 0.8) -> Array:
    rest = (1 - probability) / (columns - 1)
    found = np.full((len(path), columns), np.log(rest), np.float32)
    found[np.arange(len(path)), path] = np.log(probability)
    return found


def test_the_best_path() -> None:
    symbols = Symbols(("_", "a", "b", "|", "ː", "#"), 0, 3, frozenset({4}), (), frozenset({5}))
    scores = scores_of([0, 1, 1, 0, 1, 3, 3, 0, 2, 4, 0, 0], 6)
    scores[10] = scores_of([5], 6)  # no sound: the next best is taken
    scores[10, 0] = -1.0
    found = decode(scores, symbols, 0.02)
    assert [(p.phone, round(p.start, 2), round(p.end, 2), p.word) for p in found] == [
        ("a", 0.02, 0.08, 0),
        ("a", 0.08, 0.1, 0),
        ("bː", 0.16, 0.24, 1),
    ]
    assert [round(p.confidence, 3) for p in found] == [0.8, 0.8, 0.8]
    # Neither the blank nor the word mark nor modifiers are runners-up.
    assert [[(n, round(p, 2)) for n, p in f.runners_up] for f in found] == [
        [("b", 0.04)],
        [("b", 0.04)],
        [("a", 0.04)],
    ]
    assert decode(scores[:0], symbols, 0.02) == []


def test_cuts_between_frames_leave_no_trace() -> None:
    symbols = FakeRecognizer().symbols
    path = np.random.default_rng(0).integers(0, len(NAMES), 120).repeat(2)
    scores = scores_of(path.tolist(), len(NAMES))
    starts = np.arange(len(path), dtype=np.float64) * 0.02
    whole = decode(scores, symbols, 0.02)
    assert len(whole) > 40
    for size in (1, 3, 50):
        decoder = Decoder(symbols)
        found = []
        for at in range(0, len(path), size):
            found += decoder.feed(scores[at : at + size], starts[at : at + size])
        found += decoder.pause(len(path) * 0.02)
        assert [(p.phone, p.start, p.end, p.word) for p in found] == [
            (p.phone, p.start, p.end, p.word) for p in whole
        ]
        np.testing.assert_allclose(
            [p.confidence for p in found], [p.confidence for p in whole], rtol=1e-6
        )


def test_what_is_not_allowed_is_taken_out_before_the_decision() -> None:
    symbols = Symbols(("_", "a", "b", "c"), 0)
    chances = np.array([[0.1, 0.5, 0.3, 0.1]], dtype=np.float32)
    (free,) = decode(np.log(chances), symbols, 0.02)
    assert (free.phone, round(free.confidence, 4)) == ("a", 0.5)
    assert [(n, round(p, 2)) for n, p in free.runners_up] == [("b", 0.3), ("c", 0.1)]
    (bound,) = decode(np.log(chances), symbols, 0.02, allowed=frozenset({0, 2, 3}))
    assert (bound.phone, round(bound.confidence, 4)) == ("b", 0.6)
    assert [(n, round(p, 2)) for n, p in bound.runners_up] == [("c", 0.2)]
    (few,) = decode(np.log(chances), symbols, 0.02, runners_up=1)
    assert [n for n, _ in few.runners_up] == ["b"]


def test_long_sounds_are_cut_at_silences() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * RATE).astype(np.float32)
    noise[9 * RATE : 9 * RATE + RATE // 20] = 0  # as short as the closure of a stop
    noise[12 * RATE : 12 * RATE + RATE // 4] = 0.0005
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
    # No silence: the quietest tenth of a second.
    noise[12 * RATE : 12 * RATE + RATE // 4] = 0.1
    noise[11 * RATE : 11 * RATE + RATE // 10] *= 0.3
    assert 11.0 < quiet_place(noise[10 * RATE : 14 * RATE]) / RATE + 10 < 11.1


def test_cut_sounds_have_the_phones_of_the_whole(
    extractor: PhonemeExtractor, fake: FakeRecognizer
) -> None:
    rng = np.random.default_rng(1)
    path = [s for s in rng.integers(1, len(NAMES), 900).tolist() for s in (s, 0)]
    samples = sound(path)  # 180 s without a silence of 0.2 s
    found, posteriors = extractor.hear(samples)
    assert fake.longest <= LONGEST * RATE
    assert fake.calls > 12
    scores = FakeRecognizer().log_probabilities(samples)
    assert np.array_equal(posteriors.log_probabilities, scores)
    np.testing.assert_allclose(posteriors.starts, np.arange(len(scores)) * 0.02, atol=1e-6)
    wanted = decode(scores, fake.symbols, 0.02)
    assert [(p.phone, p.word) for p in found] == [(p.phone, p.word) for p in wanted]
    np.testing.assert_allclose([p.start for p in found], [p.start for p in wanted], atol=1e-6)
    np.testing.assert_allclose([p.end for p in found], [p.end for p in wanted], atol=1e-6)


def test_a_pause_ends_a_word(extractor: PhonemeExtractor, fake: FakeRecognizer) -> None:
    pause = np.zeros(60 * RATE, np.float32)
    found = extractor.extract_phoneme(np.concatenate([sound([1, 2]), pause, sound([3, 0])]))
    assert str(found) == "a b | t"
    assert [round(phone.start, 2) for phone in found] == [0.0, 0.1, 60.2]
    assert found.duration == 60.4
    assert fake.calls <= 4  # one for the warm-up; silence is not run through the model


def test_hours_need_no_more_memory_than_seconds(extractor: PhonemeExtractor) -> None:
    second = np.resize(sound([1, 0, 2, 0, 3, 5, 0, 6, 0, 0], 2), RATE)
    silence = np.zeros(RATE, np.float32)

    def half_an_hour() -> Iterator[Array]:
        for number in range(1800):
            yield silence if number % 20 else second

    long_silence = np.zeros(10 * RATE, np.float32)

    def ten_hours() -> Iterator[Array]:
        for number in range(3600):
            yield long_silence if number else second

    tracemalloc.start()
    count = sum(1 for _ in extractor.stream(half_an_hour()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 7 * 90
    assert peak < 20e6
    found = extractor.extract_phoneme(ten_hours())
    assert str(found).startswith("a b tː | a b")
    assert found.duration == 1 + 3599 * 10
    assert found.phones[-1].end < 2


def test_results_read_like_the_string_of_old(extractor: PhonemeExtractor) -> None:
    found = extractor.extract_phoneme(sound([1, 2, 6, 4, 5, 0]))
    assert str(found) == f"{found}" == "a b | ʃː"
    assert f"{found:>10}" == "  a b | ʃː"
    assert (len(found), bool(found)) == (3, True)
    assert [str(phone) for phone in found] == found.phonemes == ["a", "b", "ʃː"]
    assert extractor.recognizer.frame_seconds == FRAME / RATE


def test_a_converted_model_hears_a_long_sound(tmp_path: Path) -> None:
    path = np.random.default_rng(2).integers(3, 9, 160).tolist()
    pause = np.zeros(RATE // 10, np.float32)
    samples = np.concatenate([part for i in path for part in (tone(i), pause)])
    folder = tiny_ctc(tmp_path / "model")
    extractor = PhonemeExtractor(model=str(folder), settings=PhonemeSettings(), inventory=SYMBOLS)
    found = extractor.extract_phoneme(samples)
    assert found.duration == 32.0
    assert found.phonemes == [SYMBOLS[i] for i in path]
    np.testing.assert_allclose([p.start for p in found], np.arange(160) * 0.2, atol=0.021)
    assert extractor.usage.fallbacks == []
