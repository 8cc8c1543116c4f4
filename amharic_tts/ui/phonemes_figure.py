"""The figure of the Phonemes page: everything about a stretch of sound on one time axis, as HTML.

Positions are shares of the stretch, so that the figure may have any width; `assets/phonemes.js`
plays what is clicked, from the sound that the figure carries.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import soundfile

from amharic_tts.phonemes import plots
from amharic_tts.phonemes.listen import Heard
from amharic_tts.phonemes.models.base import RATE, Array
from amharic_tts.phonemes.result import Phone
from amharic_tts.ui.waveform import waveform
from amharic_tts.ui.words import Words

WINDOW = 15.0
"""Seconds that one figure shows."""
PIXELS = 190
"""Width of a second, at least."""
LANES = 3
UNSURE = 0.5
"""Below this confidence a phone is drawn with a dashed edge."""
_WAVE_COLUMNS = 1200
_OVERVIEW_COLUMNS = 600


@dataclass(frozen=True)
class Stretch:
    """What of a recording is shown, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return max(self.end - self.start, 0.02)

    def share(self, at: float) -> float:
        """Return where a time stands, 0 at the left edge and 100 at the right one."""
        return 100 * min(max((at - self.start) / self.seconds, 0.0), 1.0)

    def place(self, start: float, end: float) -> str:
        """Return the style that puts something on its time."""
        left, right = self.share(start), self.share(end)
        return f"left:{left:.3f}%;width:{right - left:.3f}%"


def stretch_at(duration: float, at: float) -> Stretch:
    """Return the stretch that holds the time `at`; stretches follow each other from 0 on."""
    last = max(0.0, np.ceil(duration / WINDOW - 1e-9) - 1)
    start = WINDOW * min(max(0.0, at // WINDOW), last)
    return Stretch(start, min(start + WINDOW, max(duration, 0.02)))


def figure(heard: Heard, at: float, say: Words) -> str:
    """Return the figure of the stretch around `at` seconds."""
    stretch = stretch_at(heard.duration, at)
    samples = heard.sound(stretch.start, stretch.end)
    phones = [p for p in heard.recognition.phones if stretch.start <= p.start < stretch.end]
    rows = [
        _row("time", "", _ticks(stretch)),
        _row(
            "wave",
            say("phonemes.wave"),
            waveform(samples, _WAVE_COLUMNS) + _lines(phones, stretch),
            True,
        ),
        _row(
            "spectrogram",
            "0–8 kHz",
            _spectrogram(samples, say) + _lines(phones, stretch),
            True,
        ),
        _row("phones", say("phonemes.phones"), _phones(phones, stretch, say)),
        _heat(heard, stretch, phones, say),
    ]
    width = f"{stretch.seconds * PIXELS:.0f}px"
    return (
        f'<div class="ph-figure" data-start="{stretch.start:.3f}" data-end="{stretch.end:.3f}">'
        f'<audio controls preload="auto" src="{_sound(samples)}" '
        f'aria-label="{escape(say("phonemes.sound"))}"></audio>'
        f'<div class="ph-scroll"><div class="ph-rows" style="--width:{width}">'
        f'{"".join(rows)}<i class="ph-cursor" aria-hidden="true"></i></div></div></div>'
    )


def _row(kind: str, name: str, content: str, seek: bool = False) -> str:
    attribute = " data-seek" if seek else ""
    return (
        f'<div class="ph-row ph-{kind}"><span class="ph-name">{escape(name)}</span>'
        f'<div class="ph-track"{attribute}>{content}</div></div>'
    )


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _sound(samples: Array) -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
    return _data("audio/wav", file.getvalue())


def _ticks(stretch: Stretch) -> str:
    step = 0.5 if stretch.seconds <= 20 else 1.0
    first = np.ceil(stretch.start / step) * step
    times = np.arange(first, stretch.end, step)
    return "".join(
        f'<span style="left:{stretch.share(t):.3f}%">{t:g}{" s" if t == times[-1] else ""}</span>'
        for t in times.tolist()
    )


def _lines(phones: Sequence[Phone], stretch: Stretch) -> str:
    """Return a thin line where each phone begins."""
    path = "".join(f"M{stretch.share(p.start) * 10:.1f} 0V100" for p in phones)
    return (
        '<svg class="ph-lines" viewBox="0 0 1000 100" preserveAspectRatio="none" '
        f'aria-hidden="true"><path d="{path}"/></svg>'
    )


def _spectrogram(samples: Array, say: Words) -> str:
    source = _data("image/png", plots.spectrogram_png(samples))
    return f'<img src="{source}" alt="{escape(say("phonemes.spectrogram"))}" draggable="false">'


def _phones(phones: Sequence[Phone], stretch: Stretch, say: Words) -> str:
    if not phones:
        return f'<span class="ph-none">{escape(say("phonemes.none_here"))}</span>'
    marks = []
    for number, (phone, lane) in enumerate(zip(phones, lanes(phones), strict=True)):
        told = say(
            "phonemes.told",
            phone=phone.phone,
            start=f"{phone.start:.2f}",
            end=f"{phone.end:.2f}",
            sure=f"{phone.confidence:.2f}",
        )
        kind = "ph-phone ph-unsure" if phone.confidence < UNSURE else "ph-phone"
        sure = f"{min(max(phone.confidence, 0.0), 1.0):.2f}"
        # One stop of the tabulator for all; the arrow keys go from phone to phone.
        marks.append(
            f'<button type="button" class="{kind}" tabindex="{0 if number == 0 else -1}" '
            f'data-start="{phone.start:.3f}" data-end="{phone.end:.3f}" '
            f'style="{stretch.place(phone.start, phone.end)};--lane:{lane};--sure:{sure}" '
            f'title="{escape(told)}" aria-label="{escape(told)}">{escape(phone.phone)}</button>'
        )
    return "".join(marks)


def lanes(phones: Sequence[Phone]) -> list[int]:
    """Return the line in which each phone is written, so that short ones don't hide each other."""
    ends = [float("-inf")] * LANES
    found = []
    for phone in phones:
        letters = sum(not unicodedata.combining(c) for c in phone.phone)
        width = max((phone.end - phone.start) * PIXELS, 10 + 9 * letters)
        left = phone.start * PIXELS
        lane = next((n for n, end in enumerate(ends) if end <= left), ends.index(min(ends)))
        ends[lane] = left + width
        found.append(lane)
    return found


def _heat(heard: Heard, stretch: Stretch, phones: Sequence[Phone], say: Words) -> str:
    posteriors = heard.posteriors(stretch.start, stretch.end)
    order = sorted({p.phone for p in phones}, key=[p.phone for p in phones].index)
    found = plots.heat_map(posteriors, stretch.start, stretch.end, order)
    if not found.symbols:
        return ""
    names = "".join(f"<span>{escape(name)}</span>" for name in found.symbols)
    image = _data("image/png", found.png())
    # The last frame may reach beyond the sound: the picture is as wide as its frames.
    width = 100 * found.probabilities.shape[1] * heard.frame_seconds / stretch.seconds
    return (
        f'<div class="ph-row ph-heat" style="--rows:{len(found.symbols)}">'
        f'<span class="ph-name">{names}</span><div class="ph-track">'
        f'<img src="{image}" style="width:{width:.3f}%" alt="{escape(say("phonemes.heat"))}" '
        'draggable="false"></div></div>'
    )


def overview(heard: Heard, at: float, say: Words) -> str:
    """Return the whole recording in small, the shown stretch marked; nothing for a short one."""
    if heard.duration <= WINDOW:
        return ""
    stretch, whole = stretch_at(heard.duration, at), Stretch(0.0, heard.duration)
    columns = min(_OVERVIEW_COLUMNS, len(heard.peaks))
    _, high = plots.envelope(heard.peaks, columns)
    scale = 48 / max(float(high.max(initial=0.0)), 1e-4)
    path = "".join(f"M{x} {50 - y * scale:.1f}V{50 + y * scale:.1f}" for x, y in enumerate(high))
    return (
        f'<div class="ph-overview" data-whole="{heard.duration:.3f}" '
        f'title="{escape(say("phonemes.overview"))}">'
        f'<svg viewBox="0 0 {columns} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(say("phonemes.overview"))}"><path d="{path}"/></svg>'
        f'<i style="{whole.place(stretch.start, stretch.end)}"></i></div>'
    )
