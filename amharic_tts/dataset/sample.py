"""The sample project: Amharic sentences of our own in espeak-ng's voice, as a real dataset.

espeak-ng says them as our G2P reads them.

Made as a person would make one: a few recordings with several sentences each and subtitles beside
them, which then go through `prepare.build`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.dataset import prepare
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.summary import summary
from amharic_tts.errors import MissingPart, StudioError, UserError
from amharic_tts.espeak.client import EspeakClient
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, require_space, write_text
from amharic_tts.g2p.say import for_espeak
from amharic_tts.workspace import Workspace

SENTENCES = Path(__file__).parent / "data" / "sample_sentences.tsv"
ORIGIN = "sample"
_RECORDINGS_EACH = 3
_GAP = 0.5
_MARGIN = 0.1


@dataclass(frozen=True)
class _Voice:
    speaker: str
    voice: str
    speed: int
    """Words a minute."""
    pitch: int
    """0 to 99; espeak-ng's own is 50."""


VOICES = (
    _Voice("sample-low", "am", 140, 40),
    _Voice("sample-high", "am+f2", 145, 60),
    _Voice("sample-deep", "am+m3", 130, 35),
    _Voice("sample-fast", "am+f4", 165, 50),
)


@dataclass(frozen=True)
class _Recording:
    stem: str
    voice: _Voice
    texts: tuple[str, ...]


def sentences() -> list[str]:
    """Return the sentences of the sample project.

    Raises:
        StudioError: The file that comes with the program is damaged (with the line).
    """
    found = []
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], 2):
        _, tab, text = line.partition("\t")
        if not tab or not text.strip():
            raise StudioError(f"`{SENTENCES.name}` line {number} is not `id<TAB>text`")
        found.append(text.strip())
    return found


def build(workspace: Workspace, name: str = "sample") -> Iterator[Event]:
    """Make the sample dataset; where it is there already, say so and change nothing.

    Yields:
        Progress and findings, then `Done` with `dataset.summary.summary`.

    Raises:
        UserError: A wrong name, or a dataset of this name that is not the sample.
        MissingPart: espeak-ng can't be loaded on this machine.
    """
    folder = workspace.dataset(name)
    with prepare.held(workspace, folder.name, "sample"):
        if Dataset.exists(folder):
            yield from _there_already(Dataset.load(folder))
        else:
            yield from _build(workspace, folder)


def _build(workspace: Workspace, folder: Path) -> Iterator[Event]:
    require_space(workspace.root, 50_000_000, "The sample project")
    recordings = _plan(sentences())
    sources = workspace.cache / "sample-recordings" / folder.name
    yield Progress(0, 1, f"speaking {sum(len(r.texts) for r in recordings)} sentences")
    _speak(recordings, sources)
    made = [sources / f"{r.stem}.wav" for r in recordings]
    subtitles = [sources / f"{r.stem}.vtt" for r in recordings]
    request = prepare.BuildRequest((*made, *subtitles), folder.name, language="am", origin=ORIGIN)
    for event in prepare.build(workspace, request):
        if isinstance(event, Done):
            yield Done(summary(Dataset.load(folder)))
        elif not isinstance(event, Finding) or event.level != "info":
            yield event


def _there_already(dataset: Dataset) -> Iterator[Event]:
    if dataset.origin != ORIGIN:
        raise UserError(
            f"There is already a dataset `{dataset.name}`, and it is not the sample project",
            "Choose another name with --name",
        )
    message = f"the sample project `{dataset.name}` is there already; nothing was changed"
    yield Finding("already_there", message, "info")
    yield Done(summary(dataset))


def _plan(texts: Sequence[str]) -> list[_Recording]:
    """Share the sentences out: each voice speaks a few recordings of a few sentences."""
    count = len(VOICES) * _RECORDINGS_EACH
    recordings = []
    for i in range(count):
        voice = VOICES[i % len(VOICES)]
        part = tuple(texts[i * len(texts) // count : (i + 1) * len(texts) // count])
        recordings.append(_Recording(f"{voice.speaker}-{i // len(VOICES) + 1}", voice, part))
    return recordings


def _speak(recordings: Sequence[_Recording], folder: Path) -> None:
    """Write a WAV and its subtitles for each recording."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    request = {
        "gap": _GAP,
        "recordings": [
            {
                "out": str(folder / f"{r.stem}.wav"),
                "voice": r.voice.voice,
                "speed": r.voice.speed,
                "pitch": r.voice.pitch,
                "texts": [for_espeak(text) for text in r.texts],
                "mnemonics": True,
            }
            for r in recordings
        ],
    }
    answer = run_espeak(request)
    for recording, made in zip(recordings, answer["recordings"], strict=True):
        write_text(folder / f"{recording.stem}.vtt", _subtitles(recording, made["spans"]))


def run_espeak(request: dict[str, Any]) -> dict[str, Any]:
    """Record sentences (``recordings`` and ``gap`` of `amharic_tts.espeak.process`).

    Raises:
        MissingPart: espeak-ng can't be loaded here, or it died.
    """
    client = EspeakClient()
    try:
        return client.ask({"do": "record", **request})
    except MissingPart as error:
        raise MissingPart(
            error.message,
            f"{error.hint}; or build a dataset of your own recordings with: "
            "amharic-tts dataset build",
        ) from error
    finally:
        client.close()


def _subtitles(recording: _Recording, spans: Sequence[Sequence[float]]) -> str:
    cues = ["WEBVTT"]
    for text, (start, end) in zip(recording.texts, spans, strict=True):
        times = f"{_clock(start - _MARGIN)} --> {_clock(end + _MARGIN)}"
        cues.append(f"{times}\n<v {recording.voice.speaker}>{text}")
    return "\n\n".join(cues) + "\n"


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
