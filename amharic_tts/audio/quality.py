"""What can be wrong with the sound of a clip, in numbers: noise, cut speech, pauses, flat tops.

Levels are taken from frames of 20 ms, every 10 ms. "Speech" is the level that one frame in ten
passes, "noise" the one that one frame in ten stays below; what lies less than a third of the way
up from noise to speech counts as a pause.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from amharic_tts.audio.loudness import loudness
from amharic_tts.audio.measure import decibels
from amharic_tts.audio.read import Samples

Levels = NDArray[np.float64]

FRAME, STEP = 0.02, 0.01
"""Seconds of a frame, and from one to the next."""
FLOOR_DB = -96.0
"""Digital silence: below the smallest step of 16 bits."""
PAUSE_SHARE = 0.3
"""Share of the way from noise to speech, in dB, below which a frame is a pause."""
EDGE = 0.02
"""Seconds at each end that tell whether speech was cut."""
SILENT_DB = -60.0
"""What stays below is a pause in any case."""
_HOLE = (0.004, 0.5)
"""Seconds of samples that don't move: shorter ones occur in any sound, longer ones are pauses."""
_HOLE_EDGE_DB = 20.0
"""Next to a hole, speech is at most so far below the speech of the clip."""
_FLAT_RUN = 4
"""Equal samples in a row at the peak that make a flat top."""
_ONE_STEP = 1.5 / 32768
_ENERGY_ABOVE = 10**-5.5
_SPECTRUM = 1024


@dataclass(frozen=True)
class Quality:
    """Numbers of one clip; levels in dB against full scale, times in seconds."""

    loudness: float
    """LUFS, EBU R 128."""
    peak_db: float
    speech_db: float
    noise_db: float
    snr_db: float
    """Speech less noise. A clip without a pause has more noise by this than it really has."""
    quiet_start: float
    """Seconds before the first frame that is no pause; the whole clip where there is none."""
    quiet_end: float
    edge_start_db: float
    """Level of the first 20 ms against the speech: near 0 where speech was cut."""
    edge_end_db: float
    longest_pause: float
    """Between the first and the last frame of speech."""
    flat_share: float
    """Share of the samples in flat tops: at full scale, or clipped before they were turned down."""
    hole: float
    """Seconds of the longest stretch in the middle of speech in which the samples stand still."""
    bandwidth: float
    """Hz above which there is less than a 300,000th of the energy."""
    offset: float
    """Mean of the samples: 0 in a healthy recording."""

    def to_dict(self) -> dict[str, float]:
        """Return the numbers rounded to what they mean."""
        return {key: round(value, 5) for key, value in asdict(self).items()}


def quality(samples: Samples, rate: int) -> Quality:
    """Return the numbers of a clip.

    Args:
        samples: Mono, shape ``(n,)``, full scale at 1.
        rate: Samples a second.
    """
    sound = np.asarray(samples, dtype=np.float32)
    offset = float(sound.mean(dtype=np.float64)) if len(sound) else 0.0
    centred = sound - np.float32(offset)
    levels = frame_levels(centred, rate)
    speech, noise = _speech_and_noise(levels)
    limit = pause_limit(speech, noise)
    loud = np.flatnonzero(levels > limit)
    seconds = len(sound) / rate
    first = float(loud[0]) * STEP if len(loud) else seconds
    last = seconds - (float(loud[-1]) * STEP + FRAME) if len(loud) else seconds
    edge = max(1, round(EDGE * rate))
    inside = pauses(levels, limit)
    return Quality(
        loudness=loudness(centred, rate),
        peak_db=decibels(float(np.abs(sound).max())) if len(sound) else FLOOR_DB,
        speech_db=speech,
        noise_db=noise,
        snr_db=speech - noise,
        quiet_start=max(0.0, first),
        quiet_end=max(0.0, last),
        edge_start_db=min(0.0, _level(centred[:edge]) - speech),
        edge_end_db=min(0.0, _level(centred[-edge:]) - speech),
        longest_pause=max((end - start for start, end in inside), default=0.0),
        flat_share=_flat_share(sound),
        hole=_hole(sound, speech, rate),
        bandwidth=_bandwidth(centred, rate),
        offset=offset,
    )


def frame_levels(samples: Samples, rate: int) -> Levels:
    """Return the level of each frame in dB, shape ``(frames,)``; at least one frame."""
    size, step = max(2, round(FRAME * rate)), max(1, round(STEP * rate))
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    starts = np.arange(0, max(1, len(samples) - size + 1), step)
    ends = np.minimum(starts + size, len(samples))
    mean = (power[ends] - power[starts]) / np.maximum(1, ends - starts)
    return np.asarray(10 * np.log10(np.maximum(mean, 10 ** (FLOOR_DB / 10))))


def _speech_and_noise(levels: Levels) -> tuple[float, float]:
    noise, speech = np.quantile(levels, [0.1, 0.9])
    return float(speech), float(noise)


def pause_limit(speech: float, noise: float) -> float:
    """Return the level in dB below which a frame is a pause."""
    return max(SILENT_DB, noise + PAUSE_SHARE * (speech - noise))


def pauses(levels: Levels, limit: float, least: float = 0.0) -> list[tuple[float, float]]:
    """Return the pauses between the first and the last frame of speech, as (start, end) seconds."""
    loud = np.flatnonzero(levels > limit)
    gaps = np.flatnonzero(np.diff(loud) > 1)
    found = [(float(loud[g] * STEP + FRAME), float(loud[g + 1] * STEP)) for g in gaps]
    return [(start, end) for start, end in found if end - start > least]


def pauses_of(samples: Samples, rate: int, least: float) -> list[tuple[float, float]]:
    """Return the pauses of a clip that are longer than `least` seconds, as (start, end)."""
    levels = frame_levels(samples, rate)
    return pauses(levels, pause_limit(*_speech_and_noise(levels)), least)


def _level(samples: Samples) -> float:
    if not len(samples):
        return FLOOR_DB
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(FLOOR_DB, 10 * math.log10(power)) if power else FLOOR_DB


def _runs(same: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and length of every run of True."""
    edges = np.diff(np.concatenate([[0], same.astype(np.int8), [0]]))
    starts = np.flatnonzero(edges == 1)
    return starts, np.flatnonzero(edges == -1) - starts


def _flat_share(samples: Samples) -> float:
    """Return the share of samples that stand still within 2 % of the highest or lowest value."""
    if len(samples) < _FLAT_RUN:
        return 0.0
    still = np.abs(np.diff(samples)) < _ONE_STEP
    share = 0
    for side in (samples, -samples):
        peak = float(side.max())
        if peak < 0.02:  # there, healthy tops are no more than one step of 16 bits high, too
            continue
        _, lengths = _runs(still & (side[1:] >= 0.98 * peak))
        share += int(lengths[lengths >= _FLAT_RUN - 1].sum())
    return share / len(samples)


def _hole(samples: Samples, speech: float, rate: int) -> float:
    """Return the seconds of the longest hole; 0 for a sound whose pauses stand still as well.

    Synthetic voices, and recordings behind a noise gate, are still in every pause: there, a still
    stretch between two sounds tells nothing.
    """
    starts, lengths = _runs(np.diff(samples) == 0)
    least, most = (round(seconds * rate) for seconds in _HOLE)
    near = max(2, round(FRAME / 2 * rate))
    longest = 0
    for start, length in zip(starts, lengths, strict=True):
        if length < least:
            continue
        sides = samples[max(0, start - near) : start], samples[start + length + 1 :][:near]
        if not all(len(s) and _level(s) > speech - _HOLE_EDGE_DB for s in sides):
            return 0.0
        longest = max(longest, int(length) if length <= most else 0)
    return longest / rate


def _bandwidth(samples: Samples, rate: int) -> float:
    """Return the frequency above which the mean spectrum has almost no energy."""
    if len(samples) < _SPECTRUM:
        return rate / 2
    count = len(samples) // _SPECTRUM
    frames = samples[: count * _SPECTRUM].reshape(count, _SPECTRUM) * np.hanning(_SPECTRUM)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))).sum(axis=0)
    above = np.cumsum(power[::-1])[::-1]
    if not above[0]:
        return rate / 2
    return float(np.count_nonzero(above > _ENERGY_ABOVE * above[0])) * rate / _SPECTRUM
