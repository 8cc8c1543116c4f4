"""What of a book is spoken already, on the disk: one WAV and one JSON file a piece.

A piece is known by a hash of everything that its sound depends on, and is there once its JSON is:
that is written last, in one step. So a kill at any moment costs the piece at hand, and a text in
which one line was changed is spoken anew in that line alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import soundfile

from amharic_tts.errors import StudioError
from amharic_tts.files import disk_errors, to_trash, write_text
from amharic_tts.synthesis.pauses import silence_after
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.synthesis.voices import VOICE_JSON

VERSION = 1
"""Raised when a piece that was spoken before should be spoken anew."""
FOLDER = "parts"
EARLIER = "earlier"
"""Where files go that a later run has no use for."""
FILES = "files.jsonl"
_TAIL = 2.0
"""Seconds of the end that are looked at for silence."""


@dataclass(frozen=True)
class Spoken:
    """A piece that is on the disk."""

    key: str
    text: str
    seconds: float
    rate: int
    seed: int
    speed: float
    tail: float
    """Seconds of silence that it ends with."""
    cut: int
    """How many of its sentences did not end by themselves."""
    sentences: tuple[dict[str, Any], ...]
    """As `events.Sentence`: text, start and stop in the piece, seed, takes, check."""

    @property
    def verdict(self) -> str:
        """The worst verdict of its sentences; empty where nothing was checked."""
        order = ("ok", "not checked", "doubtful", "failed")
        given = [one["check"]["verdict"] for one in self.sentences if one.get("check")]
        return max(given, key=order.index, default="")

    @property
    def reasons(self) -> list[str]:
        """Why sentences are not right, each reason once."""
        every = [r for one in self.sentences if one.get("check") for r in one["check"]["reasons"]]
        return list(dict.fromkeys(every))


def identity(folder: Path, references: Sequence[Path]) -> str:
    """Return a hash of what a voice and its reference clips are.

    The weights are known by size and time: hashing two gigabytes takes longer than a sentence.
    """
    sha = hashlib.sha256((folder / VOICE_JSON).read_bytes())
    weights = folder / "model.pth"
    if weights.exists():
        facts = weights.stat()
        sha.update(f"{facts.st_size} {facts.st_mtime_ns}".encode())
    for clip in references:
        sha.update(clip.read_bytes())
    return sha.hexdigest()


class Keys:
    """Gives each piece of a book its seed and its hash."""

    def __init__(self, request: SpeechRequest, seed: int, voice: str) -> None:
        """Take what is the same for all pieces; `voice` is an `identity`."""
        self._request, self._seed, self._voice = request, seed, voice
        self._said: Counter[str] = Counter()

    def next(self, text: str) -> SpeechRequest:
        """Return the request of the next piece: its seed hangs on its text, not on its place.

        A text that comes again gets another seed than before, so that it does not sound the same.
        """
        self._said[text] += 1
        facts = f"{self._seed} {self._said[text]} {text}".encode()
        seed = int.from_bytes(hashlib.sha256(facts).digest()[:4], "big") >> 1
        return replace(self._request, text=text, seed=seed)

    def of(self, request: SpeechRequest) -> str:
        """Return the hash of a piece: the same one, the same sound."""
        body = request.to_json()
        for name in ("out", "stream", "voice", "references"):
            body.pop(name)
        facts = [VERSION, self._voice, body]
        packed = json.dumps(facts, sort_keys=True, ensure_ascii=False).encode("utf-8")
        return hashlib.sha256(packed).hexdigest()[:20]


class Parts:
    """The pieces in a folder."""

    def __init__(self, out: Path) -> None:
        self.folder = out / FOLDER

    def wav(self, key: str) -> Path:
        """Return where the sound of a piece is, or will be."""
        return self.folder / f"{key}.wav"

    def get(self, key: str) -> Spoken | None:
        """Return a piece that is whole on the disk, or None."""
        try:
            body = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            found = Spoken(**{**body, "sentences": tuple(body["sentences"])})
            facts = soundfile.info(str(self.wav(key)))
        except (OSError, ValueError, TypeError, KeyError, soundfile.SoundFileError):
            return None  # never begun, or damaged: it is spoken anew
        whole = abs(facts.frames / facts.samplerate - found.seconds) < 1e-3
        return found if whole and facts.samplerate == found.rate else None

    def put(
        self, request: SpeechRequest, key: str, result: dict[str, Any], said: Sequence[Any]
    ) -> Spoken:
        """Note a piece whose sound has been written to `wav`.

        Args:
            request: What was asked.
            key: Its hash.
            result: Of `SpeechClient.speak`.
            said: Its `events.Sentence`.

        Raises:
            StudioError: There is no sound.
        """
        path = self.wav(key)
        try:
            facts = soundfile.info(str(path))
        except soundfile.SoundFileError as error:
            raise StudioError(f"`{path}` was not written as sound: {error}") from error
        with disk_errors(path), open(path, "rb+") as file:
            os.fsync(file.fileno())
        names = ("text", "start", "stop", "seed", "codes", "cut", "takes", "check")
        sentences = tuple({name: getattr(one, name) for name in names} for one in said)
        found = Spoken(
            key=key,
            text=request.text,
            seconds=facts.frames / facts.samplerate,
            rate=facts.samplerate,
            seed=int(request.seed or 0),
            speed=request.sampling.speed,
            tail=_tail(path),
            cut=int(result.get("cut", 0)),
            sentences=sentences,
        )
        write_text(self.folder / f"{key}.json", json.dumps(asdict(found), ensure_ascii=False))
        return found


def _tail(path: Path) -> float:
    """Return the seconds of silence at the end of a sound, at most `_TAIL`."""
    with soundfile.SoundFile(str(path)) as file:
        file.seek(max(0, file.frames - round(_TAIL * file.samplerate)))
        end = file.read(dtype="float32", always_2d=True)[:, 0]
        own = round(_TAIL * file.samplerate) - silence_after(end, _TAIL, file.samplerate)
        return round(min(own, len(end)) / file.samplerate, 4)


class Files:
    """Which files in the folder the book has made, and from which pieces: `parts/files.jsonl`.

    Lines are appended; a file is claimed before it is written, so that after a kill between the
    two it is known to be ours.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.path = out / FOLDER / FILES
        self.made: dict[str, str] = {}
        for line in self._lines():
            self.made[line["file"]] = line["made"]

    def _lines(self) -> Iterator[dict[str, str]]:
        if not self.path.exists():
            return
        with disk_errors(self.path), open(self.path, "rb") as file:
            for raw in file:
                try:
                    body = json.loads(raw)
                except ValueError:
                    continue  # a killed run left half a line
                if isinstance(body, dict) and {"file", "made"} <= set(body):
                    yield body

    def strangers(self, names: Sequence[str]) -> list[str]:
        """Return which of the names are there and not ours."""
        return [name for name in names if name not in self.made and (self.out / name).exists()]

    def is_made(self, name: str, made: str) -> bool:
        """Tell whether a file is there, made from these pieces."""
        return self.made.get(name) == made and (self.out / name).is_file()

    def claim(self, name: str) -> None:
        """Note that a file is about to be written."""
        self.note(name, "")

    def note(self, name: str, made: str) -> None:
        """Note what a file was made from."""
        self.made[name] = made
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a+b") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        file.write(b"\n")
                file.write(json.dumps({"file": name, "made": made}).encode("utf-8") + b"\n")

    def put_away(self, names: Sequence[str]) -> list[str]:
        """Move our files that are none of `names` to `EARLIER`; return which."""
        kept = set(names)
        gone = []
        for name in sorted(self.made):
            if name not in kept and (self.out / name).is_file():
                to_trash(self.out / name, self.out / EARLIER)
                gone.append(name)
        return gone
