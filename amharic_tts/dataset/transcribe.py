"""Write the missing texts of a dataset by speech recognition; the user's own are never touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from amharic_tts.dataset import rules, split
from amharic_tts.dataset.export import write_exports
from amharic_tts.dataset.journal import Change, Edit, Journal
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.prepare import held
from amharic_tts.dataset.pronounce import Pronouncer
from amharic_tts.dataset.rules import Encoder, Note, note
from amharic_tts.dataset.summary import summary
from amharic_tts.dataset.wording import counted, listed
from amharic_tts.dataset.workers import ONE_PROCESS, Engine
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.recognition import catalog, session
from amharic_tts.recognition.base import Heard
from amharic_tts.recognition.session import Recognised, Sound
from amharic_tts.text.normalize import normalize
from amharic_tts.workspace import Workspace

BY = "recognised by "
"""Begins `Utterance.text_by` of a recognised text; the recogniser's name follows."""
_UNSURE = 0.5
"""Confidence below which a word is told."""
_OF_TEXT = frozenset(
    (
        *(*rules.TEXT_CODES, "duplicate_text", "unsure_words"),
        *("g2p_fallback", "g2p_quality", "g2p_unpronounced"),
    )
)
"""Findings about a text, which go with it."""


@dataclass(frozen=True)
class TranscribeRequest:
    """What is transcribed, and how; the form of the page and the command fill it in."""

    name: str
    """Of the dataset."""
    model: str = ""
    """Name in the catalog, hub id or folder; empty is the language's default."""
    again: bool = False
    """Whether texts that a recogniser wrote are written anew; others never are."""
    engine: Engine = field(default=ONE_PROCESS)
    device: str = "auto"
    threads: int = 0
    revision: str = ""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        found = self.engine.problems()
        if not self.name.strip():
            found.append("name: choose a dataset")
        if self.threads < 0:
            found.append(f"threads: {self.threads} is less than 0")
        return found


def waiting(dataset: Dataset, again: bool = False) -> list[Utterance]:
    """Return the rows that have sound and wait for a text.

    Args:
        dataset: A loaded dataset.
        again: Whether rows count whose text a recogniser wrote.
    """
    return [
        row
        for row in dataset.utterances
        if row.audio
        and (not row.text.strip() or (again and row.text_by.startswith(BY)))
        and not any(item["code"] == "duplicate" for item in row.findings)
    ]


def transcribe(
    workspace: Workspace, request: TranscribeRequest, encoder: Encoder | None = None
) -> Iterator[Event]:
    """Write the missing texts of a dataset.

    What was heard is remembered at once; the rows are written at the end, and where the work is
    stopped before it. The same request goes on where it was, after a kill too.

    Args:
        workspace: Where the dataset lives.
        request: What to do.
        encoder: Counts tokens and unknown characters; None takes the default of the language.

    Yields:
        Findings, progress in seconds of sound, then `Done` with `dataset.summary.summary` and
        ``transcribed``, ``silent`` (nothing was heard), ``unreadable`` and ``model``.

    Raises:
        UserError: No such dataset, the recogniser is not here, another build at work, a full disk.
    """
    problems = request.problems()
    if problems:
        raise UserError("The work can't begin:\n" + "\n".join(f"- {p}" for p in problems))
    folder = workspace.dataset(request.name)
    dataset = Dataset.load(folder)
    rows = waiting(dataset, request.again)
    model = request.model or catalog.default(dataset.language)
    if not rows:
        yield Finding("nothing_waits", "every clip has its text already", "info")
        counts = {"transcribed": 0, "silent": 0, "unreadable": 0}
        yield Done({**summary(dataset), **counts, "model": model})
        return
    settings = session.settings_for(
        workspace,
        *(model, dataset.language, request.engine),
        *(request.device, request.threads, request.revision),
    )
    with held(workspace, folder.name):
        yield from _Work(workspace, dataset, settings, request, encoder).run(rows)


@dataclass
class _Work:
    workspace: Workspace
    dataset: Dataset
    settings: session.Settings
    request: TranscribeRequest
    encoder: Encoder | None
    silent: int = 0
    unreadable: int = 0
    transcribed: int = 0

    def __post_init__(self) -> None:
        self._fresh: dict[str, Utterance] = {}
        self._unsure: list[str] = []
        self._judge = Judge(self.dataset, self.encoder)

    def run(self, rows: Sequence[Utterance]) -> Iterator[Event]:
        memory = session.memory_of(self.workspace, self.settings)
        work = session.Session[str](self.settings, memory, self.request.engine)
        by_id = {row.id: row for row in rows}
        try:
            for step in work.run(Sound(row.id, self.dataset.wav(row)) for row in rows):
                if isinstance(step, Progress):
                    yield step
                    continue
                yield from self._take(by_id[step.sound.name], step)
        finally:
            if self._fresh:  # also where the work was stopped
                self.dataset = stored(self.dataset, self._fresh, self.request.again)
                write_exports(self.dataset)
        yield from self._closing()
        counts = {key: getattr(self, key) for key in ("transcribed", "silent", "unreadable")}
        yield Done({**summary(self.dataset), **counts, "model": self.settings.files.name})

    def _take(self, row: Utterance, step: Recognised[str]) -> Iterator[Finding]:
        if step.error is not None:
            self.unreadable += 1
            yield Finding("unreadable_audio", step.error.message, "error", row.id)
            return
        changed = self._judge.heard(row, step.heard, self.settings.files.name)
        if not changed.text:
            self.silent += 1
            if row.text:  # what another model heard is better than nothing
                return
        else:
            self.transcribed += 1
        if any(item["code"] == "unsure_words" for item in changed.findings):
            self._unsure.append(row.id)
        self._fresh[row.id] = changed

    def _closing(self) -> Iterator[Finding]:
        if self.silent:
            message = f"{counted(self.silent, 'clip')} without words; they stay refused"
            yield Finding("nothing_heard", message)
        if self._unsure:
            number = counted(len(self._unsure), "clip")
            message = f"{number} with words that the recogniser is not sure of"
            yield Finding("unsure_words", f"{message}: {listed(self._unsure)}")


def stored(dataset: Dataset, rows: Mapping[str, Utterance], again: bool) -> Dataset:
    """Put recognised rows into a dataset as it is now, and return it.

    Rows that got a text by other hands since they were read stay as they are. Those that had no
    text were on no side of the split yet, so they are given one.

    Args:
        dataset: As it was read.
        rows: Id -> row with its new text.
        again: Whether rows may take the place of recognised ones.
    """
    now = Dataset.load(dataset.folder)
    old = {row.id: row for row in waiting(now, again)}
    fresh = {id: row for id, row in rows.items() if id in old}
    begun = [row for id, row in fresh.items() if not old[id].accepted]
    new = {row.id for row in begun}
    kept = [fresh.get(row.id, row) for row in now.utterances if row.id not in new]
    placed = split.assign(kept, begun, [""] * len(begun), now.seed)
    fresh |= {row.id: row for row in placed}
    fields = ("text", "text_by", "normalized", "phonemes", "g2p", "findings", "decision", "split")
    changes = []
    for id, row in fresh.items():
        before, after = old[id].fields(), row.fields()
        changes.append(
            Change(id, {key: before[key] for key in fields}, {key: after[key] for key in fields})
        )
    if changes:
        by = next((row.text_by for row in fresh.values() if row.text_by), "speech recognition")
        Journal(dataset.folder).apply(Edit("text", tuple(changes), by, state=now.state))
    return Dataset.load(dataset.folder)


class Judge:
    """Judges rows anew that have another text, as a build would."""

    def __init__(self, dataset: Dataset, encoder: Encoder | None = None) -> None:
        """Load what it needs.

        Raises:
            UserError: The language has no encoder, or the G2P of the dataset can't be loaded.
        """
        from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, default_encoder

        self._language, self._limit = dataset.language, MAX_TEXT_TOKENS
        self._encoder = encoder or default_encoder(dataset.language)
        self._pronouncer = Pronouncer(dataset)
        self._texts = {row.normalized: row.id for row in dataset.accepted() if row.normalized}

    def heard(self, row: Utterance, heard: Heard, model: str) -> Utterance:
        """Return a row with what was heard as its text.

        Args:
            row: The row; the findings about its sound stay.
            heard: What a recogniser heard in it.
            model: Name of the recogniser.
        """
        found = [item for item in row.findings if item["code"] not in _OF_TEXT]
        normalized = normalize(heard.text, self._language).text
        if not heard.text:
            found.append(note("empty_text", f"`{model}` heard no words"))
        else:
            found += rules.text_notes(heard.text, self._encoder, self._limit)[0]
        phonemes, g2p, odd = self._pronouncer.read(normalized)
        if not rules.is_refused(found):
            found += [*self._twin(row.id, normalized), *odd]
        if heard.text:
            found += _unsure_notes(heard)
        decision = "rejected" if rules.is_refused(found) else "accepted"
        if decision == "accepted":
            self._texts.setdefault(normalized, row.id)
        return replace(
            row,
            text=heard.text,
            text_by=f"{BY}{model}" if heard.text else "",
            normalized=normalized,
            phonemes=phonemes,
            g2p=g2p,
            findings=found,
            decision=decision,
        )

    def _twin(self, id: str, normalized: str) -> list[Note]:
        other = self._texts.get(normalized, id)
        return [] if other == id else [note("duplicate_text", f"`{other}` has the same text")]


def _unsure_notes(heard: Heard) -> list[Note]:
    unsure = [word for word in heard.words if word.confidence < _UNSURE]
    if not unsure:
        return []
    least = min(word.confidence for word in unsure)
    message = f"the recogniser is not sure of {listed([word.text for word in unsure])}"
    return [note("unsure_words", message) | {"value": least, "unit": "", "mend": "listen"}]
