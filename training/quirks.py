"""What an untouched base makes of two habits of stock coqui: `python -m training.quirks`.

In training, stock coqui hides the text's STOP from the audio and asks for four STOPs where
inference reaches one (`training.model`). Which of it the released weights are used to only they can
tell, so here a base reads clips that it can read, untrained, under each combination. Everything is
counted by target, since more STOPs in the mean make it smaller whatever the base is used to:

* ``codes``: the mean loss of the audio codes that count. Later STOPs can't change it; hiding the
  text's STOP can.
* ``stop`` and ``later_stops``: the loss of the first STOP and of those after it.
* ``text``: the mean loss of the text. ``loss``: all together as training weighs it.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from amharic_tts import events, machine
from amharic_tts.base_models import PRACTICE, resolve
from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.base_models.practice import build
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError
from amharic_tts.events import Clock, Done, Event, Failed, Finding, Progress
from amharic_tts.tokenizer import settings as text_settings
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.weights import extend_state
from amharic_tts.workspace import Workspace
from training.base import Base, build_gpt, gpt_state, read_base, special_tokens
from training.codes import AudioCodes
from training.data import ClipDataset, Limits, StyleMel, load_clips
from training.model import IGNORED, PackedBatch, PackedXtts, Row, pack

logger = logging.getLogger(__name__)

BATCH = 4
CERTAIN = 2.0
"""Standard errors from zero at which a difference is believed."""


class Habit(NamedTuple):
    """A way to train."""

    name: str
    extra_stops: int
    hide_text_stop: bool


HABITS = (
    Habit("plain", 0, False),
    Habit("hide_text_stop", 0, True),
    Habit("extra_stops=3", 3, False),
    Habit("both", 3, True),
)


@dataclasses.dataclass
class Sums:
    """Summed losses and counts of one habit."""

    totals: dict[str, float] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    by_clip: list[float] = dataclasses.field(default_factory=list)
    """Mean loss of the codes of each clip."""

    def add(self, part: str, losses: Tensor) -> None:
        """Add the losses of some targets."""
        self.totals[part] = self.totals.get(part, 0.0) + float(losses.double().sum())
        self.counts[part] = self.counts.get(part, 0) + losses.numel()

    def mean(self, *parts: str) -> float | None:
        """Return the mean over the targets of some parts; None where there are none."""
        count = sum(self.counts.get(part, 0) for part in parts)
        total = sum(self.totals.get(part, 0.0) for part in parts)
        return total / count if count else None


def measure(workspace: Workspace, base_name: str, name: str, clips: int) -> Iterator[Event]:
    """Read clips of a dataset with an untouched base under each habit.

    Args:
        workspace: Where the base and the dataset are.
        base_name: `practice`, `xtts-v2` or a folder.
        name: A dataset, best in a language of the base.
        clips: At most so many, those kept for evaluation first.

    Yields:
        Progress and findings; last `Done` with ``base``, ``dataset``, ``clips``, ``rows`` (one for
        each habit), ``hiding`` (mean and standard error of its change of the codes' loss, over
        clips) and ``meaning`` (lines for people).

    Raises:
        UserError: The base or the dataset can't be used.
    """
    folder = resolve(workspace, base_name)
    base = read_base(build(folder) if base_name == PRACTICE else folder)
    dataset = _first_rows(Dataset.load(workspace.dataset(name)), clips)
    model, encoder, known = _load(base, dataset.language)
    if not known:
        what = f"the base does not know `{dataset.language}`: these figures tell nothing about it"
        yield Finding("habits.language", what, "warning", dataset.language)
    device = machine.training_device("auto")
    codes = AudioCodes(base.folder, workspace.cache, device)
    told: list[Event] = [Progress(0, len(dataset.utterances), "audio codes")]
    yield told.pop()
    limits = Limits(base.max_text, base.max_codes)
    found, _ = load_clips(dataset, encoder, codes, limits, told.append)
    yield from told
    rows = ClipDataset(found, StyleMel(base.folder / "mel_stats.pth"), evaluation=True)
    sums = {habit: Sums() for habit in HABITS}
    clock = Clock(len(found), "clips read")
    model.to(device)
    for first in range(0, len(found), BATCH):
        batch = [rows[i] for i in range(first, min(first + BATCH, len(found)))]
        for habit in HABITS:
            _read(model, batch, habit, sums[habit])
        yield clock.progress(first + len(batch))
    yield Done({"base": base_name, "dataset": name, "clips": len(found), **_result(model, sums)})


def _first_rows(dataset: Dataset, clips: int) -> Dataset:
    """Return a dataset of the first accepted rows, those kept for evaluation before the others."""
    chosen = sorted(dataset.accepted(), key=lambda row: (row.split != "eval", row.id))[:clips]
    rows = tuple(dataclasses.replace(row, split="train") for row in chosen)
    return dataclasses.replace(dataset, utterances=rows)


def _load(base: Base, language: str) -> tuple[PackedXtts, TextEncoder, bool]:
    """Return the untouched model, its encoder, and whether it knows the language."""
    old = vocabulary.load_vocabulary(base.folder / "vocab.json")
    settings = text_settings.current(language)
    known = vocabulary.language_tag(settings.language) in vocabulary.token_ids(old)
    extension = vocabulary.extend(old, settings.language)
    encoder = TextEncoder(extension.vocab, settings)
    model = PackedXtts(build_gpt(base, special_tokens(base, encoder.ids), encoder.size))
    state = gpt_state(load_model_state(base.folder / "model.pth"))
    state = extend_state(state, extension.old_size, extension.new_size, 0)
    model.load_state_dict(state, strict=True)
    return model.eval(), encoder, known


def _read(model: PackedXtts, rows: Sequence[Row], habit: Habit, sums: Sums) -> None:
    """Add the losses of a batch, each target to its part."""
    packed = pack(rows, model.special, habit.extra_stops, habit.hide_text_stop)
    device = next(model.parameters()).device
    batch: Any = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in packed.items()}
    with torch.no_grad():
        text_logits, mel_logits = model.logits(PackedBatch(**batch))
    text = batch["text_labels"]
    counted = text != IGNORED
    sums.add("text", F.cross_entropy(text_logits.float(), text, reduction="none")[counted])
    labels, stop = batch["labels"], model.special.mel_stop
    losses = F.cross_entropy(mel_logits.float(), labels, reduction="none")
    is_stop, later = labels == stop, batch["mel_tokens"] == stop
    is_code = (labels != IGNORED) & ~is_stop
    sums.add("codes", losses[is_code])
    sums.add("stop", losses[is_stop & ~later])
    sums.add("later_stops", losses[is_stop & later])
    row = batch["mel_slots"] // packed["row_length"]
    for number in range(len(rows)):
        mine = losses[is_code & (row == number)]
        if mine.numel():  # else the prompt covers all of it
            sums.by_clip.append(float(mine.mean()))


def _result(model: PackedXtts, sums: dict[Habit, Sums]) -> dict[str, Any]:
    rows = []
    for habit, found in sums.items():
        text, mel = found.mean("text"), found.mean("codes", "stop", "later_stops")
        parts = {part: found.mean(part) for part in ("codes", "stop", "later_stops")}
        loss = model.text_weight * (text or 0.0) + model.mel_weight * (mel or 0.0)
        rows.append({"habit": habit.name, "loss": loss, "text": text, **parts})
    shown, hidden = sums[HABITS[0]].by_clip, sums[HABITS[1]].by_clip
    changes = [b - a for a, b in zip(shown, hidden, strict=True)]
    mean = sum(changes) / len(changes) if changes else 0.0
    spread = sum((change - mean) ** 2 for change in changes)
    error = math.sqrt(spread / (len(changes) - 1) / len(changes)) if len(changes) > 1 else None
    later = sums[HABITS[2]].mean("later_stops") or 0.0
    return {
        "rows": rows,
        "hiding": {"mean": mean, "error": error},
        "meaning": [meaning_of_hiding(mean, error), meaning_of_stops(later)],
    }


def meaning_of_hiding(mean: float, error: float | None) -> str:
    """Say what the change of the codes' loss by hiding the text's STOP tells."""
    if error is None:
        return "hide_text_stop: one clip tells nothing; take more"
    figure = f"hiding changes the loss of a code by {mean:+.5f} (standard error {error:.5f})"
    if abs(mean) <= CERTAIN * error:
        return f"{figure}: no difference is seen; leave hide_text_stop off, as at inference"
    if mean > 0:
        return f"{figure}: the base reads better with the STOP shown; leave hide_text_stop off"
    return (
        f"{figure}: the base is used to a hidden STOP; with hide_text_stop on, training goes on as "
        "it was, and off, it learns what inference shows"
    )


def meaning_of_stops(loss: float) -> str:
    """Say what the loss of the STOPs after the first one tells."""
    chance = math.exp(-loss)
    figure = f"after a STOP the base expects another with {chance:.1%}"
    if chance > 0.5:
        return (
            f"{figure}: it was trained with extra_stops; inference never reaches them, so 0 costs "
            "nothing"
        )
    return f"{figure}: it was not trained with extra_stops; leave them at 0"


def main(arguments: Sequence[str]) -> int:
    """Measure and write events as JSON lines; the command `train-habits` calls this.

    Args:
        arguments: Workspace, base, dataset and number of clips.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not come between the events
    final: Event | None = None
    try:
        root, base, dataset, clips = arguments
        for final in measure(Workspace.open(Path(root)), base, dataset, int(clips)):
            told.write(events.to_json(final) + "\n")
            told.flush()
        return 0
    except StudioError as error:
        final = Failed(error.message, error.hint, error.exit_code)
    told.write(events.to_json(final) + "\n")
    told.flush()
    return final.exit_code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
