"""Speak a request with a loaded voice: sentences and sound as events, the whole as a file."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from amharic_tts.events import Chunk, Clock, Done, Event, Finding, Sentence
from amharic_tts.files import disk_errors, writing
from amharic_tts.synthesis.check import SentenceCheck, SentenceJudge, best
from amharic_tts.synthesis.engine import RATE, Asked, Piece, SpeechEngine
from amharic_tts.synthesis.pauses import silence_after
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.synthesis.sentences import said
from amharic_tts.synthesis.voices import Voice


def perform(
    engine: SpeechEngine, voice: Voice, request: SpeechRequest, judge: SentenceJudge
) -> Iterator[Event]:
    """Yield the events of a speech, the last one `Done`.

    Args:
        engine: With the voice loaded.
        voice: That it speaks with.
        request: With a seed and a file to write.
        judge: Checks sentences where that is asked for.

    Raises:
        StudioError: What the engine raises.
    """
    return _Performance(engine, voice, request, judge).events()


class _Performance:
    def __init__(
        self, engine: SpeechEngine, voice: Voice, request: SpeechRequest, judge: SentenceJudge
    ) -> None:
        assert request.seed is not None
        assert request.out is not None
        self._engine, self._voice, self._request = engine, voice, request
        self._judge = judge
        self._out, self._seed = request.out, request.seed
        self._asked = Asked(
            request.text,
            request.references,
            request.language,
            request.seed,
            request.sampling,
            request.phonemes,
        )
        self._parts: list[np.ndarray] = []
        self._told: list[Sentence] = []
        self._at = 0
        self._clock: Clock | None = None
        self._began, self._first = time.monotonic(), 0.0

    def events(self) -> Iterator[Event]:
        request, engine = self._request, self._engine
        engine.pace = type(engine.pace)()
        # A sentence that may be said again can't be heard before it is whole.
        stream = request.stream and request.takes == 1
        streamed = False
        for made in self._made(stream):
            if isinstance(made, np.ndarray):
                streamed = True
                yield from self._sound(made)
                continue
            yield from self._sentence(made, streamed)
            streamed = False
        samples = np.concatenate(self._parts)
        write_wav(self._out, samples, RATE)
        yield from self._findings()
        yield Done(self._result(samples))

    def _made(self, stream: bool) -> Iterator[Piece | np.ndarray]:
        if self._request.only is None:
            return self._engine.perform(self._asked, stream)
        return iter([self._engine.again(self._asked, self._request.only, self._seed)])

    def _sound(self, samples: np.ndarray) -> Iterator[Event]:
        """Take the next stretch of sound in, and hand it on where it is asked for."""
        if not len(samples):
            return
        self._first = self._first or time.monotonic() - self._began
        self._parts.append(samples)
        self._at += len(samples)
        if self._request.stream:
            pcm = (samples.clip(-1, 1) * 32767).astype("<i2").tobytes()
            yield Chunk(base64.b64encode(pcm).decode("ascii"), RATE)

    def _sentence(self, piece: Piece, streamed: bool) -> Iterator[Event]:
        clock = self._clock = self._clock or Clock(piece.total, "Speaking", done=0)
        piece, check, takes = self._best(piece)
        start = self._at - (len(piece.samples) if streamed else 0)
        if not streamed:
            yield from self._sound(piece.samples)
        told = Sentence(
            piece.number,
            piece.total,
            piece.text,
            start / RATE,
            self._at / RATE,
            piece.seed,
            piece.codes,
            piece.cut,
            takes,
            check.to_dict() if check else None,
        )
        self._told.append(told)
        yield told
        if piece.number < piece.total and self._request.only is None:
            silence = silence_after(piece.samples, piece.pause, RATE)
            yield from self._sound(np.zeros(silence, dtype=np.float32))
        yield clock.progress(piece.number)

    def _best(self, piece: Piece) -> tuple[Piece, SentenceCheck | None, int]:
        """Return the piece, or a better take of it, with its check and how often it was said."""
        if not self._request.check and self._request.takes == 1:
            return piece, None, 1
        takes = [(piece, self._checked(piece))]
        while takes[-1][1].verdict == "failed" and len(takes) < self._request.takes:
            # Far from the seeds of the other sentences.
            seed = (piece.seed + 7919 * len(takes)) % 2**31
            again = self._engine.again(self._asked, piece.number, seed)
            takes.append((again, self._checked(again)))
        at = best([check for _, check in takes])
        return (*takes[at], len(takes))

    def _checked(self, piece: Piece) -> SentenceCheck:
        language = self._asked.language or self._voice.language
        text, phonemes = piece.text, self._request.phonemes
        if piece.part:
            text, phonemes = said(piece.prepared)
        return self._judge.judge(
            piece.samples,
            RATE,
            text,
            language,
            piece.cut,
            speed=self._request.sampling.speed,
            phonemes=phonemes,
        )

    def _findings(self) -> Iterator[Event]:
        cut = sum(one.cut for one in self._told)
        if cut:
            what = f"{cut} of {len(self._told)} pieces did not end by themselves and were cut"
            yield Finding(code="cut", message=what)
        for one in self._told:
            if one.check and one.check["verdict"] != "ok":
                reasons = "; ".join(one.check["reasons"])
                subject = f"sentence {one.number}"
                yield Finding(f"check.{one.check['verdict']}", reasons, "warning", subject)

    def _result(self, samples: np.ndarray) -> dict[str, object]:
        request, engine = self._request, self._engine
        return {
            "audio": str(self._out),
            "seconds": round(len(samples) / RATE, 3),
            "rate": RATE,
            "language": request.language or self._voice.language,
            "voice": str(self._voice.folder),
            "seed": self._seed,
            "pieces": len(self._told),
            "cut": sum(one.cut for one in self._told),
            "note": self._voice.note,
            "took": round(time.monotonic() - self._began, 3),
            "first_sound": round(self._first, 3),
            "device": engine.device,
            "precision": engine.precision.name,
            "precision_reason": engine.precision.reason,
            **engine.pace.to_dict(),
        }


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write 16-bit mono sound in one step: the file is there whole or not at all.

    Raises:
        UserError: The disk is full or can't be written.
    """
    import soundfile

    sound = io.BytesIO()
    soundfile.write(sound, samples, rate, format="WAV", subtype="PCM_16")
    with disk_errors(path), writing(path) as file:
        file.write(sound.getvalue())
