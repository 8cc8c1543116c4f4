"""Plan the cuts of a recording before it is cut: hear it once, and keep what was heard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from amharic_tts.audio.read import probe
from amharic_tts.audio.speech import SpeechTrack, heard
from amharic_tts.dataset.cut_plan import Plan, plan
from amharic_tts.dataset.cut_settings import CutSettings
from amharic_tts.dataset.ledger import file_hash, stamp
from amharic_tts.dataset.rules import note
from amharic_tts.dataset.sources import Clip, Recording
from amharic_tts.dataset.wording import counted
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Finding


def track_of(audio: Path, cache: Path) -> Iterator[float | SpeechTrack]:
    """Hear a recording, unless its content was heard before.

    Args:
        audio: The recording.
        cache: The workspace's cache.

    Yields:
        The share that was heard, and the track at last.

    Raises:
        UserError: It can't be read.
    """
    seconds = probe(audio).duration or 0.0
    for item in heard(audio, cache / "speech" / f"{file_hash(audio)}.npz"):
        if isinstance(item, SpeechTrack):
            yield item
        else:
            yield min(1.0, item / seconds) if seconds else 0.0


def planned(recording: Recording, cache: Path) -> Iterator[float | Finding | Recording | Clip]:
    """Plan the cuts of a recording by its settings.

    Yields:
        Shares and findings, and at last the recording with its planned cues. A recording without
        subtitles that can't be read comes as a clip with the reason.
    """
    settings = recording.settings
    assert settings is not None
    before = stamp(recording.audio)
    track: SpeechTrack | None = None
    try:
        for item in track_of(recording.audio, cache):
            if isinstance(item, SpeechTrack):
                track = item
            else:
                yield item
    except MissingPart:
        raise
    except UserError as error:
        if recording.cues:
            yield recording  # each of its cues will be a row with the reason
        else:
            reason = (note("unreadable_audio", error.message),)
            name = Path(recording.source).stem
            yield Clip(name, None, recording.source, "", "", notes=reason)
        return
    assert track is not None
    words = sorted({word for cue in recording.cues for word in cue.words})
    made = plan(track, recording.cues, words, settings)
    yield from _told(recording, made, settings)
    yield dataclasses.replace(recording, cues=made.cues, stamp=before)


def _told(recording: Recording, made: Plan, settings: CutSettings) -> Iterator[Finding]:
    """Yield what was done to a recording, and what went wrong."""
    if not made.speech:
        message = "no speech is heard in it; its subtitles are taken as they are written"
        if not recording.cues:
            message = "no speech is heard in it: it gives no clip"
        yield Finding("no_speech", message, "warning", recording.source)
        return
    if recording.cues:
        message = (
            f"{counted(len(recording.cues), 'subtitle')} fitted to the speech: {made.joined} "
            f"joined with the one before, {made.moved} of {len(made.cues)} moved"
        )
    else:
        spoken = sum(end - start for start, end in made.speech)
        message = (
            f"{counted(len(made.cues), 'clip')} cut at pauses, without texts: "
            f"{spoken:.0f} s of speech"
        )
    yield Finding("cut_at_pauses", message, "info", recording.source)
    if made.forced:
        message = (
            f"{counted(made.forced, 'cut')} inside speech, since it goes on for over "
            f"{settings.longest:g} s without a pause of {settings.pause:g} s"
        )
        yield Finding("forced_cuts", message, "warning", recording.source)
