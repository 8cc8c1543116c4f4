"""Which clips are kept for evaluation: whole recordings, seeded, and never moved again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence

from amharic_tts.dataset.manifest import Utterance
from amharic_tts.events import Finding

EVAL_SHARE = 0.1
LARGEST_SHARE = 1 / 3
"""Share of the clips that one recording may take away from training."""


def recording(row: Utterance) -> str:
    """Return what the recording of a row is known by: its content, or its name where it is lost."""
    return row.source_hash or row.source or row.id


def assign(
    kept: Sequence[Utterance],
    new: Sequence[Utterance],
    fixed: Sequence[str],
    seed: int,
    share: float = EVAL_SHARE,
) -> list[Utterance]:
    """Return the new rows with their split; rows that are there already keep theirs.

    Recordings go to eval in the order of a seeded hash of their names until eval has its share of
    the accepted clips; one that would take more than a third of them is passed over. A recording
    that is there already keeps its side. Where no recording fits (there is only one, say), clips
    are split by their own seeded hash. Eval is never empty when two clips are accepted.

    Args:
        kept: The rows of the dataset so far.
        new: The rows of this build.
        fixed: For each new row the split that its table asks for, or an empty text.
        seed: The dataset's seed.
        share: Share of the accepted clips that eval should have.
    """
    splits = [wish or "" for wish in fixed]
    sides: dict[str, str] = {}
    for row in kept:
        if row.accepted:  # a recording on both sides was split by clips: what is new in it trains
            same = sides.setdefault(recording(row), row.split) == row.split
            sides[recording(row)] = row.split if same else "train"
    if any(splits):
        return _finish(kept, new, [wish or "train" for wish in splits], seed)
    for i, row in enumerate(new):
        splits[i] = sides.get(recording(row), "")
    total = sum(row.accepted for row in [*kept, *new])
    target = max(1, round(share * total))
    have = sum(row.accepted and row.split == "eval" for row in kept)
    clips = Counter(recording(r) for r, s in zip(new, splits, strict=True) if r.accepted and not s)
    # By name, not by content: a synthetic sample sounds the same, but its bytes differ each time.
    names = {recording(row): row.source or row.id for row in reversed(new)}
    for name in sorted(clips, key=lambda key: (_hash(seed, names[key]), key)):
        most = total * LARGEST_SHARE if have == 0 else target
        if have < target and have + clips[name] <= most:
            have += clips[name]
            sides[name] = "eval"
    splits = [s or sides.get(recording(row), "train") for row, s in zip(new, splits, strict=True)]
    return _finish(kept, new, splits, seed, target)


def _finish(
    kept: Sequence[Utterance],
    new: Sequence[Utterance],
    splits: Sequence[str],
    seed: int,
    target: int = 1,
) -> list[Utterance]:
    """Set the splits; where one side stays empty, move some of the new clips by their own hash."""
    rows = [dataclasses.replace(row, split=split) for row, split in zip(new, splits, strict=True)]
    order = sorted(range(len(rows)), key=lambda i: _hash(seed, _clip_key(rows[i])))
    mine = [i for i in order if rows[i].accepted]
    everything = [*kept, *rows]
    accepted = [row for row in everything if row.accepted]
    if len(accepted) < 2:
        return rows
    for side, wanted in (("eval", target), ("train", 1)):
        if not any(row.split == side for row in accepted):
            for i in mine[: min(wanted, len(accepted) - 1)]:
                rows[i] = dataclasses.replace(rows[i], split=side)
            accepted = [row for row in [*kept, *rows] if row.accepted]
    return rows


def _clip_key(row: Utterance) -> str:
    return row.audio_hash or row.id


def _hash(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def findings(rows: Sequence[Utterance]) -> list[Finding]:
    """Return what is worth knowing about the split of a dataset."""
    accepted = [row for row in rows if row.accepted]
    recordings: dict[str, set[str]] = {}
    for row in accepted:
        recordings.setdefault(recording(row), set()).add(row.split)
    if any(len(sides) > 1 for sides in recordings.values()):
        message = (
            "train and eval share a recording, because none is small enough to be kept for eval "
            "as a whole: the eval loss looks a little better than it is"
        )
        return [Finding("split_by_clips", message, "info")]
    if len(accepted) == 1:
        return [Finding("no_eval", "one clip is accepted: there is none left for eval")]
    return []
