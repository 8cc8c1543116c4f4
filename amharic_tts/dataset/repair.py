"""Mend a dataset: a plan first, then a new state of the dataset; the old sounds stay.

The plan comes from what the last check found. It names every change with its reason, and what is
left for people. Carrying it out writes new WAVs beside the old ones and then replaces the rows in
one step; a kill at any moment leaves the dataset as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from amharic_tts.dataset import prepare, versions
from amharic_tts.dataset.checks import store
from amharic_tts.dataset.checks.judge import middle_loudness
from amharic_tts.dataset.checks.record import Record
from amharic_tts.dataset.checks.resplit import Part
from amharic_tts.dataset.manifest import WAVS, Dataset, Utterance
from amharic_tts.dataset.mends import EBU_R128, KEEP, PEAK_DB, Mended, Mender
from amharic_tts.dataset.rules import MENDS, Note
from amharic_tts.dataset.summary import summary
from amharic_tts.dataset.wording import counted
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding
from amharic_tts.files import sync_files
from amharic_tts.workspace import Workspace

KINDS = ("trim", "normalise_loudness", "resample", "resplit", "drop")
"""What a repair can do."""
BY_HAND = ("edit_text", "listen")
LOUDNESS = (-40.0, -14.0)
"""LUFS that can be asked for."""
_LEVEL_ENOUGH = 1.0
"""LU from the target that are left alone."""


@dataclass(frozen=True)
class Action:
    """One change of one row."""

    id: str
    mend: str
    code: str
    """The finding that it answers."""
    reason: str
    before: float | None = None
    """The number that is mended, and what it will be; None where there is no such number."""
    after: float | None = None
    unit: str = ""
    start: float = 0.0
    """Trim: seconds that go at the start, and at the end."""
    end: float = 0.0
    target: float = EBU_R128
    """Normalise: LUFS to which the clip is brought."""
    parts: tuple[Part, ...] = ()
    """Re-split: the clips that it becomes."""


@dataclass(frozen=True)
class Plan:
    """Everything that a repair would change, and what it can't."""

    dataset: Dataset
    actions: tuple[Action, ...]
    by_hand: Mapping[str, int] = field(default_factory=dict)
    """Rows by code of what only people can put right."""
    unchecked: int = 0
    """Rows that changed since the last check; nothing is planned for them."""

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each mend."""
        counts = Counter(action.mend for action in self.actions)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def only(self, mends: Collection[str], ids: Collection[str] = ()) -> Plan:
        """Return the plan with some mends alone, and some rows alone where any are named.

        Raises:
            UserError: There is no such mend.
        """
        unknown = sorted(set(mends) - set(KINDS))
        if unknown:
            known = ", ".join(KINDS)
            raise UserError(f"`{unknown[0]}` is nothing that a repair can do", f"It can: {known}")
        chosen = tuple(
            action
            for action in self.actions
            if action.mend in mends and (not ids or action.id in ids)
        )
        return Plan(self.dataset, chosen, self.by_hand, self.unchecked)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        actions = []
        for action in self.actions:
            body = asdict(action)
            body["parts"] = [part.to_list() for part in action.parts]
            actions.append(body)
        head = {"dataset": self.dataset.name, "counts": self.counts, "unchecked": self.unchecked}
        return {**head, "by_hand": dict(self.by_hand), "actions": actions}


def plan(dataset: Dataset, loudness: float | None = None) -> Plan:
    """Return what a repair of a dataset would do, from its last check.

    Args:
        dataset: A loaded dataset.
        loudness: LUFS to which every clip is brought that is over 1 LU from it; None brings only
            the quiet and the loud ones, to the middle of the others.

    Raises:
        UserError: It was never checked, a file is damaged, or `loudness` is out of bounds.
    """
    if loudness is not None and not LOUDNESS[0] <= loudness <= LOUDNESS[1]:
        raise UserError(
            f"A loudness of {loudness:g} LUFS is out of bounds",
            f"Choose one from {LOUDNESS[0]:g} to {LOUDNESS[1]:g}; that of EBU R 128 is -23",
        )
    records = store.load(dataset.folder)
    if not records:
        raise UserError(
            f"`{dataset.name}` was not checked yet, so nothing is known to mend",
            f"Check it first: amharic-tts dataset validate {dataset.name}",
        )
    found = store.of_records(dataset, records)
    wish = _Loudness(loudness, _middle(dataset, records))
    actions: list[Action] = []
    by_hand: Counter[str] = Counter()
    for row in dataset.utterances:
        if row.id not in found:
            continue
        notes = [*_of_row(row), *(found[row.id] if row.accepted else [])]
        mine = _actions(row, records[row.id], notes, wish)
        actions += mine
        if any(action.mend == "drop" for action in mine):
            continue
        answered = {action.mend for action in mine}
        by_hand.update({n["code"] for n in notes if MENDS.get(n["code"]) not in answered})
    unchecked = sum(row.id not in found for row in dataset.utterances)
    return Plan(dataset, tuple(actions), dict(by_hand.most_common()), unchecked)


def _of_row(row: Utterance) -> list[Note]:
    """Return the findings of the build that a repair can answer, and has not yet."""
    if any(n["code"] == "split_up" for n in row.findings):
        return []
    return [n for n in row.findings if n["code"] == "too_long" and row.audio and not row.accepted]


@dataclass(frozen=True)
class _Loudness:
    """What was asked for, and the middle of the clips; LUFS."""

    asked: float | None
    middle: float


def _middle(dataset: Dataset, records: Mapping[str, Record]) -> float:
    sounds = [records[row.id].get("sound") for row in dataset.accepted() if row.id in records]
    middle = middle_loudness([sound for sound in sounds if sound])
    return EBU_R128 if middle is None else min(LOUDNESS[1], max(LOUDNESS[0], middle))


def _actions(
    row: Utterance, record: Record, notes: Sequence[Note], wish: _Loudness
) -> list[Action]:
    codes = {n["code"]: n for n in notes}
    for code in ("twin", "inaudible"):
        if codes.get(code, {}).get("mend") == "drop":
            return [_action(row, "drop", codes[code])]
    if "too_long" in codes:
        parts = tuple(Part(*part) for part in record.get("parts", ()))
        if not parts:
            return []
        longest = max(part.end - part.start for part in parts)
        return [_action(row, "resplit", codes["too_long"], row.duration, longest, "s", parts=parts)]
    if not row.accepted or not record.get("sound"):
        if row.accepted and record.get("other_form"):
            wrong: Note = {"code": "unreadable_audio", "message": record["unreadable"]}
            return [_action(row, "resample", wrong)]
        return []
    return [*_trims(row, record, codes), *_gains(row, record, codes, wish)]


def _trims(row: Utterance, record: Record, codes: Mapping[str, Note]) -> list[Action]:
    found = [codes[code] for code in ("silence_start", "silence_end") if code in codes]
    if not found:
        return []
    sound = record["sound"]
    # A trim that is made at all goes over both ends, so that the clips of a dataset are alike.
    start, end = (max(0.0, sound[f"quiet_{side}"] - KEEP) for side in ("start", "end"))
    after = row.duration - start - end
    return [
        _action(row, "trim", found[0], row.duration, after, "s", start=start, end=end),
    ]


def _gains(
    row: Utterance, record: Record, codes: Mapping[str, Note], wish: _Loudness
) -> list[Action]:
    before, peak = record["sound"]["loudness"], record["sound"]["peak_db"]
    target = wish.middle if wish.asked is None else wish.asked
    found = [codes[code] for code in ("quiet", "loud", "offset") if code in codes]
    if wish.asked is not None and abs(before - target) > _LEVEL_ENOUGH and not found:
        told = f"{before:.1f} LUFS, and {target:g} are wished"
        found = [{"code": "quiet" if before < target else "loud", "message": told}]
    if not found:
        return []
    after = before + min(target - before, PEAK_DB - peak)
    return [
        _action(row, "normalise_loudness", found[0], before, after, "LUFS", target=target),
    ]


def _action(
    row: Utterance,
    mend: str,
    why: Note,
    before: float | None = None,
    after: float | None = None,
    unit: str = "",
    **more: Any,
) -> Action:
    return Action(row.id, mend, why["code"], why["message"], before, after, unit, **more)


def repair(
    workspace: Workspace,
    name: str,
    mends: Collection[str] = KINDS,
    ids: Collection[str] = (),
    loudness: float | None = None,
) -> Iterator[Event]:
    """Carry out the plan of a dataset, or a part of it.

    Args:
        workspace: Where the dataset is.
        name: Of the dataset.
        mends: Which of `KINDS`.
        ids: Which rows; none: all of the plan.
        loudness: See `plan`.

    Yields:
        Findings, progress with the time left, then `Done` with `dataset.summary.summary`,
        ``repaired`` (rows by mend), ``by_hand``, and ``clips``: id, what was done, numbers before
        and after, measured.

    Raises:
        UserError: No such dataset or mend, no check, nothing to do, a full disk, or another
            process changes the dataset now.
    """
    folder = workspace.dataset(name)
    with prepare.held(workspace, folder.name):
        dataset = Dataset.load(folder)
        chosen = plan(dataset, loudness).only(mends, ids)
        if not chosen.actions:
            raise UserError(
                f"There is nothing in `{dataset.name}` that a repair can do",
                "See what was found with: amharic-tts dataset validate "
                f"{dataset.name}; texts and single clips are put right by hand",
            )
        yield from _repair(chosen)


def _repair(chosen: Plan) -> Iterator[Event]:
    dataset = chosen.dataset
    todo: dict[str, list[Action]] = {}
    for action in chosen.actions:
        todo.setdefault(action.id, []).append(action)
    records = store.load(dataset.folder)
    mender = Mender(dataset)
    clock = Clock(len(todo), "clips mended")
    made: dict[str, Mended] = {}
    for done, row in enumerate(r for r in dataset.utterances if r.id in todo):
        yield clock.progress(done)
        try:
            made[row.id] = mender.mend(row, todo[row.id], records[row.id])
        except UserError as error:
            yield Finding("not_mended", error.message, "warning", row.id)
    yield clock.progress(len(todo))
    rows: list[Utterance] = []
    for row in dataset.utterances:
        rows += made[row.id].rows if row.id in made else [row]
    fresh = [dataset.folder / one.audio for m in made.values() for one in m.rows if one.audio]
    if fresh:
        sync_files(dataset.folder / WAVS, fresh)
    dataset = versions.commit(dataset, rows, f"repair: {counted(len(made), 'clip')}")
    clips = [{"id": id, **one.told} for id, one in made.items()]
    numbers = {"repaired": chosen.counts, "by_hand": dict(chosen.by_hand), "clips": clips}
    yield Done({**summary(dataset), **numbers})
