"""What a build is given: files and folders, with a transcript table or with subtitles.

Turns them into clips (one file, one text) and recordings (one file, many cues); reads no sound.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from amharic_tts.dataset.rules import Note, note
from amharic_tts.dataset.subtitles import Cue, read_cues
from amharic_tts.dataset.tables import TableRow, read_table
from amharic_tts.dataset.wording import counted, listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_SOUND = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".wma", ".amr")
_MORE_SOUND = (".aiff", ".aif", ".caf", ".w64", ".au", ".mka")
_VIDEO = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".mpg", ".mpeg", ".ts", ".flv")
MEDIA = frozenset((*_SOUND, *_MORE_SOUND, *_VIDEO))
SUBTITLES = frozenset((".srt", ".vtt", ".ass", ".ssa"))
TABLES = frozenset((".csv", ".tsv", ".txt"))
_PAIR = ("metadata_train.csv", "metadata_eval.csv")
_TABLE_NAMES = frozenset(
    f"{stem}{suffix}" for stem in ("metadata", "transcript", "transcripts") for suffix in TABLES
)
_HINT = (
    "Give a table with --transcript FILE (lines `id|text`), or put subtitles with the same name "
    "beside the recording"
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


@dataclass(frozen=True)
class Recording:
    """A long recording and its subtitles."""

    audio: Path
    source: str
    cues: list[Cue]


@dataclass
class Collection:
    """Everything that a build will go through, in order."""

    clips: list[Clip] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.clips) + sum(len(r.cues) for r in self.recordings)


@dataclass(frozen=True)
class Root:
    """The files of one folder, or the files that were given one by one (`folder` None)."""

    folder: Path | None
    files: dict[str, Path]
    """Name relative to the folder, with `/` -> path."""

    def media(self) -> dict[str, Path]:
        return {n: p for n, p in self.files.items() if p.suffix.lower() in MEDIA}

    def top(self) -> dict[str, Path]:
        return {n: p for n, p in self.files.items() if "/" not in n}


def collect(
    sources: Sequence[Path], transcript: Path | None = None, subtitles: Path | None = None
) -> Collection:
    """Find the clips and recordings of the sources.

    Args:
        sources: Files and folders.
        transcript: The table; where it is None, one is looked for in each folder.
        subtitles: Subtitles of the one recording among the sources.

    Raises:
        UserError: A source is missing, no text belongs to any recording, or it is not clear which.
    """
    roots = _roots(sources)
    found = Collection()
    used: set[Path] = set()
    if transcript is not None:
        used |= _add_table(found, _merged(roots), [transcript], told=True)
    else:
        for root in roots:
            tables = _find_tables(root)
            if tables:
                used |= _add_table(found, root, tables, told=root.folder is None)
    if subtitles is not None:
        _add_subtitled(found, roots, subtitles)
    else:
        for root in roots:
            _add_recordings(found, root, used)
    if not found.rows:
        names = [name for root in roots for name in root.media()]
        raise UserError(
            f"No text was found for {listed(names)}" if names else
            f"No recordings were found in {listed([str(s) for s in sources])}",
            _HINT if names else "",
        )  # fmt: skip
    return found


def _merged(roots: Sequence[Root]) -> Root:
    """Return the files of all sources as one root, for a table that speaks about all of them."""
    if len(roots) == 1:
        return roots[0]
    files = {}
    for root in roots:
        # With the folder's name before it, a name that two folders have stays ambiguous.
        prefix = f"{root.folder.name}/" if root.folder else ""
        files.update({prefix + name: path for name, path in root.files.items()})
    return Root(None, files)


def _roots(sources: Sequence[Path]) -> list[Root]:
    roots: list[Root] = []
    single: dict[str, Path] = {}
    for source in sources:
        source = source.expanduser().absolute()
        if source.is_dir():
            roots.append(Root(source, _walk(source)))
        elif source.is_file():
            name, n = _nfc(source.name), 1
            while name in single and single[name] != source:
                n += 1  # two uploads of one name: both stay
                name = _nfc(f"{source.stem}-{n}{source.suffix}")
            single[name] = source
        else:
            raise UserError(f"There is no file or folder `{source}`")
    return [*roots, Root(None, single)] if single else roots


def _walk(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                path = Path(parent) / name
                files[_nfc(path.relative_to(folder).as_posix())] = path
    return files


def _nfc(name: str) -> str:
    # A name that is not UTF-8 comes with lone surrogates, which no JSON file can hold.
    return unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))


def _find_tables(root: Root) -> list[Path]:
    top = root.top()
    if root.folder is None:
        candidates = [p for p in top.values() if p.suffix.lower() in TABLES]
    else:
        names = {n: p for n, p in top.items() if n.lower() in {*_TABLE_NAMES, *_PAIR}}
        names |= {n: p for n, p in top.items() if n.lower().endswith(".tsv")}
        candidates = list(names.values())
    pair = [p for name in _PAIR for p in candidates if p.name.lower() == name]
    if len(pair) == 2 and len(candidates) == 2:
        return pair
    if len(candidates) > 1:
        raise UserError(
            f"There are several transcript tables: {listed([str(p) for p in candidates])}",
            "Choose one with --transcript FILE",
        )
    return candidates


def _add_table(found: Collection, root: Root, tables: Sequence[Path], told: bool) -> set[Path]:
    """Add the rows of a table, or of a train and eval pair, and return the files that they name."""
    used = set()
    for path in tables:
        table = read_table(path)
        if not told:
            found.findings.append(
                Finding("transcript_found", f"the text comes from `{path.name}`", "info")
            )
        found.findings += table.findings
        split = ""
        if len(tables) == 2:
            split = "eval" if path.name.lower() == _PAIR[1] else "train"
        index = _Index(root, path)
        for row in table.rows:
            clip = index.clip(row, split)
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

    def __init__(self, root: Root, table: Path) -> None:
        self._root, self._table = root, table
        self._names: dict[str, list[str]] = {}
        self._paths = {str(path): name for name, path in root.files.items()}
        for name, path in root.files.items():
            if path == table:
                continue
            for key in {name.rpartition("/")[2], _without_suffix(name.rpartition("/")[2])}:
                self._names.setdefault(key, []).append(name)

    def clip(self, row: TableRow, split: str) -> Clip:
        where = f"{self._table.name} line {row.line}"
        if row.problem:
            return self._missing(row, split, note("bad_row", f"{where}: {row.problem}"))
        if not row.audio:
            return self._missing(row, split, note("missing_audio", f"{where} names no recording"))
        wanted = _nfc(row.audio.replace("\\", "/")).removeprefix("./")
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
        return Clip(_without_suffix(row.audio), path, matches[0], row.text, row.speaker, split)

    def _missing(self, row: TableRow, split: str, reason: Note) -> Clip:
        name = _without_suffix(row.audio) or f"{self._table.stem}-line-{row.line}"
        return Clip(name, None, row.audio, row.text, row.speaker, split, (reason,))

    def _matches(self, wanted: str) -> list[str]:
        if wanted in self._root.files and self._root.files[wanted] != self._table:
            return [wanted]
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


def _add_recordings(found: Collection, root: Root, used: Set[Path]) -> None:
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
            _add_cues(found, path, name, beside[0])
        elif not found.clips:
            found.findings.append(Finding("no_text", "no text belongs to it", subject=name))


def _add_subtitled(found: Collection, roots: Sequence[Root], subtitles: Path) -> None:
    media = {n: p for root in roots for n, p in root.media().items()}
    if len(media) > 1:
        media = {n: p for n, p in media.items() if p.stem == subtitles.stem} or media
    if len(media) != 1:
        raise UserError(
            f"--subtitles {subtitles} belongs to one recording, and the sources hold {len(media)}",
            "Give that recording alone",
        )
    [(name, path)] = media.items()
    _add_cues(found, path, name, subtitles)


def _add_cues(found: Collection, audio: Path, name: str, subtitles: Path) -> None:
    cues, findings = read_cues(subtitles)
    found.findings += findings
    found.recordings.append(Recording(audio, name, cues))
