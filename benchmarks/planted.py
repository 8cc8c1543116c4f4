"""The kinds of faults that `dataset_faults` plants, each with the findings that tell it."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from amharic_tts.audio.quality import frame_levels
from amharic_tts.audio.read import RATE, Samples

GERMAN = "Das ist ein ganz anderer Satz, der hier wirklich nicht hingehört, weil niemand ihn sagt"
TIGRINYA = "ኣነ ካብ ገዛ ናብ ቤት ትምህርቲ ምስ ሓወይ ከይደ፣ እቲ መንገዲ ድማ ነዊሕ እዩ"


@dataclass(frozen=True)
class Clip:
    """A clip of a dataset that is only in memory."""

    id: str
    samples: Samples
    text: str
    language: str
    hash: str = ""
    """What the dataset says about its sound; empty where that is true."""
    silent: bool = False
    """Whether hearing its phones can be left out, because the fault is not in the speech."""


Plant = Callable[[Clip, random.Random, Sequence[Clip]], "Clip | None"]


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    name: str
    codes: frozenset[str]
    plant: Plant
    languages: tuple[str, ...] = ("en", "am")


def sha(pcm: np.ndarray) -> str:
    """Return what a dataset writes as the hash of a clip's sound."""
    return hashlib.sha256(pcm.tobytes()).hexdigest()[:32]


def _sound(change: Callable[[Samples, random.Random], Samples]) -> Plant:
    """Return a fault of the sound alone."""

    def plant(clip: Clip, pick: random.Random, _others: Sequence[Clip]) -> Clip:
        made = np.asarray(change(clip.samples, pick), dtype=np.float32)
        return dataclasses.replace(clip, samples=made, silent=True)

    return plant


def _noise(pick: random.Random, count: int) -> Samples:
    made = np.random.default_rng(pick.getrandbits(32)).normal(0, 1, count)
    return np.asarray(made, dtype=np.float32)


def _speech_level(x: Samples) -> float:
    return float(10 ** (np.quantile(frame_levels(x, RATE), 0.9) / 20))


def _too_loud(x: Samples, pick: random.Random) -> Samples:
    return np.clip(x * 10 ** (pick.uniform(9, 15) / 20) / np.abs(x).max(), -1, 1)


def _noisy(x: Samples, pick: random.Random) -> Samples:
    return x + _noise(pick, len(x)) * _speech_level(x) * 10 ** (-pick.uniform(4, 10) / 20)


def _humming(x: Samples, pick: random.Random) -> Samples:
    t = np.arange(len(x)) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * t) / n for n in (1, 2, 3))
    return np.asarray(x + 0.9 * hum * _speech_level(x) * 10 ** (-pick.uniform(6, 10) / 20))


def _loud_moment(x: Samples, low: float, high: float, pick: random.Random) -> int:
    """Return a sample in a loud frame within a share of the clip."""
    levels = frame_levels(x, RATE)
    limit = np.quantile(levels, 0.75)
    loud = np.flatnonzero(levels > limit)
    inside = [int(f) for f in loud if low * len(levels) < f < high * len(levels)]
    return (pick.choice(inside or [int(f) for f in loud]) * RATE) // 100 + RATE // 100


def _quiet_moment(x: Samples) -> int:
    levels = frame_levels(x, RATE)
    low, high = len(levels) // 4, max(len(levels) // 4 + 1, 3 * len(levels) // 4)
    return (low + int(np.argmin(levels[low:high]))) * RATE // 100


def _still(x: Samples, seconds: float, pick: random.Random) -> Samples:
    floor = 10 ** (np.quantile(frame_levels(x, RATE), 0.05) / 20)
    return _noise(pick, round(seconds * RATE)) * floor


def _pause(x: Samples, pick: random.Random) -> Samples:
    at = _quiet_moment(x)
    return np.concatenate([x[:at], _still(x, pick.uniform(1.4, 2.5), pick), x[at:]])


def _hole(x: Samples, pick: random.Random) -> Samples:
    at, made = _loud_moment(x, 0.2, 0.8, pick), x.copy()
    made[at : at + round(pick.uniform(0.015, 0.03) * RATE)] = 0
    return made


def _telephone(x: Samples, _pick: random.Random) -> Samples:
    return np.asarray(soxr.resample(soxr.resample(x, RATE, 8000), 8000, RATE))


def _faster(x: Samples, pick: random.Random) -> Samples:
    return np.asarray(soxr.resample(x, RATE * pick.uniform(1.9, 2.2), RATE))


def _slower(x: Samples, pick: random.Random) -> Samples:
    return np.asarray(soxr.resample(x, RATE, RATE * pick.uniform(1.9, 2.2)))


def _lower_voice(x: Samples, pick: random.Random) -> Samples:
    """A voice with a longer throat: pitch and formants down by a fifth, pace as before."""
    import librosa

    return np.asarray(librosa.effects.pitch_shift(x, sr=RATE, n_steps=-pick.uniform(5, 7)))


def _wrong(clip: Clip, pick: random.Random, others: Sequence[Clip]) -> Clip:
    near = sorted(others, key=lambda other: abs(len(other.text) - len(clip.text)))
    return dataclasses.replace(clip, text=pick.choice(near[:6]).text)


def _short_text(clip: Clip, _pick: random.Random, _others: Sequence[Clip]) -> Clip | None:
    words = clip.text.split()
    if len(words) < 4:
        return None
    return dataclasses.replace(clip, text=" ".join(words[: -max(2, len(words) // 3)]))


def _long_text(clip: Clip, pick: random.Random, others: Sequence[Clip]) -> Clip:
    more = pick.choice([o for o in others if len(o.text.split()) > 3]).text.split()
    count = max(2, len(clip.text.split()) // 3)
    return dataclasses.replace(clip, text=" ".join([clip.text, *more[:count]]))


def _said_twice(clip: Clip, pick: random.Random, _others: Sequence[Clip]) -> Clip:
    x, size = clip.samples, round(1.2 * RATE)
    at = min(max(size, _quiet_moment(x)), len(x))
    return dataclasses.replace(clip, samples=np.concatenate([x[:at], x[at - size :]]))


def _text(change: Callable[[str], str]) -> Plant:
    def plant(clip: Clip, _pick: random.Random, _others: Sequence[Clip]) -> Clip:
        return dataclasses.replace(clip, text=change(clip.text), silent=True)

    return plant


def _digits(clip: Clip, _pick: random.Random, _others: Sequence[Clip]) -> Clip:
    return dataclasses.replace(clip, text=f"{clip.text} in 1998", silent=True)


def _same_text(clip: Clip, pick: random.Random, others: Sequence[Clip]) -> Clip:
    other = pick.choice(others)
    text = other.text.replace(",", " ").replace("።", "").upper() + "!"
    return dataclasses.replace(clip, id=f"zz-{clip.id}", text=text, silent=True)


def _twin(clip: Clip, pick: random.Random, _others: Sequence[Clip]) -> Clip:
    start, end = (round(pick.uniform(0.01, 0.12) * RATE) for _ in range(2))
    x = clip.samples[start:-end] * 10 ** (pick.uniform(-8, 2) / 20)
    x = x + _noise(pick, len(x)) * _speech_level(x) * 10 ** (-30 / 20)
    return dataclasses.replace(clip, id=f"zz-{clip.id}", samples=x, silent=True)


def _exchanged(clip: Clip, pick: random.Random, others: Sequence[Clip]) -> Clip:
    return dataclasses.replace(clip, samples=pick.choice(others).samples, hash="0" * 32)


KINDS = (
    Kind("wrong transcript", frozenset({"speech_differs"}), _wrong),
    Kind("text lacks a third", frozenset({"more_said", "slow", "said_twice"}), _short_text),
    Kind("text says more", frozenset({"end_unsaid", "fast", "speech_differs"}), _long_text),
    Kind("a stretch said twice", frozenset({"said_twice", "more_said"}), _said_twice),
    Kind("another recording", frozenset({"audio_changed"}), _exchanged),
    Kind("clipped", frozenset({"clipping"}), _sound(_too_loud)),
    Kind(
        "clipped, turned down",
        frozenset({"clipping"}),
        _sound(lambda x, pick: 0.4 * _too_loud(x, pick)),
    ),
    Kind("quiet", frozenset({"quiet"}), _sound(lambda x, p: x * 10 ** (-p.uniform(12, 20) / 20))),
    Kind("loud", frozenset({"loud"}), _sound(lambda x, p: 0.98 * np.tanh(p.uniform(8, 12) * x))),
    Kind("noise", frozenset({"noisy"}), _sound(_noisy)),
    Kind("hum", frozenset({"noisy"}), _sound(_humming)),
    Kind(
        "silence before",
        frozenset({"silence_start"}),
        _sound(lambda x, p: np.concatenate([_still(x, p.uniform(0.8, 2), p), x])),
    ),
    Kind(
        "silence after",
        frozenset({"silence_end"}),
        _sound(lambda x, p: np.concatenate([x, _still(x, p.uniform(0.8, 2), p)])),
    ),
    Kind("long pause", frozenset({"long_pause"}), _sound(_pause)),
    Kind(
        "start cut off",
        frozenset({"cut_start"}),
        _sound(lambda x, p: x[_loud_moment(x, 0.0, 0.25, p) :]),
    ),
    Kind(
        "end cut off",
        frozenset({"cut_end"}),
        _sound(lambda x, p: x[: _loud_moment(x, 0.75, 1.0, p)]),
    ),
    Kind("hole", frozenset({"hole"}), _sound(_hole)),
    Kind("telephone", frozenset({"narrow_band"}), _sound(_telephone)),
    Kind("off centre", frozenset({"offset"}), _sound(lambda x, p: x + p.uniform(0.02, 0.1))),
    Kind("silent", frozenset({"inaudible"}), _sound(lambda x, p: 1e-4 * _noise(p, len(x)))),
    Kind("twice as fast", frozenset({"fast"}), _sound(_faster)),
    Kind("twice as slow", frozenset({"slow"}), _sound(_slower)),
    Kind("another voice", frozenset({"other_speaker"}), _sound(_lower_voice)),
    Kind("twin recording", frozenset({"twin"}), _twin),
    Kind("text of another clip", frozenset({"duplicate_text"}), _same_text),
    Kind("digits", frozenset({"digits_left"}), _digits, ("en",)),
    Kind("German", frozenset({"wrong_language"}), _text(lambda t: GERMAN), ("en",)),
    Kind("Tigrinya", frozenset({"wrong_language"}), _text(lambda t: TIGRINYA), ("am",)),
    Kind("a Russian word", frozenset({"wrong_script"}), _text(lambda t: f"{t} привет")),
    Kind("an English word", frozenset({"wrong_script"}), _text(lambda t: f"{t} hello"), ("am",)),
)
