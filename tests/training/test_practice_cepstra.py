"""Mel-cepstral distortion on sounds whose distance is known, and how sounds are laid together."""

from __future__ import annotations

import numpy as np
import pytest

from amharic_tts.errors import StudioError
from training.practice import cepstra
from training.practice.sound import RATE, speech_like


def sound(seconds: float = 1.0, seed: int = 1) -> np.ndarray:
    return speech_like(seconds, seed)


def test_a_sound_is_no_distance_from_itself_at_any_loudness() -> None:
    once = cepstra.compared(sound(), sound(), RATE)
    soft = cepstra.compared(sound(), 0.05 * sound(), RATE)
    assert once.distortion == pytest.approx(0, abs=1e-5)
    assert soft.distortion == pytest.approx(0, abs=1e-5)
    assert (once.left_out, once.added, soft.left_out, soft.added) == (0.0, 0.0, 0.0, 0.0)
    assert once.rhythm() == pytest.approx(0, abs=1e-9)
    assert (once.path[:, 0] == once.path[:, 1]).all()


def test_the_distortion_is_the_rms_difference_of_the_log_spectra() -> None:
    first = cepstra.mel_cepstra(sound(), RATE)
    second = first.copy()
    second[:, 3] += 0.1  # ln |H| gets 0.1 cos(3 w): 0.869 dB, over all w 0.614 dB rms
    found = np.diagonal(cepstra.distances(first, second))
    assert found == pytest.approx(20 / np.log(10) * 0.1 / np.sqrt(2), abs=1e-6)
    second[:, 0] += 5  # loudness does not count
    assert np.diagonal(cepstra.distances(first, second)) == pytest.approx(found)


def test_coefficients_are_those_of_the_log_amplitude() -> None:
    impulse = np.zeros(RATE // 10)
    impulse[600] = 0.5
    inside = np.abs(cepstra.mel_cepstra(impulse, RATE)[:, 1:]).max(axis=1)
    # A click has a flat spectrum; the bands differ by the sums of their triangles alone.
    band = np.log(cepstra._bank(RATE, 4096).sum(1)) / 2
    angles = np.pi * np.outer(np.arange(cepstra.BANDS) + 0.5, np.arange(1, 25)) / cepstra.BANDS
    wanted = np.abs(2 / cepstra.BANDS * band @ np.cos(angles)).max()
    assert inside.max() == pytest.approx(wanted, rel=0.02)


def test_silence_at_the_ends_does_not_count() -> None:
    padded = np.pad(sound(), (RATE // 2, RATE // 3))
    kept = len(cepstra.trimmed(sound(), RATE))
    assert len(cepstra.trimmed(padded, RATE)) == pytest.approx(kept, abs=RATE // 25)
    assert cepstra.compared(sound(), padded, RATE).distortion < 0.5


@pytest.mark.parametrize(
    ("change", "left_out", "added"),
    [
        (lambda s: s[: int(0.6 * len(s))], True, False),
        (lambda s: np.concatenate([s[: int(0.3 * len(s))], s[int(0.7 * len(s)) :]]), True, False),
        (lambda s: np.concatenate([s, s[-len(s) // 2 :]]), False, True),
        (lambda s: s, False, False),
    ],
    ids=["cut short", "middle left out", "said again", "whole"],
)
def test_what_is_missing_and_what_is_too_much(change, left_out: bool, added: bool) -> None:
    whole = sound(2.0, seed=4)
    found = cepstra.compared(whole, change(whole), RATE)
    assert (found.left_out > 0.4, found.added > 0.4) == (left_out, added)
    assert min(found.left_out, found.added) < 0.2


def test_rhythm_of_halves_that_change_places_in_length() -> None:
    frames = np.arange(240)
    loud = np.ones(240, bool), np.ones(360, bool)
    even = cepstra.Warping(np.stack([frames, frames], 1), 0.0, loud)
    # The first half twice as long, the second half as it was: 4/3 and 2/3 of their shares.
    second = np.concatenate([2 * frames[:120], 240 + frames[:120]])
    odd = cepstra.Warping(np.stack([frames, second], 1), 0.0, loud)
    assert even.rhythm() == pytest.approx(0)
    assert odd.rhythm() == pytest.approx((np.log2(4 / 3) - np.log2(2 / 3)) / 2, abs=0.02)


def test_the_path_is_the_cheapest_of_all() -> None:
    costs = np.random.default_rng(0).random((5, 4))

    def cheapest(i: int, j: int) -> float:
        ways = [
            cheapest(a, b) for a, b in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if a >= 0 and b >= 0
        ]
        return float(costs[i, j]) + (min(ways) if ways else 0.0)

    path, total = cepstra.cheapest(costs)
    assert costs[path[:, 0], path[:, 1]].sum() == pytest.approx(cheapest(4, 3))
    assert total == pytest.approx(cheapest(4, 3))
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [4, 3]
    assert np.diff(path, axis=0).max() == 1 and np.diff(path, axis=0).min() == 0


def test_pauses_are_not_missed_and_a_slower_sound_is_not_too_much() -> None:
    one, two = sound(1.0, seed=4), sound(1.0, seed=5)
    pause = np.zeros(RATE // 2)
    found = cepstra.compared(np.concatenate([one, pause, two]), np.concatenate([one, two]), RATE)
    assert found.left_out < 0.2
    slow = np.interp(np.arange(0, RATE, 0.7), np.arange(RATE), one)
    assert cepstra.compared(one, slow, RATE).added < 0.2


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(RATE), "nothing that can be judged"),
        (np.ones(10), "nothing that can be judged"),
        (np.full(RATE, np.nan), "not numbers"),
        (np.ones(41 * RATE), "40 s are the most"),
    ],
    ids=["silent", "short", "not numbers", "long"],
)
def test_what_can_not_be_judged(samples: np.ndarray, said: str) -> None:
    with pytest.raises(StudioError, match=said):
        cepstra.mel_cepstra(samples, RATE)
