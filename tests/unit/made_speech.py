"""Sounds with the build of speech, and checked datasets made of them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.audio.read import RATE
from amharic_tts.dataset.checks.clip import Item, measured
from amharic_tts.dataset.checks.record import Record, key_of
from amharic_tts.dataset.clips import to_pcm, write_wav
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.text.normalize import normalize

TEXTS = (
    "ጨረቃዋ በሌሊት ደምቃ ታበራለች።",
    "ፀሐይ በምሥራቅ ወጥታ በምዕራብ ትጠልቃለች።",
    "ገበያው ቅዳሜ ቀን በሰው ይሞላል።",
    "ቆንጆ ቀሚስ ከሱቁ ገዛች።",
    "ጓደኛዬ ጊታር መጫወት እየተማረ ነው።",
    "ዓሣ አጥማጁ ጀልባውን ወደ ሐይቁ ገፋ።",
    "ውሻው ሌሊቱን ሙሉ ሲጮኽ አደረ።",
    "ድመቷ ከጠረጴዛው ሥር ተኝታለች።",
    "ፖሊሱ መንገዱን ለመኪኖች ዘጋ።",
    "ቤታችን ከትምህርት ቤቱ አጠገብ ነው።",
)


@functools.cache
def speech(
    seconds: float = 2.5, pitch: float = 120.0, seed: int = 0, level: float = 0.2
) -> np.ndarray:
    """Syllables of a buzz through two moving resonances, pauses between words, a little noise."""
    pick = np.random.default_rng(seed)
    count = round(seconds * RATE)
    t = np.arange(count) / RATE
    melody = pitch * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * t + seed))
    phase = 2 * np.pi * np.cumsum(melody) / RATE
    syllables = np.interp(
        t,
        np.arange(0, seconds + 0.2, 0.1),
        pick.uniform(-1, 1, 400)[: len(np.arange(0, seconds + 0.2, 0.1))],
    )
    first, second = 550 + 250 * syllables, 1500 + 600 * np.roll(syllables, count // 7)
    sound = np.zeros(count)
    for n in range(1, 30):
        gain = sum(np.exp(-(((n * melody - f) / 180) ** 2)) for f in (first, second)) + 0.02
        sound += gain * np.sin(n * phase) / np.sqrt(n)
    beat = np.clip(np.sin(2 * np.pi * 4 * t + seed) + 0.5, 0, 1)
    words = np.where((t % 1.1) < 0.95, 1.0, 0.0)
    smooth = np.convolve(beat * words, np.hanning(441) / np.hanning(441).sum(), mode="same")
    edge = np.clip(np.minimum(t - 0.1, seconds - 0.1 - t) / 0.03, 0, 1)
    sound *= smooth * edge
    made = level * sound / np.abs(sound).max() + pick.normal(0, 4e-4, count)
    found = np.asarray(made, dtype=np.float32)
    found.setflags(write=False)  # it is shared
    return found


def dataset(
    folder: Path,
    sounds: Mapping[str, np.ndarray],
    texts: Mapping[str, str] | None = None,
    language: str = "am",
    **more: Any,
) -> Dataset:
    """Return a saved dataset of these sounds, all accepted."""
    rows = []
    for at, (id, samples) in enumerate(sounds.items()):
        text = (texts or {}).get(id, TEXTS[at % len(TEXTS)])
        pcm = to_pcm(samples)
        write_wav(folder / "wavs" / f"{id}.wav", pcm)
        rows.append(
            Utterance(
                id,
                audio=f"wavs/{id}.wav",
                text=text,
                normalized=normalize(text, language).text,
                speaker="s",
                source=f"{id}.wav",
                duration=round(len(samples) / RATE, 6),
                audio_hash=hashlib.sha256(pcm.tobytes()).hexdigest()[:32],
                **more,
            )
        )
    found = Dataset(folder, language)
    found.save_header()
    return found.save(rows)


def records(
    found: Dataset, changes: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Record]:
    """Return what is measured of each clip without hearing phones; `changes` are put in."""
    made = {}
    for row in found.utterances:
        record = {"id": row.id, "key": key_of(row, found.language), "stamp": []}
        made[row.id] = {**record, **measured(Item.of(found, row, ""))}
        made[row.id] |= (changes or {}).get(row.id, {})
    return made


def with_text(row: Utterance, text: str) -> Utterance:
    """Return a row with another text."""
    return dataclasses.replace(row, text=text, normalized=normalize(text, "am").text)
