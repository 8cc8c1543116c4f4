"""Decisions about clips: text, ends, split, merge, accept, reject, undo; each one journal entry.

A new sound is written first, under a name that holds its hash, and never over another; then the
entry that names it. The rows that were split or merged stay, refused, with the note ``replaced``,
so that nothing brings their recordings in a second time and an undo finds them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from amharic_tts.audio.read import RATE
from amharic_tts.dataset.journal import Change, Edit, Journal
from amharic_tts.dataset.lookup import Loaded, Rows
from amharic_tts.dataset.manifest import WAVS, Dataset, Utterance
from amharic_tts.dataset.remake import Remaker, whole_cut
from amharic_tts.dataset.rules import Encoder, note
from amharic_tts.dataset.states import Fields
from amharic_tts.errors import UserError

BY_HAND = "by hand"
_TAKEN_BACK = ("rejected_by_hand", "dropped")
SHORTEST = 0.05
"""Seconds; less than this is no clip."""
SPLIT_MARK = "|"
"""Where a text is divided when its clip is split."""


@dataclass(frozen=True)
class Bulk:
    """What accepting or rejecting many clips would do; `Editor.carry_out` does it."""

    kind: str
    """``accept`` or ``reject``."""
    pairs: tuple[tuple[Utterance, Utterance], ...]
    """The clips that would change: as they are, and as they would be."""
    unchanged: int = 0
    """Clips that are so already."""
    barred: dict[str, str] = field(default_factory=dict)
    """Clips that stay as they are, and why: training would drop them, or they were replaced."""

    @property
    def mark(self) -> str:
        """What tells whether a plan that is made again is the one that a person has agreed to."""
        digest = hashlib.sha256(self.kind.encode())
        for row, _ in self.pairs:
            digest.update(row.to_line().encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:24]


def bulk(kind: str, rows: Iterable[Utterance], why: str = "") -> Bulk:
    """Plan to accept or to reject rows, such as `table.ClipTable.found` yields; changes nothing.

    Args:
        kind: ``accept`` or ``reject``.
        rows: As they are now; a row may come twice.
        why: Of a rejection; kept with the clips, but not over a reason that a person gave before.
    """
    pairs, barred, unchanged = [], {}, 0
    for row in {row.id: row for row in rows}.values():
        reason = _became(row) and f"it was {_became(row)}"
        reason = reason or (_barred(row) if kind == "accept" else "")
        by_hand = any(item["code"] == "rejected_by_hand" for item in row.findings)
        if reason:
            barred[row.id] = reason
        elif row.accepted if kind == "accept" else by_hand and not row.accepted:
            unchanged += 1
        else:
            pairs.append((row, _accepted(row) if kind == "accept" else _rejected(row, why)))
    return Bulk(kind, tuple(pairs), unchanged, barred)


class Editor:
    """Turns decisions into journal entries.

    Args:
        dataset: Its header, with the number of the state that `rows` shows.
        rows: Where rows are looked up.
        by: Who decides; `undo` takes back what the same one did.
        encoder: Judges texts; None takes the default of the language.
    """

    def __init__(
        self, dataset: Dataset, rows: Rows, by: str = BY_HAND, encoder: Encoder | None = None
    ) -> None:
        self.dataset, self.rows, self.by = dataset, rows, by
        self._make = Remaker(dataset, rows, encoder)

    def text(self, id: str, text: str, seen: str | None = None) -> Edit:
        """Give a clip another text.

        Args:
            id: Which clip.
            text: The new text, as a person writes it.
            seen: The text that was there when it was decided; None takes what is there now.

        Raises:
            UserError: Another text has been written meanwhile.
        """
        row = self.rows.row(id)
        if seen is not None and seen != row.text:
            raise UserError(
                f"`{id}` has another text meanwhile: {row.text}",
                "Look at it as it is now, then decide again",
            )
        return self.texts({id: text}, BY_HAND)

    def texts(self, texts: Mapping[str, str], written_by: str) -> Edit:
        """Give clips other texts in one entry.

        Args:
            texts: The new text of each.
            written_by: Kept in the rows, such as ``recognised by MODEL``.
        """
        pairs = []
        for id, text in texts.items():
            row = self.rows.row(id)
            self._alive(row)
            pairs.append((row, self._make.with_text(row, " ".join(text.split()), written_by)))
        return self._apply("text", pairs, [])

    def speaker(self, ids: Sequence[str], name: str) -> Edit:
        """Say whose voice clips are.

        Raises:
            UserError: The name is empty.
        """
        if not name.strip():
            raise UserError("The speaker needs a name")
        rows = [self.rows.row(id) for id in ids]
        new = [(row, dataclasses.replace(row, speaker=name.strip())) for row in rows]
        return self._apply("speaker", new, [])

    def accept(self, ids: Sequence[str]) -> Edit:
        """Take clips back that were rejected by hand.

        Raises:
            UserError: One has a reason for refusal that is not a person's; training would drop it.
        """
        pairs = []
        for id in ids:
            row = self.rows.row(id)
            self._alive(row)
            reasons = _barred(row)
            if reasons:
                raise UserError(
                    f"`{id}` can't be accepted: {reasons}",
                    "Training would leave it out; mend its text or its ends first",
                )
            pairs.append((row, _accepted(row)))
        return self._apply("accept", pairs, [])

    def reject(self, ids: Sequence[str], why: str = "") -> Edit:
        """Leave clips out of the training; `why` is kept with them."""
        pairs = []
        for id in ids:
            row = self.rows.row(id)
            self._alive(row)
            pairs.append((row, _rejected(row, why)))
        return self._apply("reject", pairs, [])

    def carry_out(self, plan: Bulk) -> Edit:
        """Accept or reject many clips in one entry, which one `undo` takes back.

        Raises:
            UserError: None of them would change, or one has been changed since it was planned.
        """
        if not plan.pairs:
            reasons = "; ".join(f"`{id}`: {why}" for id, why in list(plan.barred.items())[:3])
            raise UserError("Nothing would change" + (f"; {reasons}" if reasons else ""))
        return self._apply(plan.kind, plan.pairs, [])

    def ends(self, id: str, start: float, end: float) -> Edit:
        """Move the ends of a clip, as far as the sound reaches that it was cut from.

        Args:
            id: Which clip.
            start: Seconds in that sound (`whole_of`).
            end: Seconds in that sound.

        Raises:
            UserError: The ends are outside the sound, or in the wrong order.
        """
        row = self.rows.row(id)
        self._alive(row)
        samples = self._make.whole(row)
        _check_ends(row, start, end, len(samples) / RATE)
        return self._apply("ends", [(row, self._make.cut(row, samples, start, end))], [])

    def split(self, id: str, at: float, texts: tuple[str, str] | None = None) -> Edit:
        """Make two clips of one.

        Args:
            id: Which clip.
            at: Where, in seconds of the clip.
            texts: Texts of both; None divides the clip's text at `SPLIT_MARK`, or where its share
                of the letters is that of the time.

        Raises:
            UserError: One of them would be nearly nothing.
        """
        row = self.rows.row(id)
        self._alive(row)
        if not SHORTEST <= at <= row.duration - SHORTEST:
            raise UserError(
                f"`{id}` can't be split at {at:.2f} s: it is {row.duration:.2f} s long",
                "Choose a place between its ends",
            )
        said = texts or divided(row.text, at / row.duration)
        samples, (start, end) = self._make.whole(row), whole_cut(row)
        made: list[Utterance] = []
        places = ((start, start + at), (start + at, end))
        for letter, text, (begin, stop) in zip("ab", said, places, strict=True):
            piece = dataclasses.replace(row, id=self._free(f"{row.id}-{letter}", made))
            piece = self._make.cut(piece, samples, begin, stop, but=row.id)
            made.append(self._make.with_text(piece, text, row.text_by or BY_HAND, but=row.id))
        named = " and ".join(f"`{piece.id}`" for piece in made)
        return self._apply("split", [(row, _replaced(row, f"split into {named}"))], made)

    def merge(self, ids: Sequence[str]) -> Edit:
        """Make one clip of several, in the order of the dataset.

        Pieces of one sound are joined with what lies between them; others end to end.

        Raises:
            UserError: Fewer than two clips, one without a sound, or several speakers.
        """
        rows = [self.rows.row(id) for id in self.rows.in_order(dict.fromkeys(ids))]
        if len(rows) < 2:
            raise UserError("Merging takes at least two clips")
        for row in rows:
            self._alive(row)
        if len({row.speaker for row in rows}) > 1:
            names = ", ".join(f"`{name}`" for name in sorted({row.speaker for row in rows}))
            raise UserError(f"These clips can't be merged: they have several speakers ({names})")
        first, last = rows[0], rows[-1]
        both = dataclasses.replace(
            first,
            id=self._free(f"{first.id}-m", []),
            split="eval" if all(row.split == "eval" for row in rows) else "train",
            measures={},
            findings=[],
        )
        places = [whole_cut(row) for row in rows]
        ordered = all(a[1] <= b[0] + 1e-6 for a, b in itertools.pairwise(places))
        if len({row.whole for row in rows}) == 1 and first.whole and ordered:
            whole = self._make.whole(first)
            both = self._make.cut(both, whole, places[0][0], places[-1][1], but=first.id)
        else:
            sound = np.concatenate([self._make.sound(row) for row in rows])
            both = dataclasses.replace(both, span=_spans(first, last), whole="", cut=None)
            both = self._make.with_sound(both, sound, f"{WAVS}/{both.id}", but=first.id)
        texts = " ".join(row.text for row in rows if row.text)
        both = self._make.with_text(both, texts, first.text_by or BY_HAND, but=first.id)
        gone = [(row, _replaced(row, f"merged into `{both.id}`")) for row in rows]
        return self._apply("merge", gone, [both], behind=last.id)

    def undo(self) -> Edit:
        """Take back what this one decided last.

        Raises:
            UserError: There is nothing, or someone else has changed it since.
        """
        return Journal(self.dataset.folder).undo(self.by)

    def _apply(
        self,
        kind: str,
        pairs: Sequence[tuple[Utterance, Utterance]],
        made: Sequence[Utterance],
        behind: str = "",
    ) -> Edit:
        changes = [_change(old, new) for old, new in pairs]
        behind = behind or (pairs[-1][0].id if pairs else "")
        for row in made:
            changes.append(Change(row.id, None, row.fields(), behind))
            behind = row.id
        edit = Edit(kind, tuple(c for c in changes if c.after), self.by, self.dataset.state)
        if not edit.changes:
            raise UserError("Nothing would change")
        return Journal(self.dataset.folder).apply(edit)

    def _alive(self, row: Utterance) -> None:
        how = _became(row)
        if how:
            raise UserError(f"`{row.id}` was {how}", "Edit those clips instead")

    def _free(self, wanted: str, taken: Sequence[Utterance]) -> str:
        name, n = wanted, 1
        while self.rows.has(name) or any(row.id == name for row in taken):
            n += 1
            name = f"{wanted}{n}"
        return name


def _check_ends(row: Utterance, start: float, end: float, seconds: float) -> None:
    if start < 0 or end > seconds + 0.5 / RATE:
        raise UserError(
            f"The ends {start:.2f} to {end:.2f} s are outside the sound of `{row.id}`, which "
            f"is {seconds:.2f} s long"
        )
    if end - start < SHORTEST:
        raise UserError(f"Nothing is left of `{row.id}` between {start:.2f} and {end:.2f} s")


def divided(text: str, share: float) -> tuple[str, str]:
    """Return a text in two: at `SPLIT_MARK`, or between the words where the share of the letters is
    nearest to `share`."""
    if SPLIT_MARK in text:
        before, _, after = text.partition(SPLIT_MARK)
        return before.strip(), after.strip()
    words = text.split()
    letters = [sum(map(len, words[:n])) for n in range(len(words) + 1)]
    wanted = share * letters[-1]
    n = min(range(len(letters)), key=lambda n: abs(letters[n] - wanted))
    return " ".join(words[:n]), " ".join(words[n:])


def _became(row: Utterance) -> str:
    """Return what a row was made into, or an empty text where it is there still."""
    return next((str(n["message"]) for n in row.findings if n["code"] == "replaced"), "")


def _barred(row: Utterance) -> str:
    """Return why training would drop a row, whatever a person decides; else an empty text."""
    found = [item for item in row.findings if item["code"] not in _TAKEN_BACK]
    return "; ".join(str(item["message"]) for item in found if item["level"] == "error")


def _accepted(row: Utterance) -> Utterance:
    found = [item for item in row.findings if item["code"] not in _TAKEN_BACK]
    return dataclasses.replace(row, findings=found, decision="accepted")


def _rejected(row: Utterance, why: str) -> Utterance:
    kept = [item for item in row.findings if item["code"] != "rejected_by_hand"]
    found = [*kept, note("rejected_by_hand", why.strip() or "rejected by hand")]
    return dataclasses.replace(row, findings=found, decision="rejected")


def _replaced(row: Utterance, how: str) -> Utterance:
    found = [*row.findings, note("replaced", how)]
    return dataclasses.replace(row, findings=found, decision="rejected")


def _change(old: Utterance, new: Utterance) -> Change:
    was, now = old.fields(), new.fields()
    names = [name for name in now if was[name] != now[name]]
    before: Fields = {name: was[name] for name in names}
    return Change(old.id, before, {name: now[name] for name in names})


def _spans(first: Utterance, last: Utterance) -> tuple[float, float] | None:
    """Return the place of a merged clip in the recording, where both ends are of one."""
    if first.source_hash != last.source_hash or first.span is None or last.span is None:
        return None
    return (first.span[0], last.span[1])


def editor(folder: Path, by: str = BY_HAND, encoder: Encoder | None = None) -> Editor:
    """Return an editor of a dataset that is loaded for it.

    Raises:
        UserError: There is no dataset, or it is damaged.
    """
    dataset = Dataset.load(folder)
    return Editor(dataset, Loaded(dataset), by, encoder)
