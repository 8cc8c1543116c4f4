"""A speech as the Speak page shows it: while it is made, and the whole with its marks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import soundfile

from amharic_tts.audio.encode import encode
from amharic_tts.events import Chunk, Sentence
from amharic_tts.synthesis.history import Spoken
from amharic_tts.synthesis.pace import SAME_CODES
from amharic_tts.ui.html import rich
from amharic_tts.ui.waveform import waveform
from amharic_tts.ui.words import Words

_COLUMNS = 1200
_PLAIN = 60.0
"""Seconds up to which a sound stands in the page as it is; longer ones as MP3."""
_REPEATED = 4
"""Newest stretches of sound that each update carries: a busy browser may pass one update over."""
_CHIPS = {"ok": "done", "doubtful": "stopped", "failed": "failed", "not checked": "created"}


class Live:
    """The sound while it is made, for the player in ``speak.js``."""

    def __init__(self, speech: str) -> None:
        self._speech = speech
        self._chunks: list[str] = []

    def add(self, chunk: Chunk) -> None:
        """Take the next stretch."""
        number = len(self._chunks)
        self._chunks.append(
            f'<i data-n="{number}" data-rate="{chunk.rate}" data-pcm="{chunk.pcm}"></i>'
        )

    def html(self, sentences: Sequence[Sentence], say: Words) -> str:
        """Return the newest stretches, and the sentences that are made."""
        newest = "".join(self._chunks[-_REPEATED:])
        return (
            f'<div class="speak-live" data-speech="{escape(self._speech)}" hidden>{newest}</div>'
            f"{_sentences(sentences, say, again=False)}"
        )


def figure(spoken: Spoken, say: Words) -> str:
    """Return the whole speech: its waveform with a mark for each sentence, and the sentences."""
    samples, rate = soundfile.read(spoken.sound, dtype="float32")
    whole = max(len(samples) / rate, 0.01)
    kind = "wav" if whole <= _PLAIN else "mp3"
    coded = base64.b64encode(encode(samples, rate, kind)).decode("ascii")
    source = f"data:audio/{'wav' if kind == 'wav' else 'mpeg'};base64,{coded}"
    marks = "".join(
        f'<button type="button" class="speak-mark" data-start="{one.start:.4f}" '
        f'data-stop="{one.stop:.4f}" style="left:{100 * one.start / whole:.3f}%;'
        f'width:{100 * (one.stop - one.start) / whole:.3f}%" '
        f'title="{escape(one.text)}"><span>{one.number}</span></button>'
        for one in spoken.sentences
    )
    return (
        f'<div class="speak-figure" data-speech="{escape(spoken.id)}" data-whole="{whole:.4f}">'
        f'<div class="speak-track">{waveform(samples, _COLUMNS)}{marks}'
        '<i class="speak-cursor"></i></div>'
        f'<div class="speak-bar"><button type="button" class="speak-play" '
        f'aria-label="{escape(say("speak.play"))}">{escape(say("speak.play"))}</button>'
        f'<span class="speak-time quiet">0.0 / {whole:.1f} s</span></div>'
        f'<audio preload="auto" src="{source}"></audio>'
        f"{_sentences(spoken.sentences, say, again=True)}</div>"
    )


def _sentences(sentences: Sequence[Sentence], say: Words, again: bool) -> str:
    if not sentences:
        return ""
    return (
        f'<ol class="speak-sentences">{"".join(_sentence(s, say, again) for s in sentences)}</ol>'
    )


def _sentence(one: Sentence, say: Words, again: bool) -> str:
    facts = [f"{one.stop - one.start:.1f} s"]
    if one.takes > 1:
        facts.append(say("speak.takes_told", n=one.takes))
    if one.cut:
        facts.append(say("speak.cut"))
    chip, reasons = "", ""
    if one.check:
        verdict = one.check["verdict"]
        word = say(f"speak.verdict.{verdict.replace(' ', '_')}")
        chip = f'<span class="chip chip-{_CHIPS[verdict]}">{escape(word)}</span>'
        told = "; ".join(one.check["reasons"])
        reasons = f'<small class="quiet">{rich(told)}</small>' if told else ""
    button = ""
    if again:
        label = escape(say("speak.again"))
        button = (
            f'<button type="button" class="speak-again" data-number="{one.number}">{label}</button>'
        )
    return (
        f'<li data-start="{one.start:.4f}" data-stop="{one.stop:.4f}">'
        f'<button type="button" class="speak-text">{escape(one.text)}</button>'
        f'<span class="speak-facts quiet">{escape(" · ".join(facts))}</span>{chip}{button}{reasons}'
        "</li>"
    )


def pace(spoken: Spoken, say: Words) -> str:
    """Return how fast it was made, and in what precision and why."""
    result = spoken.result
    if "codes_a_second" not in result:
        return ""
    told = say(
        "speak.pace",
        precision=result["precision"],
        reason=result["precision_reason"],
        codes=f"{result['codes_a_second']:.0f}",
        factor=f"{result['real_time_factor']:.2f}",
        first=f"{result['first_sound']:.1f}",
    )
    same = SAME_CODES.get(result["precision"])
    if same is not None:
        told += " " + say("speak.precision_cost", precision=result["precision"], same=f"{same:.1f}")
    return f'<p class="quiet speak-pace">{escape(told)}</p>'
