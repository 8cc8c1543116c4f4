"""Bring a voice in that was made elsewhere: by another studio, or by another XTTS tool."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from amharic_tts.base_models.catalog import PRACTICE, SPEAKERS_FILE
from amharic_tts.dataset import archives
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress
from amharic_tts.files import (
    check_name,
    disk_errors,
    require_space,
    sync_files,
    sync_folder,
    write_text,
)
from amharic_tts.synthesis import foreign, notices, sums
from amharic_tts.synthesis.model_card import model_card
from amharic_tts.synthesis.reference import RATE, read_reference
from amharic_tts.synthesis.sums import SUMS, Meter, Tree
from amharic_tts.synthesis.voice_files import write_voice_json
from amharic_tts.synthesis.voices import REFERENCE, VOICE_JSON, Voice, check_voice, read_voice
from amharic_tts.tokenizer.settings import TextSettings, current
from amharic_tts.tokenizer.vocabulary import load_vocabulary
from amharic_tts.workspace import Workspace

MOST_FILES = 1000
MOST_BYTES = 8_000_000_000
"""Of all files; XTTS v2 has 1.9 GB, and 5.6 GB with what its trainer keeps beside."""
_TEXTS = re.compile(r"(LICEN[SC]E|NOTICE|COPYING)[\w.-]*", re.IGNORECASE)
_MOST_TEXT = 1_000_000
_SPARE = 5_000_000
_DEEPEST = 4


@dataclass(frozen=True)
class ImportRequest:
    """What is brought in, and what a person says about it."""

    source: Path
    """A folder, or an archive of one."""
    name: str = ""
    """In the workspace; made from the source by default."""
    language: str = ""
    """Which language it reads: needed where there is no `voice.json`."""
    text_mode: str = ""
    """`letters` or `phonemes`: needed where there is no `voice.json`."""
    g2p: str = ""
    """In phoneme mode, the backend; the default one where it is empty."""
    reference: Path | None = None
    """A recording of the voice, for one that has none."""


def import_voice(workspace: Workspace, request: ImportRequest) -> Iterator[Event]:
    """Bring a voice into the workspace, under a name that none has yet.

    A voice that the studio wrote is compared with its hashes. Of any other the files, the names and
    shapes of all weights and the vocabulary are checked, and nothing in them is run. What the
    studio does not know is left out and told.

    Yields:
        Progress and findings, then `Done` with ``voice``, ``folder``, ``language``, ``text_mode``,
        ``made_by`` (``studio`` or ``other``), ``bytes``, ``reference`` (whether it has a clip).

    Raises:
        UserError: The source is missing, hostile, too large, damaged or not whole; the language or
            text mode is not said; the name is taken; the disk is full.
    """
    source = request.source.expanduser().absolute()
    if not source.exists():
        raise UserError(f"There is no folder or archive `{source}`", "Look at its name")
    name = _name(workspace, request, source)
    with disk_errors(workspace.voices):
        workspace.voices.mkdir(parents=True, exist_ok=True)
        workspace.locks.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(workspace.locks / "voice-import.lock", timeout=0):
                for left in workspace.voices.glob(".import-*"):  # of an import that was killed
                    shutil.rmtree(left, ignore_errors=True)
                place = tempfile.TemporaryDirectory(dir=workspace.voices, prefix=".import-")
                with place as aside:
                    yield from _Import(workspace, request, source, name, Path(aside)).run()
        except Timeout:
            raise UserError(
                "Another voice is being brought in", "Wait for it, then do the same again"
            ) from None


def holds_voice_json(archive: Path) -> bool:
    """Tell whether a voice says itself how it reads text, without unpacking it.

    Raises:
        UserError: It can't be read.
    """
    if not archive.name.lower().endswith(".zip"):
        return False
    tree = Tree(archive)
    try:
        return VOICE_JSON in tree.names()
    finally:
        tree.close()


def _name(workspace: Workspace, request: ImportRequest, source: Path) -> str:
    """Return the name that the voice gets.

    Raises:
        UserError: It is taken, or can't be a name.
    """
    if request.name:
        name = check_name(request.name, "voice")
        if _is_taken(workspace, name):
            raise UserError(
                f"There is a voice or a run `{name}` already; nothing is written over",
                "Give another name",
            )
        return name
    stem = source.name
    for suffix in archives.SUFFIXES:
        stem = stem[: -len(suffix)] if source.is_file() and stem.endswith(suffix) else stem
    if stem == "ready":
        stem = source.parent.name
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", stem).strip(". ")[:60] or "voice"
    name, n = check_name(stem, "voice"), 1
    while _is_taken(workspace, name):
        n += 1
        name = f"{stem}-{n}"
    return name


def _is_taken(workspace: Workspace, name: str) -> bool:
    there = workspace.voices.iterdir() if workspace.voices.is_dir() else iter(())
    taken = {path.name.casefold() for path in there}
    return name.casefold() in taken or name == PRACTICE or workspace.run(name).exists()


@dataclass
class _Import:
    """One import on its way."""

    workspace: Workspace
    request: ImportRequest
    source: Path
    name: str
    aside: Path
    unpacked: bool = False
    made: Path = field(init=False)

    def __post_init__(self) -> None:
        self.made = self.aside / "made"

    def run(self) -> Iterator[Event]:
        root = yield from self._root()
        self.made.mkdir()
        with _plain_paths(root, self.made):
            ours = (root / VOICE_JSON).is_file()
            yield from self._ours(root) if ours else self._other(root)
        voice = read_voice(self.made)
        yield from _told_differences(voice)
        has_clip = voice.reference.is_file()
        if not has_clip:
            yield Finding(
                "no_reference",
                "It has no reference clip: give a recording each time it speaks, or bring it in "
                "again with one (--reference)",
            )
        self.made.chmod(0o755)
        for path in self.made.iterdir():
            path.chmod(0o644)
        sync_files(self.made, self.made.iterdir())
        size = sum(path.stat().st_size for path in self.made.iterdir())
        target = self.workspace.voice(self.name)
        if target.exists():
            raise UserError(f"There is a voice `{self.name}` already", "Give another name")
        self.made.rename(target)
        sync_folder(target.parent)
        yield Done(
            {
                "voice": self.name,
                "folder": str(target),
                "language": voice.language,
                "text_mode": voice.settings.text_mode,
                "made_by": "studio" if ours else "other",
                "bytes": size,
                "reference": has_clip,
            }
        )

    def _root(self) -> Generator[Event, None, Path]:
        """Return the folder that holds the files, unpacked if need be."""
        if self.source.is_dir():
            return _inner(self.source)
        if not archives.is_archive(self.source):
            raise UserError(
                f"`{self.source}` is neither a folder nor an archive",
                f"Give a folder, or a file that ends in {', '.join(archives.SUFFIXES)}",
            )
        if self.source.name.lower().endswith(".zip"):
            sums.opened(self.source).close()
        folder = self.aside / "unpacked"
        folder.mkdir()
        clock, told = None, 0
        for step in archives.unpack(self.source, folder, MOST_FILES, MOST_BYTES):
            if isinstance(step, Finding):
                raise UserError(
                    f"`{self.source}` is refused: {step.message}",
                    "A voice needs no links; pack the files themselves",
                )
            done, total = step
            clock = clock or Clock(round(total / 1e6, 1), "MB unpacked")
            if done - told > 1_000_000:
                told = done
                yield clock.progress(round(done / 1e6, 1))
        self.unpacked = True
        return _inner(folder)

    def _ours(self, root: Path) -> Iterator[Event]:
        """Take a voice that the studio wrote, each file compared with its hash."""
        if self.request.language or self.request.text_mode:
            yield Finding(
                "settings_known",
                "The voice says itself how it reads text; what was said about it is not used",
                level="info",
            )
        body = foreign.voice_body(root / VOICE_JSON)
        hashes = {name: str(one["sha256"]) for name, one in body["files"].items()}
        by = VOICE_JSON
        if (root / SUMS).is_file():
            by, listed = sums.expected(Tree(root))
            hashes = {**hashes, **listed}
        missing = [name for name in hashes if not (root / name).is_file()]
        sums.Report(by, 0, tuple(sorted(missing)), (), ()).require(self.source.name)
        faults = foreign.file_faults(root, _looked_at(root))
        if faults:
            raise UserError(_listed("The voice can't be used", faults))
        digests = yield from self._take(root, [*hashes, VOICE_JSON])
        changed = [name for name, digest in hashes.items() if digests[name] != digest]
        sums.Report(by, len(hashes), (), tuple(sorted(changed)), ()).require(self.source.name)
        if (root / SUMS).is_file():
            shutil.copyfile(root / SUMS, self.made / SUMS)
        yield Progress(0, 0, "Looking at the weights")
        settings = check_voice(self.made).settings
        foreign.check_weights(self.made, settings)
        foreign.check_speakers(self.made)
        if (self.made / REFERENCE).is_file():
            read_reference(self.made / REFERENCE)
        yield from _left_out(root, self.made)

    def _other(self, root: Path) -> Iterator[Event]:
        """Take what another XTTS tool wrote."""
        faults = foreign.file_faults(root, _looked_at(root))
        if faults:
            near = sorted(p.name for p in root.glob("*.pth") if p.name != SPEAKERS_FILE)[:5]
            hint = f"It holds these weights: {', '.join(near)}; the model must be called model.pth"
            raise UserError(
                _listed(f"`{self.source.name}` is no voice", faults), hint if near else ""
            )
        asked = self.request
        settings = foreign.text_settings(root, asked.language, asked.text_mode, asked.g2p)
        texts = [
            path.name
            for path in sorted(root.iterdir())
            if _TEXTS.fullmatch(path.name) and path.is_file() and path.stat().st_size < _MOST_TEXT
        ]
        yield from self._take(root, [*_looked_at(root), *texts])
        yield Progress(0, 0, "Looking at the weights")
        precision = foreign.check_weights(self.made, settings)
        foreign.check_speakers(self.made)
        clip = self._clip(root)
        if clip is not None:
            _write_clip(clip, self.made / REFERENCE)
        yield Progress(0, 0, "Writing voice.json")
        self._describe(settings, precision)
        yield Finding(
            "licence_assumed",
            "It is taken for a descendant of XTTS v2, bound by the Coqui Public Model License; its "
            "own papers may say more",
            level="info",
        )
        yield from _left_out(root, self.made, clip)

    def _describe(self, settings: TextSettings, precision: str) -> None:
        manifest = {"brought in from": self.source.name, "made with": "another XTTS tool"}
        found = Voice(self.name, self.made, settings, manifest=manifest)
        write_text(self.made / notices.CARD, model_card(settings, manifest, "", True))
        for name, text in notices.notices(found).items():
            if not (self.made / name).exists():
                write_text(self.made / name, text)
        names = sorted(path.name for path in self.made.iterdir())
        vocab = load_vocabulary(self.made / "vocab.json")
        write_voice_json(self.made, names, vocab, settings, "", manifest)
        body = json.loads((self.made / VOICE_JSON).read_text(encoding="utf-8"))
        body["taken"] = {"precision": precision}
        write_text(self.made / VOICE_JSON, json.dumps(body, ensure_ascii=False, indent=1))

    def _clip(self, root: Path) -> Path | None:
        """Return the reference clip of a voice of another tool, if it is clear which it is."""
        if self.request.reference is not None:
            return self.request.reference
        if (root / REFERENCE).is_file():
            return root / REFERENCE
        sounds = [path for path in root.iterdir() if path.suffix.lower() == ".wav"]
        return sounds[0] if len(sounds) == 1 else None

    def _take(self, root: Path, names: list[str]) -> Generator[Event, None, dict[str, str]]:
        """Copy files, or move what was unpacked here; return their hashes."""
        names = sorted(set(names))
        total = sum((root / name).stat().st_size for name in names)
        if total > MOST_BYTES:
            raise UserError(
                f"`{self.source.name}` has {total / 1e9:.1f} GB; a voice has {MOST_BYTES / 1e9:g} "
                "GB at most"
            )
        if not self.unpacked:
            require_space(self.made, total + _SPARE, "The voice")
        meter, found = Meter(total, "taking in"), {}
        for name in names:
            with open(root / name, "rb") as source, contextlib.ExitStack() as stack:
                sink = None
                if not self.unpacked:
                    sink = stack.enter_context(open(self.made / name, "wb"))
                found[name] = yield from meter.read(source, name, sink)
            if self.unpacked:
                (root / name).rename(self.made / name)
        return found


@contextlib.contextmanager
def _plain_paths(*folders: Path) -> Iterator[None]:
    """Name files in messages without the folder aside, which is gone when they are read."""
    try:
        yield
    except UserError as error:
        message = error.message
        for folder in folders:
            message = message.replace(f"{folder}{os.sep}", "").replace(str(folder), "the voice")
        raise UserError(message, error.hint) from error


def _inner(folder: Path) -> Path:
    """Return the folder with the files: archives often hold one folder with everything."""
    for _ in range(_DEEPEST):
        inside = [p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX"))]
        if len(inside) != 1 or not inside[0].is_dir():
            break
        folder = inside[0]
    return folder


def _told_differences(voice: Voice) -> Iterator[Finding]:
    """Tell where this installation reads text in another way than the voice."""
    own = voice.settings
    try:
        differences = current(own.language, own.text_mode, own.g2p).differences(own)
    except StudioError as error:
        differences = [error.message]
    if differences:
        yield Finding(
            "reads_otherwise",
            "This installation reads text in another way than the voice was trained with, and "
            f"can't speak with it as it is: {'; '.join(differences)}",
        )


def _write_clip(source: Path, target: Path) -> None:
    import soundfile

    soundfile.write(target, read_reference(source), RATE, subtype="PCM_16")


def _looked_at(root: Path) -> tuple[str, ...]:
    """Return the names of the files that can be looked at from outside."""
    speakers = (SPEAKERS_FILE,) if (root / SPEAKERS_FILE).is_file() else ()
    return (*foreign.STOCK_FILES, *speakers)


def _left_out(root: Path, made: Path, clip: Path | None = None) -> Iterator[Finding]:
    there = {path.name for path in made.iterdir()}
    left = [p.name for p in sorted(root.iterdir()) if p.name not in there and p != clip]
    if left:
        more = f" and {len(left) - 10} more" if len(left) > 10 else ""
        yield Finding(
            "left_out", f"Not needed to speak, left out: {', '.join(left[:10])}{more}", level="info"
        )


def _listed(message: str, faults: list[str]) -> str:
    return f"{message}:\n" + "\n".join(f"- {fault}" for fault in faults)
