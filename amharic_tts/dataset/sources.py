"""What a build is given: files and folders, with a transcript table or with subtitles.

Turns them into clips (one file, one text) and recordings (one file, many cues); reads no sound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from amharic_tts.dataset import prompts
from amharic_tts.dataset.archives import stored_name
from amharic_tts.dataset.cut_settings import CutSettings, Cutting
from amharic_tts.dataset.layouts import TableFile, layout
from amharic_tts.dataset.ledger import Stamp
from amharic_tts.dataset.root import MEDIA, SUBTITLES, Root, merged, nfc, roots
from amharic_tts.dataset.rules import Note, note
from amharic_tts.dataset.subtitles import Cue, read_cues
from amharic_tts.dataset.tables import TableRow, read_table
from amharic_tts.dataset.wording import counted, listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding
from amharic_tts.text.normalize import normalize

_HINT = (
    "Give a table with --transcript FILE (lines `id|text`), or put subtitles with the same name "
    "beside the recording, or cut it at its pauses with --cut speech and write the texts later"
)


@dataclass(frozen=True)
class Clip:
    """One row of a table; `audio` is None where `notes` say why."""

    name: str
    """What the table calls it."""
    audio: Path | None
    source: str
    text: str
    speaker: str
    split: str = ""
    notes: tuple[Note, ...] = ()
    is_take: bool = False
    """One of several takes of a prompt: another one is no second clip."""
    raw: str = ""
    """The text as it was written, where the table has a normalised one as well."""


@dataclass(frozen=True)
class Recording:
    """A long recording and its subtitles; without any, `settings` say how to cut it."""

    audio: Path
    source: str
    cues: list[Cue]
    settings: CutSettings | None = None
    """None: the cues are taken as they are written."""
    stamp: Stamp | None = None
    """Size and time of the file when its cuts were planned."""

    def clips(self, seconds: float) -> int:
        """Return how many clips a recording of so many seconds will give, as far as is known."""
        if self.cues or self.settings is None:
            return len(self.cues)
        return max(1, math.ceil(seconds / self.settings.target))


@dataclass
class Collection:
    """Everything that a build will go through, in order."""

    clips: list[Clip] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.clips) + sum(max(1, len(r.cues)) for r in self.recordings)


def collect(
    sources: Sequence[Path],
    transcript: Path | None = None,
    subtitles: Path | None = None,
    cutting: Cutting | None = None,
) -> Collection:
    """Find the clips and recordings of the sources.

    Args:
        sources: Files and folders; archives are unpacked before (`dataset.unpack`).
        transcript: The table; where it is None, one is looked for in each folder.
        subtitles: Subtitles of the one recording among the sources.
        cutting: How recordings are cut; None takes subtitles as they are written.

    Raises:
        UserError: A source is missing, no text belongs to any recording, or it is not clear which.
    """
    places = roots(sources)
    found = Collection(findings=[item for root in places for item in root.findings])
    used: set[Path] = set()
    if transcript is not None:
        table = TableFile(transcript)
        used |= _add_tables(found, merged(places), [table], told=True)
    else:
        for root in places:
            used |= _add_texts(found, root)
    if subtitles is not None:
        _add_subtitled(found, places, subtitles, cutting)
    else:
        for root in places:
            _add_recordings(found, root, used, cutting)
    if not found.rows:
        names = [name for root in places for name in root.media()]
        raise UserError(
            f"No text was found for {listed(names)}" if names else
            f"No recordings were found in {listed([str(s) for s in sources])}",
            _HINT if names else "",
        )  # fmt: skip
    return found


def keep_written(found: Collection, language: str) -> None:
    """Give clips their text as it was written, where a table has it beside a normalised one.

    Only where both come to the same when the studio normalises them; elsewhere the table knows
    better how it is read, and its normalised text stays.
    """
    for place, clip in enumerate(found.clips):
        if clip.raw in ("", clip.text):
            continue
        if normalize(clip.raw, language).text == normalize(clip.text, language).text:
            found.clips[place] = replace(clip, text=clip.raw)


def _add_texts(found: Collection, root: Root) -> Set[Path]:
    """Add what the tables of a root, or the prompts read in a session, say; return its files."""
    if root.folder is not None and prompts.is_session(root.folder):
        return _add_session(found, root.folder)
    known = layout(root)
    found.findings += known.findings
    if not known.tables:
        return frozenset()
    name = f", a dataset of the kind {known.name}" if known.name else ""
    return _add_tables(found, root, known.tables, told=root.folder is None, kind=name)


def _add_session(found: Collection, folder: Path) -> Set[Path]:
    session = prompts.Session.load(folder)
    for take in session.chosen():
        path, name = session.sound(take), f"{folder.name}-{take.prompt:04d}"
        text = session.texts[take.prompt - 1]
        # All takes of a prompt are one source: a new one is told, and never a second row.
        source = f"{folder.name}/{take.prompt:04d}.wav"
        found.clips.append(Clip(name, path, source, text, session.speaker, is_take=True))
    return frozenset(session.sound(take) for take in session.takes)


def _add_tables(
    found: Collection, root: Root, tables: Sequence[TableFile], told: bool, kind: str = ""
) -> Set[Path]:
    """Add the rows of the tables of a root, and return the files that they name."""
    used = set()
    for file in tables:
        table = read_table(file.path)
        if not told:
            message = f"the text comes from `{file.path.name}`{kind}"
            found.findings.append(Finding("transcript_found", message, "info"))
        found.findings += table.findings
        index = _Index(root, file)
        for row in table.rows:
            clip = index.clip(row, file.split)
            if clip.audio:
                used.add(clip.audio)
            found.clips.append(clip)
    unnamed = [name for name, path in root.media().items() if path not in used]
    subtitled = _subtitles_of(root)
    unnamed = [name for name in unnamed if name.rpartition(".")[0] not in subtitled]
    if unnamed:
        left_out = counted(len(unnamed), "recording")
        message = f"{left_out} not named in the table, left out: {listed(unnamed)}"
        found.findings.append(Finding("not_in_table", message))
    return used


class _Index:
    """Finds the file that a row of a table means."""

    def __init__(self, root: Root, file: TableFile) -> None:
        self._root, self._table, self._base = root, file.path, file.base
        self._names: dict[str, list[str]] = {}
        self._paths = {str(path): name for name, path in root.files.items()}
        for name, path in root.files.items():
            if path == self._table:
                continue
            for key in {name.rpartition("/")[2], _without_suffix(name.rpartition("/")[2])}:
                self._names.setdefault(key, []).append(name)

    def clip(self, row: TableRow, split: str) -> Clip:
        where = f"{self._table.name} line {row.line}"
        if row.problem:
            return self._missing(row, split, note("bad_row", f"{where}: {row.problem}"))
        if not row.audio:
            return self._missing(row, split, note("missing_audio", f"{where} names no recording"))
        wanted = nfc(row.audio.replace("\\", "/")).removeprefix("./")
        if _leaves(row.audio):
            inside = self._paths.get(row.audio)
            if inside is None:
                message = f"{where}: `{row.audio[:100]}` points outside the folder"
                return self._missing(row, split, note("outside_folder", message))
            wanted = inside
        matches = self._matches(wanted)
        if not matches:
            message = f"{where}: there is no recording `{row.audio[:100]}`"
            return self._missing(row, split, note("missing_audio", message))
        if len(matches) > 1:
            message = f"{where}: `{row.audio[:100]}` may be {listed(matches)}"
            return self._missing(row, split, note("ambiguous_audio", message))
        path = self._root.files[matches[0]]
        facts = row.text, row.speaker, split
        return Clip(_without_suffix(row.audio), path, matches[0], *facts, raw=row.raw)

    def _missing(self, row: TableRow, split: str, reason: Note) -> Clip:
        name = _without_suffix(row.audio) or f"{self._table.stem}-line-{row.line}"
        return Clip(name, None, row.audio, row.text, row.speaker, split, (reason,))

    def _matches(self, wanted: str) -> list[str]:
        """Return the names that may be meant; in an archive, odd ones are stored under others."""
        for name in dict.fromkeys((wanted, stored_name(wanted))):
            found = self._found(name)
            if found:
                return found
        return []

    def _found(self, wanted: str) -> list[str]:
        for exact in (self._base + wanted, wanted):
            if exact in self._root.files and self._root.files[exact] != self._table:
                return [exact]
        last = wanted.rpartition("/")[2]
        for key in (last, _without_suffix(last)):
            names = [n for n in self._names.get(key, []) if _same_place(n, wanted)]
            media = [n for n in names if PurePosixPath(n).suffix.lower() in MEDIA]
            if names:
                return media or names
        return []


def _same_place(name: str, wanted: str) -> bool:
    """Tell whether one of two names is the end of the other, folder by folder.

    So `set/wavs/a.wav` finds `wavs/a.wav`, and `anna/1` never finds `bela/1.wav`.
    """
    one, other = "/" + _without_suffix(name), "/" + _without_suffix(wanted)
    return one.endswith(other) or other.endswith(one)


def _without_suffix(name: str) -> str:
    pure = PurePosixPath(name)
    return name[: -len(pure.suffix)] if pure.suffix.lower() in MEDIA else name


def _leaves(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith("/") or PureWindowsPath(name).drive != ""


def _subtitles_of(root: Root) -> dict[str, list[Path]]:
    """Return name without suffix -> subtitles: `talk.srt`, and `talk.am.srt`, belong to `talk`."""
    found: dict[str, list[Path]] = {}
    for name, path in root.files.items():
        if path.suffix.lower() in SUBTITLES:
            stem = name.rpartition(".")[0]
            found.setdefault(stem, []).append(path)
            base, _, code = stem.rpartition(".")
            if base and 2 <= len(code) <= 3 and code.isalpha():
                found.setdefault(base, []).append(path)
    return found


def _add_recordings(
    found: Collection, root: Root, used: Set[Path], cutting: Cutting | None
) -> None:
    media = {n: p for n, p in root.media().items() if p not in used}
    loose = [p for p in root.files.values() if p.suffix.lower() in SUBTITLES]
    subtitled = _subtitles_of(root)
    for name, path in media.items():
        beside = subtitled.get(name.rpartition(".")[0], [])
        if root.folder is None and not beside and len(media) == len(loose) == 1:
            beside = loose  # one recording and one subtitle file, given together
        if len(beside) > 1:
            raise UserError(
                f"`{path}` has several subtitle files: {listed([p.name for p in beside])}",
                "Choose one with --subtitles FILE",
            )
        if beside:
            message = f"cut by `{beside[0].name}`"
            found.findings.append(Finding("subtitles_found", message, "info", name))
            _add_cues(found, path, name, beside[0], cutting)
        elif cutting is not None and cutting.of(name).mode == "speech" and not found.clips:
            found.recordings.append(Recording(path, name, [], cutting.of(name)))
        elif not found.clips:
            found.findings.append(Finding("no_text", "no text belongs to it", subject=name))


def _add_subtitled(
    found: Collection, places: Sequence[Root], subtitles: Path, cutting: Cutting | None
) -> None:
    media = {n: p for root in places for n, p in root.media().items()}
    if len(media) > 1:
        media = {n: p for n, p in media.items() if p.stem == subtitles.stem} or media
    if len(media) != 1:
        raise UserError(
            f"--subtitles {subtitles} belongs to one recording, and the sources hold {len(media)}",
            "Give that recording alone",
        )
    [(name, path)] = media.items()
    _add_cues(found, path, name, subtitles, cutting)


def _add_cues(
    found: Collection, audio: Path, name: str, subtitles: Path, cutting: Cutting | None
) -> None:
    cues, findings = read_cues(subtitles)
    found.findings += findings
    settings = cutting.of(name) if cutting is not None else None
    if settings is not None and settings.mode == "exact":
        settings = None
    found.recordings.append(Recording(audio, name, cues, settings))
