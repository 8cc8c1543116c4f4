"""A voice that makes 0.1 s of a steady tone for each letter, and folders of books."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from amharic_tts.errors import StudioError
from amharic_tts.events import Done, Event, Progress, Sentence
from amharic_tts.jobs.book import BookRequest, run
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.tokenizer.encoder import default_encoder
from amharic_tts.tokenizer.settings import current
from amharic_tts.workspace import Workspace

RATE = 24_000
LETTER = 0.1


def make_voice(workspace: Workspace, name: str = "one", text_mode: str = "letters") -> Path:
    """The least that is found as a voice and can tell what it reads."""
    folder = workspace.runs / name / "ready"
    folder.mkdir(parents=True)
    encoder = default_encoder("am", text_mode)
    body = {"format": 1, "text": current("am", text_mode).to_dict()}
    (folder / "voice.json").write_text(json.dumps(body), encoding="utf-8")
    vocab = json.dumps(encoder.vocab, ensure_ascii=False)
    (folder / "vocab.json").write_text(vocab, encoding="utf-8")
    return folder


class Fake:
    """Speaks like `SpeechClient`; `die` are texts at which the process ends, once each.

    `tail` are seconds of silence at the end of each speech.
    """

    def __init__(
        self,
        die: Sequence[str] = (),
        checks: dict[str, dict[str, Any]] | None = None,
        tail: float = 0.0,
    ) -> None:
        self.asked: list[SpeechRequest] = []
        self.tail = tail
        self.die, self.checks = list(die), checks or {}

    @property
    def texts(self) -> list[str]:
        return [request.text for request in self.asked]

    def speak(self, request: SpeechRequest) -> Iterator[Event]:
        request.checked()
        self.asked.append(request)
        assert request.out is not None
        yield Progress(0, 0, "Loading the voice")
        if request.text in self.die:
            self.die.remove(request.text)
            raise StudioError("The speech process ended unexpectedly (exit code 9)", "Speak again")
        seconds = LETTER * len(request.text) / request.sampling.speed
        level = 1000 + 100 * (len(request.text) % 50)
        sound = np.full(round(seconds * RATE), level, dtype=np.int16)
        sound = np.concatenate([sound, np.zeros(round(self.tail * RATE), dtype=np.int16)])
        soundfile.write(request.out, sound, RATE, subtype="PCM_16")
        check = self.checks.get(request.text) if request.check else None
        seed = request.seed or 0
        yield Sentence(
            *(1, 1, request.text, 0.0, round(seconds, 3), seed, 10, False, request.takes), check
        )
        yield Done({"audio": str(request.out), "cut": 0})


def request(tmp: Path, text: str | bytes, name: str = "text.txt", **given: Any) -> BookRequest:
    source = tmp / name
    source.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return BookRequest(source, out=tmp / "out", **{"voice": "one", "seed": 5, **given})


def done(
    workspace: Workspace, asked: BookRequest, voice: Fake, **given: Any
) -> tuple[dict[str, Any], list[Event]]:
    events = list(run(workspace, asked, voice, **given))
    last = events[-1]
    assert isinstance(last, Done)
    return last.result, events


def names(folder: Path) -> set[str]:
    """Every file of a book but its pieces."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(("parts/", ".book.lock"))}


def manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "book.json").read_text(encoding="utf-8")))
