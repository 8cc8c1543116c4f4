"""Build a dataset: sources in, 22.05 kHz mono clips with their findings out.

A build that is killed at any moment leaves the dataset as it was: WAVs are written first, under
names that no row has; then the rows are replaced in one step. WAVs that a killed build left behind
are written over, or moved to the trash, by the next one.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from amharic_tts.audio.read import RATE, probe
from amharic_tts.dataset import pronounce, split, versions
from amharic_tts.dataset.clips import ClipSound, Maker, clip_sound
from amharic_tts.dataset.cut_settings import Cutting
from amharic_tts.dataset.ledger import Ledger
from amharic_tts.dataset.manifest import HEADER, WAVS, Dataset
from amharic_tts.dataset.planning import planned
from amharic_tts.dataset.pronounce import Pronouncer
from amharic_tts.dataset.rules import CLIP_LIMIT, Encoder
from amharic_tts.dataset.sources import Clip, Collection, Recording, collect, keep_written
from amharic_tts.dataset.summary import summary
from amharic_tts.dataset.unpack import Unpacked, unpacked
from amharic_tts.dataset.wording import counted, listed
from amharic_tts.dataset.workers import ONE_PROCESS, PROCESS, Engine, mapped, running
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, require_space, sync_files
from amharic_tts.text.languages import canonical
from amharic_tts.text.normalize import normalize
from amharic_tts.workspace import Workspace

SPEAKER = "speaker"
_BETWEEN = 0.5
"""Seconds between two progress events."""
_LISTENING = 0.7
"""Share of the work on a recording that goes into finding its pauses."""
_SPARE = 20_000_000
_PROBED = 50


@dataclass(frozen=True)
class BuildRequest:
    """What a dataset is built from; the form of the page and the command fill it in."""

    sources: tuple[Path, ...]
    """Files and folders."""
    name: str
    """Name of the dataset; what is in it already is kept."""
    transcript: Path | None = None
    """Table of texts; None looks for one in each folder."""
    subtitles: Path | None = None
    """Subtitles of the one recording among the sources; None looks beside the recordings."""
    language: str = ""
    """Any spelling of a language code; empty is the dataset's own, Amharic for a new one."""
    speaker: str = SPEAKER
    """Speaker of the rows that name none."""
    eval_share: float = split.EVAL_SHARE
    """Share of the accepted clips that is kept for evaluation."""
    seed: int = 0
    """Seed of the split of a new dataset."""
    origin: str = ""
    """Written into a new dataset: `sample` for the sample project."""
    g2p: str = ""
    """Backend of the phonemes; empty is the dataset's own, the studio's default for a new one."""
    cutting: Cutting | None = None
    """How recordings are cut; None takes subtitles as they are written."""
    lexicon: Path | None = None
    """The user's words, which go before the backend; None is the dataset's own, if it has one."""
    engine: Engine = ONE_PROCESS
    """Where single clips are decoded and texts are read; long recordings are cut here."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        found = []
        if not self.sources:
            found.append("sources: choose at least one file or folder")
        if not 0 < self.eval_share < 1:
            found.append(f"eval_share: {self.eval_share} must be between 0 and 1")
        if not self.speaker.strip():
            found.append("speaker: give a name, or leave it out")
        found += self.cutting.problems() if self.cutting else []
        return found + self.engine.problems()


def build(
    workspace: Workspace, request: BuildRequest, encoder: Encoder | None = None
) -> Iterator[Event]:
    """Build a dataset or add to one.

    Args:
        workspace: Where the dataset lives.
        request: What to build it from.
        encoder: Counts tokens and unknown characters; None takes the default of the language.

    Yields:
        Findings and progress, then `Done` with `dataset.summary.summary` and the counts of this
        build: ``added``, ``already`` (there before), ``mended`` (refused before, accepted now).

    Raises:
        UserError: A wrong name, source, table or language; a full disk; another build at work.
    """
    problems = request.problems()
    if problems:
        raise UserError("The dataset can't be built:\n" + "\n".join(f"- {p}" for p in problems))
    folder = workspace.dataset(request.name)
    with held(workspace, folder.name):
        dataset = _open(folder, request)
        plain = Unpacked()
        for step in unpacked(workspace, request.sources):
            if isinstance(step, Unpacked):
                plain = step
            else:
                yield step
        collection = collect(plain.sources, request.transcript, request.subtitles, request.cutting)
        keep_written(collection, dataset.language)
        yield from collection.findings
        with running(request.engine):
            yield from _build(workspace, dataset, request, collection, encoder)
        plain.remove()


@contextlib.contextmanager
def held(workspace: Workspace, name: str, work: str = "dataset") -> Iterator[None]:
    """Hold a dataset against a second build of it; `work` tells apart what nests.

    Raises:
        UserError: Another process builds it now.
    """
    with disk_errors(workspace.locks):
        workspace.locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(workspace.locks / f"{work}-{name}.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout as error:
        raise UserError(
            f"The dataset `{name}` is being built by another process", "Wait until it is done"
        ) from error


def _open(folder: Path, request: BuildRequest) -> Dataset:
    """Return the dataset as it is, or a new, empty one."""
    language = canonical(request.language) if request.language else ""
    if Dataset.exists(folder):
        dataset = Dataset.load(folder)
        if language and language != dataset.language:
            raise UserError(
                f"The dataset `{folder.name}` is in `{dataset.language}`, not in `{language}`",
                "Choose another name for the new dataset",
            )
        pronounce.check_same(dataset, request.g2p, request.lexicon)
        return dataset
    if folder.exists() and not (folder / HEADER).exists() and any(folder.iterdir()):
        raise UserError(f"`{folder}` holds something that is not a dataset", "Choose another name")
    language = language or "am"
    spoken = pronounce.chosen(language, request.g2p, request.lexicon)
    return Dataset(folder, language, request.seed, request.origin, *spoken)


def _build(
    workspace: Workspace,
    dataset: Dataset,
    request: BuildRequest,
    collection: Collection,
    encoder: Encoder | None,
) -> Iterator[Event]:
    from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, default_encoder

    encoder = encoder or default_encoder(dataset.language)
    ledger = Ledger(dataset.utterances)
    _check_space(dataset.folder, collection)
    if not Dataset.exists(dataset.folder):
        if request.lexicon:
            pronounce.keep_lexicon(dataset, request.lexicon)
        dataset.save_header()
    speaker, spoken = request.speaker.strip(), pronounce.Pronouncer(dataset)
    maker = Maker(
        *(dataset.folder, dataset.language, encoder, MAX_TEXT_TOKENS, ledger, speaker, spoken),
        elsewhere=_decoded_elsewhere(dataset, collection, request.engine),
    )
    yield from _read_elsewhere(dataset, collection, spoken, request.engine)
    left_behind = _unknown_wavs(dataset)
    yield from _make_rows(maker, collection, workspace.cache)
    new = split.assign(ledger.kept, ledger.new, ledger.wishes, dataset.seed, request.eval_share)
    # The rows must not be durable before the sounds that they name are.
    fresh = [dataset.folder / row.audio for row in new if row.audio]
    if fresh:
        sync_files(dataset.folder / WAVS, fresh)
    dataset = versions.commit(dataset, ledger.rows(new), _reason(request))
    yield from _sweep(workspace, dataset, left_behind)
    yield from _closing_findings(dataset, ledger)
    counts = {"added": ledger.added, "already": ledger.already, "mended": ledger.mended}
    yield Done({**summary(dataset), **counts})


def _reason(request: BuildRequest) -> str:
    """Return, in words, what makes the new version."""
    return f"built from {listed([path.name for path in request.sources])}"


def _decoded_elsewhere(
    dataset: Dataset, collection: Collection, engine: Engine
) -> Iterator[ClipSound] | None:
    """Return the clips' sounds as workers decode them, or None where it is done here."""
    if engine.name == PROCESS:
        return None
    known = frozenset(r.source_hash for r in dataset.accepted() if r.source_hash and not r.span)
    decode = functools.partial(clip_sound, known=known)
    return mapped(decode, (clip.audio for clip in collection.clips), engine, chunk=4)


def _read_elsewhere(
    dataset: Dataset, collection: Collection, spoken: Pronouncer, engine: Engine
) -> Iterator[Progress]:
    """Have workers read all texts, in normalised form, before they are asked for."""
    if engine.name == PROCESS:
        return
    written = [clip.text for clip in collection.clips]
    written += [cue.text for recording in collection.recordings for cue in recording.cues]
    texts = list(dict.fromkeys(normalize(text, dataset.language).text for text in written))
    clock = Clock(len(texts), "texts read")
    yield clock.progress(0)
    spoken.learn(texts, engine)


def _make_rows(maker: Maker, collection: Collection, cache: Path) -> Iterator[Event]:
    """Make all rows; yield the progress in clips, at most every half second, and findings."""
    work: list[Clip | Recording] = [*collection.clips, *collection.recordings]
    sizes = [_size(item) for item in work]
    clock = Clock(sum(sizes), "clips")
    done, told = 0.0, time.monotonic()
    for item, size in zip(work, sizes, strict=True):
        for step in _steps(maker, item, cache):
            if isinstance(step, Event):
                yield step
            elif time.monotonic() - told > _BETWEEN:
                told = time.monotonic()
                yield clock.progress(round(done + step * size, 1 if clock.total < 20 else None))
        done += size
        if time.monotonic() - told > _BETWEEN and done < clock.total:
            told = time.monotonic()
            yield clock.progress(done)
    yield Progress(clock.total, clock.total, "clips", 0.0)


def _size(item: Clip | Recording) -> int:
    """Return how many clips are expected of an item."""
    if isinstance(item, Clip):
        return 1
    return max(1, item.clips(0.0 if item.cues else _seconds(item.audio, math.inf)))


def _steps(maker: Maker, item: Clip | Recording, cache: Path) -> Iterator[Event | float]:
    """Make the rows of an item; yield the share that is done, and findings."""
    heard = 0.0
    if isinstance(item, Recording) and item.settings is not None:
        for step in planned(item, cache):
            if isinstance(step, float):
                yield step * _LISTENING
            elif isinstance(step, Finding):
                yield step
            else:
                item = step
        heard = _LISTENING
    if isinstance(item, Clip):
        maker.clip(item)
        return
    for event in maker.recording(item):
        yield event if isinstance(event, Event) else heard + (1 - heard) * event


def _check_space(folder: Path, collection: Collection) -> None:
    """Refuse to begin where the WAVs would not fit; clips are judged by some of them.

    Raises:
        UserError: The disk has too little space.
    """
    files = [clip.audio for clip in collection.clips if clip.audio]
    some = files[:: max(1, len(files) // _PROBED)]
    seconds = [_seconds(path) for path in some]
    total = sum(seconds) / max(1, len(seconds)) * len(files)
    for recording in collection.recordings:
        if not recording.cues:
            total += _seconds(recording.audio, math.inf)
        total += sum(min(CLIP_LIMIT, max(0.0, cue.end - cue.start)) for cue in recording.cues)
    require_space(folder, round(total * RATE * 2) + _SPARE, "The dataset")


def _seconds(path: Path, limit: float = CLIP_LIMIT) -> float:
    try:
        return min(limit, probe(path).duration or 0.0)
    except UserError:
        return 0.0  # it will be a row with its reason


def _unknown_wavs(dataset: Dataset) -> set[Path]:
    """Return what lies among the WAVs and belongs to no row: left behind by a killed build.

    What an earlier version or an edit names belongs to it, so that both can be brought back.
    """
    folder = dataset.folder / WAVS
    if not folder.is_dir():
        return set()
    known = {dataset.folder / name for name in versions.sounds(dataset)}
    return {path for path in folder.iterdir() if path not in known}


def _sweep(workspace: Workspace, dataset: Dataset, left_behind: set[Path]) -> Iterator[Finding]:
    """Move to the trash what a killed build left behind and this one had no use for."""
    known = {dataset.folder / row.audio for row in dataset.utterances if row.audio}
    rest = sorted(path for path in left_behind - known if path.exists())
    for path in rest:
        workspace.discard(path)
    if rest:
        files = counted(len(rest), "file")
        message = f"{files} left behind by a killed build, moved to `{workspace.trash}`"
        yield Finding("left_behind", message, "info")


def _closing_findings(dataset: Dataset, ledger: Ledger) -> Iterator[Finding]:
    """Yield what is worth knowing about the build as a whole."""
    if ledger.replaced:
        message = f"{counted(ledger.replaced, 'clip')} without a text, of recordings cut anew, gone"
        yield Finding("cut_anew", message, "info")
    if ledger.already:
        message = (
            f"{ledger.already} of these rows were in the dataset already; they stay as they are"
        )
        yield Finding("already_there", message, "info")
    if ledger.changed_text:
        message = (
            f"{counted(len(ledger.changed_text), 'clip')} in the dataset already with another "
            f"text, which stays: {listed(ledger.changed_text)}; build under another name to use "
            "the new text"
        )
        yield Finding("changed_text", message)
    if ledger.other_takes:
        message = (
            f"{counted(len(ledger.other_takes), 'clip')} in the dataset already by another take, "
            f"which stays: {listed(ledger.other_takes)}; for the new one, build under another name"
        )
        yield Finding("other_take", message)
    if ledger.changed_sound:
        message = (
            f"{counted(len(ledger.changed_sound), 'recording')} named like one in the dataset but "
            f"with another content; both are kept: {listed(ledger.changed_sound)}"
        )
        yield Finding("changed_sound", message)
    yield from _g2p_findings(dataset, ledger)
    yield from split.findings(dataset.utterances)
    if not dataset.accepted():
        notes = [n for r in dataset.utterances for n in r.findings if n["level"] == "error"]
        counts = Counter(n["code"] for n in notes)
        reasons = ", ".join(f"{code} {count}" for code, count in counts.most_common(3))
        yield Finding("nothing_accepted", f"no row can be trained on: {reasons}", "error")


_G2P = {
    "g2p_fallback": "whose phonemes another backend made than the chosen `{g2p}`",
    "g2p_quality": "whose phonemes can't be right",
    "g2p_unpronounced": "with characters that have no sound in Amharic",
}


def _g2p_findings(dataset: Dataset, ledger: Ledger) -> Iterator[Finding]:
    """Yield how many rows of this build have each note on their phonemes."""
    for code, what in _G2P.items():
        rows = [row.id for row in ledger.new if code in {n["code"] for n in row.findings}]
        if rows:
            number = counted(len(rows), "row")
            yield Finding(code, f"{number} {what.format(g2p=dataset.g2p)}: {listed(rows)}")
