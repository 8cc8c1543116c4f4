"""The figure of the cuts: the waveform of a stretch, where speech was heard, and the clips.

Built like the figure of the Phonemes page, whose script plays a clip that is clicked.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import soundfile

from amharic_tts.audio.read import Samples
from amharic_tts.dataset.cut_plan import Plan, Span
from amharic_tts.dataset.rules import MAX_SECONDS, MIN_SECONDS
from amharic_tts.dataset.subtitles import Cue
from amharic_tts.ui.phonemes_figure import Stretch
from amharic_tts.ui.waveform import waveform
from amharic_tts.ui.words import Words

WINDOW = 30.0
"""Seconds that one figure shows."""
RATE = 16_000
"""Rate of the sound that the figure carries."""
_PIXELS = 36
_COLUMNS = 1500


def stretch_at(duration: float, number: int) -> Stretch:
    """Return stretch `number`, from 1 on; stretches follow each other from the beginning."""
    start = min(max(0, number - 1), stretches(duration) - 1) * WINDOW
    return Stretch(start, min(start + WINDOW, max(duration, 0.02)))


def stretches(duration: float) -> int:
    """Return how many stretches a recording has."""
    return max(1, int(np.ceil(duration / WINDOW - 1e-9)))


def figure(plan: Plan, samples: Samples, stretch: Stretch, say: Words) -> str:
    """Return the figure of a stretch.

    Args:
        plan: The clips of the whole recording.
        samples: The sound of the stretch at `RATE`.
        stretch: What is shown.
        say: Words of the screen.
    """
    shown = [
        (number, cue)
        for number, cue in enumerate(plan.cues, 1)
        if cue.start < stretch.end and cue.end > stretch.start
    ]
    rows = (
        f'<div class="ph-row ph-time"><div class="ph-track">{_ticks(stretch)}</div></div>'
        '<div class="ph-row ph-wave cut-wave"><div class="ph-track" data-seek>'
        f"{_speech(plan.speech, stretch)}"
        f"{waveform(samples, _COLUMNS)}{_edges(shown, stretch)}</div></div>"
        f'<div class="ph-row cut-clips"><div class="ph-track">{_clips(shown, stretch, say)}</div>'
        "</div>"
    )
    return (
        f'<div class="ph-figure cut-figure" data-start="{stretch.start:.3f}" '
        f'data-end="{stretch.end:.3f}">'
        f'<audio controls preload="auto" src="{_sound(samples)}" '
        f'aria-label="{escape(say("dataset.cuts.sound"))}"></audio>'
        f'<div class="ph-scroll"><div class="ph-rows" '
        f'style="--width:{stretch.seconds * _PIXELS:.0f}px;--names:0px">{rows}'
        '<i class="ph-cursor" aria-hidden="true"></i></div></div>'
        f"{_list(shown, say)}</div>"
    )


def _ticks(stretch: Stretch) -> str:
    first = int(np.ceil(stretch.start / 2) * 2)
    return "".join(
        f'<span style="left:{stretch.share(t):.3f}%">{clock(t)}</span>'
        for t in range(first, int(np.ceil(stretch.end)), 2)
    )


def clock(seconds: float) -> str:
    """Return a time as ``1:02:03`` or ``2:03``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def _speech(spans: Sequence[Span], stretch: Stretch) -> str:
    return "".join(
        f'<i class="cut-speech" style="{stretch.place(start, end)}"></i>'
        for start, end in spans
        if start < stretch.end and end > stretch.start
    )


def _edges(shown: Sequence[tuple[int, Cue]], stretch: Stretch) -> str:
    return "".join(
        f'<i class="cut-edge{" cut-forced" if cue.notes else ""}" '
        f'style="left:{stretch.share(at):.3f}%"></i>'
        for _, cue in shown
        for at in (cue.start, cue.end)
        if stretch.start <= at <= stretch.end
    )


def _clips(shown: Sequence[tuple[int, Cue]], stretch: Stretch, say: Words) -> str:
    if not shown:
        return f'<span class="ph-none">{escape(say("dataset.cuts.none_here"))}</span>'
    return "".join(
        f'<button type="button" class="ph-phone {_kind(number, cue)}" '
        f'tabindex="{0 if place == 0 else -1}" data-start="{max(cue.start, stretch.start):.3f}" '
        f'data-end="{cue.end:.3f}" style="{stretch.place(cue.start, cue.end)};--lane:0;--sure:1" '
        f'title="{escape(_told(number, cue, say))}" aria-label="{escape(_told(number, cue, say))}">'
        f"<b>{number}</b> {cue.end - cue.start:.1f}</button>"
        for place, (number, cue) in enumerate(shown)
    )


def _kind(number: int, cue: Cue) -> str:
    odd = cue.notes or not MIN_SECONDS <= cue.end - cue.start <= MAX_SECONDS
    return "cut-clip cut-odd" if odd else f"cut-clip cut-{number % 2}"


def _told(number: int, cue: Cue, say: Words) -> str:
    seconds = f"{cue.end - cue.start:.1f}"
    return say("dataset.cuts.told", n=number, seconds=seconds, text=cue.text or "–")


def _list(shown: Sequence[tuple[int, Cue]], say: Words) -> str:
    rows = "".join(
        f"<tr><td>{number}</td><td>{clock(cue.start)}</td><td>{cue.end - cue.start:.1f}</td>"
        f"<td>{escape(cue.text) or '–'}{_notes(cue)}</td></tr>"
        for number, cue in shown
    )
    names = ("number", "from", "seconds", "text")
    head = "".join(f"<th>{escape(say(f'dataset.cuts.{name}'))}</th>" for name in names)
    return (
        f'<div class="scroll"><table class="plain cut-list"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _notes(cue: Cue) -> str:
    return "".join(f"<br><small>{escape(item['message'])}</small>" for item in cue.notes)


def _sound(samples: Samples) -> str:
    file = io.BytesIO()
    # A fifth of a WAV's size; every browser plays it.
    soundfile.write(file, samples, RATE, format="MP3", subtype="MPEG_LAYER_III")
    return f"data:audio/mpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
