"""How recordings would be cut, before anything is built; what was heard is kept for the build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amharic_tts.audio.speech import SpeechTrack
from amharic_tts.dataset.cut_plan import Plan, plan
from amharic_tts.dataset.cut_settings import CutSettings, Cutting
from amharic_tts.dataset.ledger import file_hash
from amharic_tts.dataset.planning import track_of
from amharic_tts.dataset.sources import Recording, collect
from amharic_tts.dataset.subtitles import Cue
from amharic_tts.dataset.wording import listed
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding
from amharic_tts.workspace import Workspace


@dataclass(frozen=True)
class Heard:
    """A recording that was heard, with its subtitles as they are written."""

    source: str
    audio: Path
    digest: str
    seconds: float
    cues: tuple[Cue, ...] = ()

    def track(self, workspace: Workspace) -> SpeechTrack:
        """Return what was heard of it.

        Raises:
            UserError: The workspace's cache was emptied since.
        """
        track = SpeechTrack.load(workspace.cache / "speech" / f"{self.digest}.npz")
        if track is None:
            raise UserError(f"What was heard of `{self.source}` is gone", "Listen to it again")
        return track

    def plan(self, workspace: Workspace, settings: CutSettings) -> Plan:
        """Return how the recording is cut by these settings.

        Raises:
            UserError: The settings are wrong, or the track is gone.
        """
        problems = settings.problems()
        if problems:
            raise UserError("\n".join(problems))
        words = sorted({word for cue in self.cues for word in cue.words})
        return plan(self.track(workspace), self.cues, words, settings)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Heard:
        """Return what `listen_to` told of one recording."""
        cues = tuple(
            Cue(**{**cue, "notes": tuple(cue["notes"]), "words": tuple(map(tuple, cue["words"]))})
            for cue in body["cues"]
        )
        head = (body["source"], Path(body["audio"]), body["digest"], float(body["seconds"]))
        return cls(*head, cues)


def listen_to(
    workspace: Workspace,
    sources: Sequence[Path],
    subtitles: Path | None = None,
    cutting: Cutting | None = None,
) -> Iterator[Event]:
    """Hear all recordings of the sources, and tell how they would be cut.

    Yields:
        Progress and findings, then `Done`: ``recordings`` (source, audio, digest, seconds, cues as
        written) and ``plans`` (source, cuts, seconds of speech, joined, moved, forced).

    Raises:
        UserError: See `sources.collect`; or there is no recording that can be heard.
    """
    cutting = cutting or Cutting()
    collection = collect(sources, None, subtitles, cutting)
    yield from collection.findings
    recordings = [one for one in collection.recordings if one.settings is not None]
    if not recordings:
        raise UserError(
            f"There is no recording to cut in {listed([str(s) for s in sources])}",
            "Clips with a table of texts are taken whole",
        )
    clock = Clock(len(recordings), "recordings")
    found, plans = [], []
    for number, recording in enumerate(recordings):
        heard = None
        try:
            for item in track_of(recording.audio, workspace.cache):
                if isinstance(item, SpeechTrack):
                    heard = _heard(recording, item)
                else:
                    yield clock.progress(round(number + item, 3))
        except UserError as error:
            yield Finding("unreadable_audio", error.message, "error", recording.source)
        if heard is not None:
            found.append(heard)
            plans.append(_told(heard, heard.plan(workspace, cutting.of(heard.source))))
        yield clock.progress(number + 1)
    if not found:
        raise UserError("None of the recordings can be heard; the reasons stand above")
    yield Done({"recordings": [_plain(heard) for heard in found], "plans": plans})


def _heard(recording: Recording, track: SpeechTrack) -> Heard:
    digest = file_hash(recording.audio)
    cues = tuple(recording.cues)
    return Heard(recording.source, recording.audio, digest, round(track.duration, 3), cues)


def _plain(heard: Heard) -> dict[str, Any]:
    return {**asdict(heard), "audio": str(heard.audio)}


def _told(heard: Heard, made: Plan) -> dict[str, Any]:
    cuts = [{"start": c.start, "end": c.end, "text": c.text} for c in made.cues]
    speech = round(sum(end - start for start, end in made.speech), 3)
    numbers = {"joined": made.joined, "moved": made.moved, "forced": made.forced}
    return {"source": heard.source, "cuts": cuts, "speech": speech, **numbers}
