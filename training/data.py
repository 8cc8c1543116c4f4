"""Clips of a dataset as rows for the model: which are trained on, and what a row of them holds.

Everything that is drawn is a pure function of (seed, epoch, clip): no global random state, so
loader workers, a resume in mid-epoch and a second process all see the same. The order is made in
`training.sampling`, the prompts in `training.prompts`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram

from amharic_tts.errors import UserError
from amharic_tts.events import Event, Finding
from training.base import RATE, STRIDE
from training.codes import AudioCodes, read_clip
from training.model import PackedBatch, Row, SpecialTokens, pack
from training.prompts import PROMPT_MAX, Prompt, Prompts, eval_slice
from training.sampling import Pool


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
    language: str = ""
    """Whose tag its tokens begin with."""
    speaker: str = ""
    replay: bool = False
    """Whether it is of the replay dataset."""

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
    replay: bool = False,
) -> tuple[list[Clip], list[Clip]]:
    """Return the clips for training and for evaluation; every other row is named in a finding.

    Args:
        dataset: An ``amharic_tts.dataset.manifest.Dataset``.
        encoder: The run's ``TextEncoder``; the report's checks use it, as the dataset page does.
        codes: Where audio codes come from.
        limits: The model's.
        emit: Takes the findings.
        tick: Called as (done, total) after each clip; may raise to stop.
        replay: It is the replay dataset: its clips are named ``DATASET/ID``.

    Raises:
        UserError: No row can be trained on; the reasons are counted in the message.
    """
    from amharic_tts.dataset import validate

    report = validate.check(dataset, encoder)
    by_id = {row.id: row for row in report.rows}
    prefix = f"{dataset.name}/" if replay else ""
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
                named = dataclasses.replace(loaded, id=prefix + loaded.id, replay=replay)
                found[utterance.split].append(named)
        tick(done, total)
    for finding in refused:
        emit(dataclasses.replace(finding, subject=prefix + finding.subject))
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
    language, speaker = encoder.settings.language, utterance.speaker
    return Clip(
        utterance.id, wav, len(samples), tuple(tokens), made, digest, language, speaker.strip()
    )


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
    """Rows of clips; the key ``pass * len + index`` says which prompt is drawn.

    A negative key, ``-1 - key``, is the same row as a blank one.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        style: StyleMel,
        seed: int = 0,
        evaluation: bool = False,
        conditioning_from: str = "same",
        pools: Sequence[Pool] = (),
    ) -> None:
        """Keep the clips.

        Args:
            clips: All of them.
            style: Makes the prompt's mel.
            seed: Of the prompts.
            evaluation: The prompt is always the beginning of the clip.
            conditioning_from: `same`, `other` or `both`, see `Prompts`.
            pools: What an epoch draws of them; none: every clip once.
        """
        self.clips, self._style = clips, style
        self.prompts = Prompts(clips, seed, conditioning_from)
        self._evaluation = evaluation
        self.pools = tuple(pools)

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [clip.length for clip in self.clips]

    def __getitem__(self, key: int) -> Row:
        blank, key = key < 0, max(key, -1 - key)
        number, index = divmod(key, len(self.clips))
        clip = self.clips[index]
        if self._evaluation:
            prompt = Prompt(index, *eval_slice(clip.samples))
        else:
            prompt = self.prompts.draw(number, index)
        end = prompt.start + prompt.samples
        return Row(
            clip=index,
            text=torch.tensor(clip.tokens),
            codes=torch.from_numpy(clip.codes),
            cond_mel=self._style(
                read_clip(self.clips[prompt.clip].wav, prompt.start, prompt.samples)
            ),
            prompt=(prompt.start // STRIDE, -(-end // STRIDE)) if prompt.clip == index else None,
            blank=blank,
        )


@dataclass(frozen=True)
class Collator:
    """Packs rows into a batch; a class, since loader workers must be able to receive it."""

    special: SpecialTokens
    extra_stops: int = 0
    mask_text_stop: bool = False

    def __call__(self, rows: Sequence[Row]) -> PackedBatch:
        return pack(rows, self.special, self.extra_stops, self.mask_text_stop)
