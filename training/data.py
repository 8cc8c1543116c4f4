"""Clips of a dataset as rows for the model: which are trained on, in which order, which prompt.

Everything that is drawn is a pure function of (seed, epoch, clip): no global random state, so
loader workers, a resume in mid-epoch and a second process all see the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler
from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram

from amharic_tts.errors import UserError
from amharic_tts.events import Event, Finding
from training.base import RATE, STRIDE
from training.codes import AudioCodes, read_clip
from training.model import PackedBatch, Row, SpecialTokens, pack

PROMPT_MIN, PROMPT_MAX = 66150, 132300
"""Samples of a prompt slice, 3 to 6 s: coqui's `min_` and `max_conditioning_length`."""
MEGA_BATCH = 50
"""At most so many batches' worth of shuffled clips are sorted by length together."""


@dataclass(frozen=True)
class Clip:
    """One clip that is trained on."""

    id: str
    wav: Path
    samples: int
    tokens: tuple[int, ...]
    codes: np.ndarray
    """(ceil(samples / 1024),) audio codes."""
    hash: str
    """SHA-256 of the wav file."""

    @property
    def length(self) -> int:
        """Tokens of its row, for grouping by length."""
        return len(self.tokens) + len(self.codes)


@dataclass(frozen=True)
class Limits:
    """What the model has positions for."""

    text: int
    codes: int


def load_clips(
    dataset: Any,
    encoder: Any,
    codes: AudioCodes,
    limits: Limits,
    emit: Callable[[Event], None],
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Clip], list[Clip]]:
    """Return the clips for training and for evaluation; every other row is named in a finding.

    Args:
        dataset: An ``amharic_tts.dataset.manifest.Dataset``.
        encoder: The run's ``TextEncoder``; the report's checks use it, as the dataset page does.
        codes: Where audio codes come from.
        limits: The model's.
        emit: Takes the findings.
        tick: Called as (done, total) after each clip; may raise to stop.

    Raises:
        UserError: No row can be trained on; the reasons are counted in the message.
    """
    from amharic_tts.dataset import validate

    report = validate.check(dataset, encoder)
    by_id = {row.id: row for row in report.rows}
    refused: list[Finding] = []
    found: dict[str, list[Clip]] = {"train": [], "eval": []}
    total = len(dataset.utterances)
    for done, utterance in enumerate(dataset.utterances, 1):
        row = by_id[utterance.id]
        if row.decision != "accepted":
            refused += _refusals(row)
        else:
            loaded = _load(utterance, dataset.wav(utterance), encoder, codes, limits)
            if isinstance(loaded, Finding):
                refused.append(loaded)
            else:
                found[utterance.split].append(loaded)
        tick(done, total)
    for finding in refused:
        emit(finding)
    if not found["train"]:
        why = _reasons(refused, total)
        raise UserError(
            f"Nothing in the dataset `{dataset.name}` can be trained on: {why}",
            f"See every row with: amharic-tts dataset check {dataset.name}",
        )
    return found["train"], found["eval"]


def _load(
    utterance: Any, wav: Path, encoder: Any, codes: AudioCodes, limits: Limits
) -> Clip | Finding:
    """Return a clip, or why it can't be trained on although the dataset accepts it."""
    try:
        samples = read_clip(wav)
    except UserError as error:
        return Finding("row.unreadable_audio", error.message, "warning", utterance.id)
    tokens = encoder.encode(encoder.prepare(utterance.text))
    made, digest = codes.get(wav, samples)
    over = ""
    if len(tokens) > limits.text:
        over = f"{len(tokens)} text tokens, and the model has room for {limits.text}"
    elif len(made) > limits.codes:
        over = f"{len(made)} audio codes, and the model has room for {limits.codes}"
    if over:
        return Finding("row.too_many_tokens", over, "warning", utterance.id)
    return Clip(utterance.id, wav, len(samples), tuple(tokens), made, digest)


def _refusals(row: Any) -> list[Finding]:
    """Return why the dataset's report refuses a row."""
    why = [f for f in row.findings if f["level"] == "error"] or list(row.findings)
    if not why:
        return [Finding("row.rejected", "left out in the dataset", "warning", row.id)]
    return [Finding(f"row.{f['code']}", f["message"], "warning", row.id) for f in why]


def _reasons(refused: Sequence[Finding], total: int) -> str:
    if not total:
        return "it has no rows"
    if not refused:
        return "all its rows are kept for evaluation"
    counts: dict[str, int] = {}
    for finding in refused:
        counts[finding.code] = counts.get(finding.code, 0) + 1
    first = {f.code: f"`{f.subject}`: {f.message}" for f in reversed(refused)}
    return "; ".join(f"{n} of {total} rows, such as {first[code]}" for code, n in counts.items())


def training_slice(samples: int, seed: int, epoch: int, index: int) -> tuple[int, int]:
    """Return (start, count) of the prompt of a clip in an epoch, by coqui's rule.

    3 to 6 s anywhere in the clip, and half of the clip where it is shorter than what was drawn.
    """
    draw = random.Random(f"{seed}-{epoch}-{index}")
    count = draw.randint(PROMPT_MIN, PROMPT_MAX)
    if samples < count:
        count = samples // 2
    return draw.randint(0, samples - count), count


def eval_slice(samples: int) -> tuple[int, int]:
    """Return (start, count) of the prompt in evaluation: always the same.

    Coqui takes the first 4.5 s; here at most half of the clip, since the prompt is not scored and
    a clip of 4.6 s would have next to nothing left.
    """
    return 0, min((PROMPT_MIN + PROMPT_MAX) // 2, samples // 2)


class StyleMel:
    """The mel that the conditioning encoder reads; the settings are coqui's for XTTS v2."""

    def __init__(self, mel_stats: Path) -> None:
        self._mel = TorchMelSpectrogram(
            filter_length=2048,
            hop_length=256,
            win_length=1024,
            normalize=False,
            sampling_rate=RATE,
            mel_fmin=0,
            mel_fmax=8000,
            n_mel_channels=80,
            mel_norm_file=str(mel_stats),
        )

    def __call__(self, prompt: np.ndarray) -> Tensor:
        """(samples,) float32 -> (80, 517): padded with silence to 6 s, as in coqui's training."""
        padded = np.zeros(PROMPT_MAX, dtype=np.float32)
        padded[: len(prompt)] = prompt
        with torch.no_grad():
            mel: Tensor = self._mel(torch.from_numpy(padded)[None])[0]
        return mel


class ClipDataset(TorchDataset[Row]):
    """Rows of clips; the key ``epoch * len + index`` says which prompt slice is drawn.

    A negative key, ``-1 - key``, is the same row as a blank one.
    """

    def __init__(
        self, clips: Sequence[Clip], style: StyleMel, seed: int = 0, evaluation: bool = False
    ) -> None:
        self.clips, self._style = clips, style
        self._seed, self._evaluation = seed, evaluation

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [clip.length for clip in self.clips]

    def __getitem__(self, key: int) -> Row:
        blank, key = key < 0, max(key, -1 - key)
        epoch, index = divmod(key, len(self.clips))
        clip = self.clips[index]
        if self._evaluation:
            start, count = eval_slice(clip.samples)
        else:
            start, count = training_slice(clip.samples, self._seed, epoch, index)
        return Row(
            clip=index,
            text=torch.tensor(clip.tokens),
            codes=torch.from_numpy(clip.codes),
            cond_mel=self._style(read_clip(clip.wav, start, count)),
            prompt=(start // STRIDE, -(-(start + count) // STRIDE)),
            blank=blank,
        )


class GroupedSampler(Sampler[int]):
    """Every clip exactly once an epoch, clips of like length together, by (seed, epoch) alone.

    Clips are shuffled, cut into mega-batches, sorted by length inside each and cut into batches;
    then the whole batches are shuffled, so that long ones do not always come first. A last short
    batch stays last: the loader cuts this order blindly every `batch_size` clips.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, multiple: int = 1
    ) -> None:
        """Make the order of the first epoch.

        Args:
            lengths: Tokens of each clip.
            batch_size: Clips of an optimizer step, over processes and forward passes.
            seed: Of the order.
            multiple: The epoch is filled up with blank rows to a multiple of this: clips of one
                forward pass over all processes. Else accelerate would repeat clips.
        """
        self._lengths, self._batch_size, self._seed = lengths, batch_size, seed
        self._multiple = multiple
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; the engine calls it, also when a run is resumed in mid-epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths) + len(blanks(self._lengths, self._multiple))

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(f"order-{self._seed}-{self.epoch}")
        order = list(range(len(self._lengths)))
        draw.shuffle(order)
        size = self._batch_size
        # Few clips are grouped less: else every epoch would have the same batches.
        mega = size * max(1, min(MEGA_BATCH, len(order) // (4 * size)))
        batches: list[list[int]] = []
        for first in range(0, len(order), mega):
            chunk = sorted(order[first : first + mega], key=lambda i: self._lengths[i])
            batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
        tail = batches.pop() if batches and len(batches[-1]) < size else []
        draw.shuffle(batches)
        keys = [index for batch in [*batches, tail] for index in batch]
        first = self.epoch * len(order)
        filling = [-1 - (first + index) for index in blanks(self._lengths, self._multiple)]
        return iter([*(first + index for index in keys), *filling])


class InOrder(Sampler[int]):
    """Every clip once, in order, and blank rows up to a multiple; for evaluation."""

    def __init__(self, lengths: Sequence[int], multiple: int) -> None:
        self._keys = [*range(len(lengths)), *(-1 - i for i in blanks(lengths, multiple))]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)


def blanks(lengths: Sequence[int], multiple: int) -> list[int]:
    """Return the clip, the shortest, that fills an epoch up, as often as that takes."""
    short = -len(lengths) % multiple
    return [min(range(len(lengths)), key=lambda i: lengths[i])] * short if short else []


@dataclass(frozen=True)
class Collator:
    """Packs rows into a batch; a class, since loader workers must be able to receive it."""

    special: SpecialTokens
    extra_stops: int = 0
    mask_text_stop: bool = False

    def __call__(self, rows: Sequence[Row]) -> PackedBatch:
        return pack(rows, self.special, self.extra_stops, self.mask_text_stop)
