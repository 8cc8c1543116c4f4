"""The practice base's GPT: learns to read aloud from random weights, with the packed loss.

Two things make it learn to read within minutes instead of babbling (measured, see
``docs/practice.md``): it begins with utterances of one to three words, and rows of one voice share
one prompt, so that the conditioning encoder, which would cost as much as all the rest, is run for
one row in eight. The proof of reading is the *gap*: how much worse the loss is with another
sentence's text. The loss alone falls while the text is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from TTS.tts.configs.xtts_config import XttsArgs
from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram
from TTS.tts.layers.xtts.gpt import GPT

from amharic_tts.base_models.gpt import new_gpt
from amharic_tts.tokenizer.encoder import TextEncoder
from training.base import RATE
from training.model import PackedBatch, PackedXtts, Row, SpecialTokens, pack
from training.practice import weights
from training.practice.clock import Sitting, Tell
from training.practice.codec import CODES
from training.practice.teacher import Library, Spoken
from training.prompts import PROMPT_MAX

DIM, LAYERS, HEADS = 256, 6, 4
GROUP = 8
"""Rows of one voice that share a prompt."""
_SLOTS = {True: 2000, False: 2800}
"""Tokens of a batch, padding and prompts included, of short clips and of all: while reading is
learned many small steps are worth more than few large ones."""
_SHORT = 34
"""Codes of the longest clip of the first stage: 1.6 s."""
_FIRST = 0.3
"""Share of the time for short clips alone."""
_PADDED = 0.08
"""Share of batches whose prompts are padded with silence to 6 s, as in fine-tuning."""


@dataclass(frozen=True)
class Reading:
    """One clip, ready to be drawn."""

    voice: str
    language: str
    tokens: tuple[tuple[int, ...], ...]
    """One way to write it or several: letters, phones."""
    codes: np.ndarray
    clip: Spoken

    @property
    def length(self) -> int:
        return len(self.tokens[0]) + len(self.codes)


def readings(
    library: Library, codes: Sequence[np.ndarray], encoders: dict[str, list[TextEncoder]]
) -> list[Reading]:
    """Return all clips with their tokens in every way that their language is written."""
    found = []
    for clip, code in zip(library.clips, codes, strict=True):
        ways = tuple(tuple(e.encode(e.prepare(clip.text))) for e in encoders[clip.language])
        found.append(Reading(clip.voice, clip.language, ways, code, clip))
    return found


class Prompts:
    """The mel that the conditioning encoder reads, of any stretch of a voice."""

    def __init__(self, library: Library, rows: Sequence[Reading], stats: Tensor) -> None:
        self._library, self._stats = library, stats
        self._mel = TorchMelSpectrogram(
            filter_length=2048, win_length=1024, sampling_rate=RATE, mel_norm_file=None
        )
        self._clips: dict[str, list[Spoken]] = {}
        for row in rows:
            self._clips.setdefault(row.voice, []).append(row.clip)

    def draw(self, voice: str, samples: int, padded: bool, rng: np.random.Generator) -> Tensor:
        """Return (80, frames) of a stretch of clips of this voice, joined."""
        sound = self._library.joined(self._clips[voice], samples, rng)[:samples]
        if padded:
            sound = np.pad(sound, (0, PROMPT_MAX - samples))
        return self.of(sound)

    def of(self, sound: np.ndarray) -> Tensor:
        """Return the mel of a sound at 22,050 Hz, (80, frames)."""
        with torch.no_grad():
            mel: Tensor = self._mel(torch.from_numpy(sound)[None])[0] / self._stats[:, None]
        return mel


class SharedPrompts(PackedXtts):
    """The packed model with `share` rows to a prompt."""

    share = 1

    def _conditioning(self, cond_mel: Tensor) -> Tensor:
        return super()._conditioning(cond_mel).repeat_interleave(self.share, dim=0)


def new_reader(text_tokens: int, ids: dict[str, int]) -> GPT:
    """Return coqui's GPT in the practice base's size, without dropout: no clip comes often."""
    args = weights.gpt_settings(DIM, LAYERS, HEADS, CODES)
    gpt = new_gpt(XttsArgs(**args), ids["[START]"], ids["[STOP]"], text_tokens)
    for part in gpt.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    # On short rows plain products are a third faster than the fused kernel of the CPU.
    gpt.gpt.config._attn_implementation = "eager"
    return gpt


@dataclass(frozen=True)
class Feed:
    """Makes batches."""

    rows: Sequence[Reading]
    prompts: Prompts
    special: SpecialTokens

    def epoch(self, rng: np.random.Generator, short: bool) -> Iterator[PackedBatch]:
        """Yield batches of all clips, or of the short ones: groups of a voice, alike in length."""
        rows = [r for r in self.rows if not short or len(r.codes) <= _SHORT]
        by_voice: dict[str, list[Reading]] = {}
        for row in rows:
            by_voice.setdefault(row.voice, []).append(row)
        groups = []
        for own in by_voice.values():
            own.sort(key=lambda r: r.length + rng.random() * 12)
            first = int(rng.integers(0, GROUP))
            groups += [own[i : i + GROUP] for i in range(first, len(own) - GROUP + 1, GROUP)]
        groups.sort(key=lambda g: g[-1].length + rng.random() * 6)
        batches, start = [], 0
        while start < len(groups):
            stop = start + 1
            while (
                stop < len(groups)
                and (stop + 1 - start) * GROUP * (groups[stop][-1].length + 40) <= _SLOTS[short]
            ):
                stop += 1
            batches.append(groups[start:stop])
            start = stop
        for number in rng.permutation(len(batches)):
            yield self.batch(batches[number], rng)

    def batch(self, groups: Sequence[Sequence[Reading]], rng: np.random.Generator) -> PackedBatch:
        """Return one batch; the prompts of its groups are equally long."""
        padded = bool(rng.random() < _PADDED)
        samples = int(rng.uniform(1.0, 4.0) * RATE)
        mels = [self.prompts.draw(group[0].voice, samples, padded, rng) for group in groups]
        rows = []
        for group in groups:
            for row in group:
                tokens = row.tokens[int(rng.integers(len(row.tokens)))]
                rows.append(as_row(row, tokens))
        packed = pack(rows, self.special)
        packed["cond_mel"] = torch.stack(mels)
        return packed


def as_row(row: Reading, tokens: Sequence[int]) -> Row:
    """Return a row without a prompt of its own."""
    codes = torch.from_numpy(row.codes.astype(np.int64))
    return Row(0, torch.tensor(tokens), codes, torch.zeros(80, 1))


def moved(batch: PackedBatch, device: str) -> PackedBatch:
    """Return the batch on a device."""
    there = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}
    return PackedBatch(**there)  # type: ignore[typeddict-item]


def judged(model: SharedPrompts, held: Sequence[Reading], prompts: Prompts) -> dict[str, float]:
    """Return the loss of held-out clips with their own text and with another's, by language.

    The other text is that of the clip next in length, read in the same voice's prompt.
    """
    found: dict[str, float] = {}
    device = next(model.parameters()).device.type
    model.eval()
    for language in sorted({row.language for row in held}):
        own = sorted((r for r in held if r.language == language), key=lambda r: r.length)
        rng = np.random.default_rng(0)
        mels = torch.stack([prompts.draw(r.voice, 3 * RATE, False, rng) for r in own])
        for name, shift in (("right", 0), ("wrong", 1)):
            texts = [own[(i + shift) % len(own)].tokens[0] for i in range(len(own))]
            batch = pack([as_row(r, t) for r, t in zip(own, texts, strict=True)], model.special)
            batch["cond_mel"] = mels
            model.share = 1
            with torch.inference_mode(), torch.autocast(device, torch.bfloat16):
                found[f"{language}_{name}"] = float(model(**moved(batch, device))["loss_mel"])
        found[f"{language}_gap"] = found[f"{language}_wrong"] - found[f"{language}_right"]
    model.train()
    return found


def train(
    rows: Sequence[Reading],
    held: Sequence[Reading],
    prompts: Prompts,
    encoder: TextEncoder,
    path: Path,
    seconds: float,
    tell: Tell,
    seed: int = 0,
    device: str = "cpu",
) -> None:
    """Train the GPT in its packed form and keep it at `path`."""
    torch.manual_seed(seed)
    model = SharedPrompts(new_reader(encoder.size, encoder.ids))
    # Muon on the blocks' matrices: from one checkpoint, after 184 steps of each, a loss of 2.09
    # against AdamW's 2.23 and a gap of 1.05 against 0.85, at 8 % more time a step.
    hidden = [p for p in model.gpt.gpt.h.parameters() if p.ndim == 2]
    sitting = Sitting(path, model, seconds, 1e-3, device=device, hidden=hidden)
    rng = np.random.default_rng([seed, sitting.step])
    feed = Feed(rows, prompts, model.special)
    model.train()
    loss, count = 0.0, 0
    while not sitting.over:
        short = sitting.clock.share < _FIRST
        for batch in feed.epoch(rng, short):
            model.share = GROUP
            with torch.autocast(device, torch.bfloat16):
                out = model(**moved(batch, device))
            sitting.update(out["loss"])
            loss, count = loss + float(out["loss_mel"]), count + 1
            if sitting.step % 100 == 0:
                row = {
                    "stage": "reader",
                    "step": sitting.step,
                    "share": sitting.clock.share,
                    "seconds": sitting.clock.gone,
                    "loss": loss / count,
                    "short": short,
                }
                loss, count = 0.0, 0
                if sitting.step % 200 == 0:
                    row |= judged(model, held, prompts)
                    sitting.save()
                tell(row)
            if sitting.over or (short and sitting.clock.share >= _FIRST):
                break
    sitting.save()
    tell({"stage": "reader", "step": sitting.step, "share": 1.0, **judged(model, held, prompts)})


def latents(model: SharedPrompts, rows: Sequence[Reading], mel: Tensor) -> list[Tensor]:
    """Return what the decoder is given for clips of one voice: (codes + 1, DIM) each.

    The last one stands for the STOP, which inference decodes too.

    Args:
        model: In evaluation mode.
        rows: Read in the first way that they are written.
        mel: (80, frames), the prompt of all of them.
    """
    packed = pack([as_row(row, row.tokens[0]) for row in rows], model.special)
    packed["cond_mel"] = mel[None]
    model.share = len(rows)
    hidden: list[Tensor] = []
    keep = model.gpt.mel_head.register_forward_pre_hook(lambda _, given: hidden.append(given[0]))
    try:
        with torch.inference_mode():
            model.logits(packed)
    finally:
        keep.remove()
    return list(hidden[0].split([len(row.codes) + 1 for row in rows]))
