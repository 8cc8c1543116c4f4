"""From numbers to findings: limits for single clips, and clips that stand out from the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from amharic_tts.audio.fingerprint import twins
from amharic_tts.audio.voiceprint import strangeness
from amharic_tts.dataset.checks.clip import unpacked
from amharic_tts.dataset.checks.record import Record
from amharic_tts.dataset.checks.text import TextNumbers, text_findings, text_key
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.rules import Note, note
from amharic_tts.phonemes.scores import DISAGREES


@dataclass(frozen=True)
class Limits:
    """From where a number is a finding. Measured: docs/results/dataset-checks.md."""

    quiet: float = -35.0
    """LUFS, whatever the other clips have."""
    loud: float = -12.0
    loudness_apart: float = 6.0
    """LU from the middle of the dataset."""
    snr: float = 15.0
    """dB; lower is noisy."""
    silence: float = 0.5
    """Seconds at an end."""
    pause: float = 1.0
    edge: float = -10.0
    """dB against the speech; an end that is louder was cut."""
    flat: float = 0.0003
    """Share of the samples in flat tops."""
    hole: float = 0.004
    """Seconds."""
    bandwidth: float = 5500.0
    offset: float = 0.01
    pace: float = 1.65
    """Times faster or slower than the middle of the speaker's clips; more for clips under 2.5 s."""
    fastest: float = 25.0
    """Phones a second, whatever the other clips have."""
    slowest: float = 3.0
    strange: float = 2.3
    """See `audio.voiceprint.strangeness`."""
    agreement: float = DISAGREES


LIMITS = Limits()
INAUDIBLE_DB = -60.0
"""Level of speech that can't be heard."""
GROUP = 8
"""Clips of a speaker that can have a middle."""
SHORT_VOICE = 3.0
"""Seconds; the voice print of a shorter clip is less sure, by the square root of its length."""
SURE_TWIN = 0.3
"""Share of a recording that is alike from which it may be left out unheard."""
SHORT_PACE = 2.5
"""Seconds below which the pace of a clip may differ more."""

Findings = dict[str, list[Note]]


def judge(dataset: Dataset, records: Mapping[str, Record], limits: Limits = LIMITS) -> Findings:
    """Return what is odd about each clip, by id; the worst codes have numbers to sort by.

    Args:
        dataset: Its rows.
        records: Of `clip.measured`, by id; rows without one get no findings.
        limits: From where a number is a finding.
    """
    rows = [row for row in dataset.utterances if row.id in records]
    found: Findings = {row.id: [] for row in rows}
    sounding = [row for row in rows if records[row.id].get("sound")]
    for row in rows:
        record = records[row.id]
        found[row.id] += text_findings(TextNumbers(**record["text"]), dataset.language)
        found[row.id] += _speech_notes(record, limits)
        if record.get("sound"):
            found[row.id] += _sound_notes(record, limits)
    for across in (_loudness, _pace, _voices):
        across(sounding, records, limits, found)
    _same_texts(rows, found)
    _same_sounds(sounding, records, found)
    return found


def _sound_notes(record: Record, limits: Limits) -> list[Note]:
    sound, found = record["sound"], []

    def tell(code: str, odd: bool, message: str, value: float, unit: str) -> None:
        if odd:
            found.append(note(code, message, value, unit))

    if sound["speech_db"] < INAUDIBLE_DB:
        message = f"nothing can be heard: the speech is at {sound['speech_db']:.0f} dB"
        return [note("inaudible", message, sound["speech_db"], "dB")]
    snr, flat = sound["snr_db"], 100 * sound["flat_share"]
    tell("noisy", snr < limits.snr, f"the speech is only {snr:.0f} dB above the noise", snr, "dB")
    message = f"{flat:.2f} % of the samples are in flat tops: the recording was too loud"
    tell("clipping", sound["flat_share"] > limits.flat, message, flat, "%")
    for end, word in (("start", "before"), ("end", "after")):
        quiet, edge = sound[f"quiet_{end}"], sound[f"edge_{end}_db"]
        message = f"{quiet:.2f} s of silence {word} the speech"
        tell(f"silence_{end}", quiet > limits.silence, message, quiet, "s")
        message = f"the {end} is {-edge:.0f} dB below the speech: it seems to be cut off"
        # In noise that is nearly as loud as the speech, an end tells nothing.
        is_cut = edge > limits.edge and snr >= limits.snr
        tell(f"cut_{end}", is_cut, message, edge, "dB")
    pause, hole = sound["longest_pause"], 1000 * sound["hole"]
    tell("long_pause", pause > limits.pause, f"a pause of {pause:.2f} s", pause, "s")
    message = f"the sound stands still for {hole:.0f} ms in the middle of speech"
    tell("hole", sound["hole"] > limits.hole, message, hole, "ms")
    band = sound["bandwidth"]
    message = f"nothing above {band:.0f} Hz, as from a telephone"
    tell("narrow_band", band < limits.bandwidth, message, band, "Hz")
    offset = 100 * sound["offset"]
    message = f"the samples are off centre by {offset:.1f} % of full scale"
    tell("offset", abs(sound["offset"]) > limits.offset, message, offset, "%")
    message = "the sound is another one than when the dataset was built"
    tell("audio_changed", bool(record.get("changed")), message, 1.0, "")
    return found


def _speech_notes(record: Record, limits: Limits) -> list[Note]:
    said = record.get("agreement")
    if not said:
        return []
    score, found = said["score"], []
    if score < limits.agreement:
        message = f"speech and text hardly agree: {score:.2f} of 1"
        return [note("speech_differs", message, score, "")]
    if said["missing_end"]:
        message = f"the end of the text is not heard; the score of all is {score:.2f} of 1"
        found.append(note("end_unsaid", message, score, ""))
    if said["repeats"]:
        message = f"something is said twice ({said['repeats']} times)"
        found.append(note("said_twice", message, float(said["repeats"]), ""))
    elif said["extra_phones"]:
        message = f"{said['extra_phones']} phones in a row are heard that the text does not have"
        found.append(note("more_said", message, float(said["extra_phones"]), "phones"))
    return found


Across = Callable[[Sequence[Utterance], Mapping[str, Record], Limits, Findings], None]


def _loudness(
    rows: Sequence[Utterance], records: Mapping[str, Record], limits: Limits, found: Findings
) -> None:
    sounds = {row.id: records[row.id]["sound"] for row in rows}
    used = [sounds[row.id] for row in rows if row.accepted] or list(sounds.values())
    middle = middle_loudness(used)
    for id, sound in sounds.items():
        value = float(sound["loudness"])
        if middle is None or sound["speech_db"] < INAUDIBLE_DB:
            continue
        apart = value - middle
        told = f"{value:.1f} LUFS, and the middle of the dataset is {middle:.1f}"
        if value < limits.quiet or apart < -limits.loudness_apart:
            found[id].append(note("quiet", told, value, "LUFS"))
        elif value > limits.loud or apart > limits.loudness_apart:
            found[id].append(note("loud", told, value, "LUFS"))


def middle_loudness(sounds: Sequence[Mapping[str, float]]) -> float | None:
    """Return the median loudness in LUFS of the clips that can be heard; None where none can."""
    heard = [s["loudness"] for s in sounds if s["speech_db"] >= INAUDIBLE_DB]
    return float(np.median(heard)) if heard else None


def _by_speaker(rows: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    groups: dict[str, list[Utterance]] = {}
    for row in rows:
        groups.setdefault(row.speaker, []).append(row)
    return groups


def pace_of(record: Record) -> float:
    """Return phones a second of speech, or 0 where phones or speech are not known."""
    sound = record["sound"]
    seconds = record["seconds"] - sound["quiet_start"] - sound["quiet_end"]
    phones = len(record["phones"].split())
    return phones / seconds if phones and seconds > 0.2 else 0.0


def _pace(
    rows: Sequence[Utterance], records: Mapping[str, Record], limits: Limits, found: Findings
) -> None:
    for group in _by_speaker(rows).values():
        paces = {row.id: pace for row in group if (pace := pace_of(records[row.id]))}
        middle = float(np.median(list(paces.values()))) if len(paces) >= GROUP else 0.0
        for id, pace in paces.items():
            low, high = limits.slowest, limits.fastest
            if middle:
                room = limits.pace ** math.sqrt(max(1.0, SHORT_PACE / records[id]["seconds"]))
                low, high = max(low, middle / room), min(high, middle * room)
            told = f"{pace:.1f} phones a second, and {low:.1f} to {high:.1f} are usual here: "
            if pace > high:
                what = "the text is longer than the speech"
                found[id].append(note("fast", told + what, pace, "phones/s"))
            elif pace < low:
                what = "the speech is longer than the text"
                found[id].append(note("slow", told + what, pace, "phones/s"))


def _voices(
    rows: Sequence[Utterance], records: Mapping[str, Record], limits: Limits, found: Findings
) -> None:
    for speaker, group in _by_speaker(rows).items():
        known = [row.id for row in group if _has_voice(records[row.id], limits)]
        if len(known) < GROUP:
            continue
        prints = [np.array(records[id]["voice"], dtype=np.float64) for id in known]
        for id, far in zip(known, strangeness(prints).tolist(), strict=True):
            sure = min(1.0, math.sqrt(records[id]["seconds"] / SHORT_VOICE))
            if far * sure > limits.strange:
                message = (
                    f"the voice, or the microphone, is {far * sure:.1f} times as far from the "
                    f"middle of `{speaker}` as usual"
                )
                found[id].append(note("other_speaker", message, far * sure, ""))


def _has_voice(record: Record, limits: Limits) -> bool:
    """Tell whether a voice can be heard: in much noise, it is the noise that is another one."""
    return bool(record.get("voice")) and record["sound"]["snr_db"] >= limits.snr


def _same_texts(rows: Sequence[Utterance], found: Findings) -> None:
    first: dict[str, str] = {}
    for row in rows:
        key = text_key(row.normalized) if row.accepted else ""
        if key and key in first:
            found[row.id].append(note("duplicate_text", f"`{first[key]}` has the same text", 1.0))
        elif key:
            first[key] = row.id


def _same_sounds(rows: Sequence[Utterance], records: Mapping[str, Record], found: Findings) -> None:
    prints = {row.id: unpacked(records[row.id]["print"]) for row in rows if row.accepted}
    for one, other, alike in twins(prints):
        message = f"the same recording as `{one}`: {100 * alike:.0f} % of it is alike"
        told = note("twin", message, 100 * alike, "%")
        found[other].append(told if alike >= SURE_TWIN else {**told, "mend": "listen"})
