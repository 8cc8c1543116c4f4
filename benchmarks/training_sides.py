"""The two sides of the training benchmark: stock coqui's ``GPTTrainer`` and our engine.

Both go through the same clips with the same starting weights. What is counted on each side is what
its loop does for a batch: read the clips, make the batch, forward, backward, optimizer. Left out
on both are logging, evaluation and checkpoints.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch.nn import functional as F
from TTS.tts.layers.xtts.trainer.dataset import XTTSDataset
from TTS.tts.layers.xtts.trainer.gpt_trainer import GPTArgs, GPTTrainer, GPTTrainerConfig
from TTS.tts.models.xtts import XttsAudioConfig

from amharic_tts.tokenizer.practice import practice_vocabulary
from training.checkpoints import Checkpoints
from training.codes import read_clip
from training.config import FinetuneConfig
from training.data import Clip, ClipDataset, StyleMel
from training.effective import apply_to_model, make_plan
from training.engine import build_trainer
from training.model import PackedBatch, PackedXtts, pack
from training.practice.sound import speech_like
from training.prompts import PROMPT_MAX, training_slice
from training.sampling import GroupedSampler
from training.stopping import StopSwitch

RATE = 22050
TOKENS_A_SECOND = 12
"""Text tokens of a second of speech, about as in Amharic at one token a letter."""
POPULATION = 800
"""Clips of the dataset out of which the measured batches are taken."""


@dataclass(frozen=True)
class Size:
    """How large the model is."""

    layers: int
    width: int
    heads: int
    codes: int
    text_tokens: int


@dataclass(frozen=True)
class Work:
    """The clips, the files of both sides, and the batches that our sampler makes of the clips."""

    folder: Path
    clips: tuple[Clip, ...]
    texts: tuple[str, ...]
    batches: tuple[tuple[int, ...], ...]

    @property
    def shuffled(self) -> list[list[int]]:
        """The same clips in batches of the same size at random, as stock draws them."""
        order = [index for batch in self.batches for index in batch]
        random.Random(3).shuffle(order)
        size = len(self.batches[0])
        return [order[i : i + size] for i in range(0, len(order), size)]


def make_work(folder: Path, size: Size, batches: int, batch: int, most: float) -> Work:
    """Write clips and the files that stock wants.

    The lengths are those of a dataset of `POPULATION` clips of 1.5 s to `most`, mostly around two
    thirds of it; of the batches that our sampler makes there, some are taken, evenly from the
    shortest to the longest, so that bucketing counts as in a real dataset.
    """
    draw = np.random.default_rng(5)
    seconds = np.clip(draw.normal(most * 0.62, most * 0.22, POPULATION), 1.5, most)
    lengths = [int(s * (RATE / 1024 + TOKENS_A_SECOND)) for s in seconds]
    order = list(GroupedSampler(lengths, batch, seed=1))
    groups = [order[i : i + batch] for i in range(0, len(order), batch)]
    groups.sort(key=lambda group: sum(lengths[i] for i in group))
    step = len(groups) / batches
    taken = [groups[int((n + 0.5) * step)] for n in range(batches)]
    _write_stock_files(folder, size)
    clips, texts = [], []
    for number, index in enumerate(i for group in taken for i in group):
        text = _text(draw, int(seconds[index] * TOKENS_A_SECOND))
        clips.append(_clip(folder, number, float(seconds[index]), text))
        texts.append(text)
    numbers = tuple(tuple(range(n * batch, (n + 1) * batch)) for n in range(batches))
    return Work(folder, tuple(clips), tuple(texts), numbers)


def _text(draw: np.random.Generator, letters: int) -> str:
    words = "".join(draw.choice(list("abcdefghijklmnopqrstuvwxyz"), letters))
    return words.replace("q", "k")


def _clip(folder: Path, number: int, seconds: float, text: str) -> Clip:
    """Write a clip; its audio codes are the peer's (`Stock.with_codes`)."""
    path = folder / "wavs" / f"{number}.wav"
    path.parent.mkdir(exist_ok=True)
    sound = speech_like(seconds, seed=number)
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    ids = practice_vocabulary()["model"]["vocab"]
    tokens = (ids["[en]"], *(ids[letter] for letter in text))
    return Clip(path.stem, path, len(sound), tokens, np.zeros(0, np.int64), str(number))


def _write_stock_files(folder: Path, size: Size) -> None:
    """Write what ``GPTTrainer`` asks for; the DVAE's weights stay random, which costs the same."""
    vocab = practice_vocabulary()
    tokens = vocab["model"]["vocab"]
    for number in range(len(tokens), size.text_tokens):
        tokens[f"unused{number}"] = number
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    torch.save({}, folder / "dvae.pth")
    torch.save(torch.ones(80), folder / "mel_stats.pth")


class Stock:
    """Coqui's ``GPTTrainer`` with the steps of its trainer's ``optimize``."""

    def __init__(self, work: Work, size: Size, device: str, rate: float = 1e-5) -> None:
        files = {
            "mel_norm_file": str(work.folder / "mel_stats.pth"),
            "dvae_checkpoint": str(work.folder / "dvae.pth"),
            "tokenizer_file": str(work.folder / "vocab.json"),
        }
        args = GPTArgs(
            gpt_layers=size.layers,
            gpt_n_model_channels=size.width,
            gpt_n_heads=size.heads,
            decoder_input_dim=size.width,
            gpt_num_audio_tokens=size.codes + 2,
            gpt_start_audio_token=size.codes,
            gpt_stop_audio_token=size.codes + 1,
            gpt_use_masking_gt_prompt_approach=True,
            gpt_use_perceiver_resampler=True,
            **files,
        )
        config = GPTTrainerConfig(
            model_args=args,
            audio=XttsAudioConfig(sample_rate=RATE),
            lr=rate,
            optimizer="AdamW",
            optimizer_wd_only_on_weights=True,
            optimizer_params={"betas": [0.9, 0.96], "eps": 1e-8, "weight_decay": 1e-2},
        )
        self.model = GPTTrainer(config).to(device)
        self.optimizer = self.model.get_optimizer()
        self.device = device
        self._work = work
        sample = {"text": work.texts[0], "language": "en"}
        self._set = XTTSDataset(self.model.config, [sample], self.model.xtts.tokenizer, RATE)

    @torch.no_grad()
    def with_codes(self, work: Work) -> Work:
        """Return the clips with their audio codes, as our cache holds them.

        The codebook becomes outputs of the encoder for these clips: with coqui's random one nearly
        every frame gets the same code, and a loss on such codes says nothing.
        """
        mel, dvae = self.model.torch_mel_spectrogram_dvae, self.model.dvae
        sounds = [torch.from_numpy(read_clip(c.wav))[None].to(self.device) for c in work.clips]
        found = torch.cat([dvae.encoder(mel(sound))[0].T for sound in sounds])
        draw = torch.Generator().manual_seed(0)
        taken = torch.randint(len(found), (dvae.codebook.embed.shape[1],), generator=draw)
        dvae.codebook.embed.copy_(found[taken.to(self.device)].T)
        clips = []
        for clip, sound in zip(work.clips, sounds, strict=True):
            codes = dvae.get_codebook_indices(mel(sound))[0].cpu().numpy()
            clips.append(dataclasses.replace(clip, codes=codes[: -(-clip.samples // 1024)]))
        return dataclasses.replace(work, clips=tuple(clips))

    def _item(self, index: int, epoch: int) -> dict[str, Any]:
        """Return a clip as stock's dataset makes it: decoded twice, for itself and the prompt.

        Its own reader needs FFmpeg's libraries and is slower than ours, which reads for it here.
        """
        clip = self._work.clips[index]
        text = self._set.get_text(self._work.texts[index], "en")
        wav = torch.from_numpy(read_clip(clip.wav))[None]
        again = torch.from_numpy(read_clip(clip.wav))[None]
        start, count = training_slice(clip.samples, 0, epoch, index)
        prompt = F.pad(again[:, start : start + count], (0, PROMPT_MAX - count))
        return {
            "text": text,
            "text_lengths": torch.tensor(len(text)),
            "wav": wav,
            "wav_lengths": torch.tensor(clip.samples),
            "filenames": str(clip.wav),
            "conditioning": prompt[:, None],
            "cond_lens": torch.tensor([torch.nan]),
            "cond_idxs": torch.tensor([start, start + count]),
        }

    @property
    def gpt(self) -> Any:
        """The GPT that is trained."""
        return self.model.xtts.gpt

    def loss(self, indices: Sequence[int], half: bool, epoch: int = 0) -> torch.Tensor:
        """Return the loss of a batch, with stock's own switch for bf16."""
        self.model.eval()
        self.gpt.train()  # as in stock's `on_train_epoch_start`
        batch = self._set.collate_fn([self._item(index, epoch) for index in indices])
        on_device = {
            key: value.to(self.device) if isinstance(value, torch.Tensor) else value
            for key, value in batch.items()
        }
        made = self.model.format_batch_on_device(on_device)
        with torch.autocast(self.device, torch.bfloat16, enabled=half):
            loss: torch.Tensor = self.model.train_step(made, None)[1]["loss"]
        return loss

    def step(self, indices: Sequence[int], half: bool, epoch: int = 0) -> float:
        """Train on a batch and return the loss; the prompts are those of an epoch."""
        loss = self.loss(indices, half, epoch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())


class Ours:
    """Our engine with some settings, from given weights."""

    def __init__(self, work: Work, gpt: Any, **settings: Any) -> None:
        config = FinetuneConfig(dataset="benchmark", batch_size=4, **settings).check()
        self.config, self.plan = config, make_plan(config)
        self.model = PackedXtts(gpt)
        apply_to_model(self.plan, self.model)
        self.data = ClipDataset(work.clips, StyleMel(work.folder / "mel_stats.pth"), seed=0)
        run = work.folder / "run"
        self.trainer, _ = build_trainer(
            config,
            self.plan,
            self.model,
            (self.data, None),
            Checkpoints(run),
            lambda _event: None,
            StopSwitch(run),
        )
        if self.plan.checkpointing:
            self.model.activation_checkpointing_enable()
        self.optimizer = self.trainer.create_optimizer()

    def batch(self, indices: Sequence[int], epoch: int = 0) -> PackedBatch:
        """Return clips as a batch, read from their files, with the prompts of an epoch."""
        first = epoch * len(self.data)
        made: PackedBatch = self.trainer.data_collator([self.data[first + i] for i in indices])
        return made

    def loss(self, indices: Sequence[int], epoch: int = 0) -> torch.Tensor:
        """Return the loss of a batch, its graph with it."""
        self.model.train()
        batch = self.trainer._prepare_inputs(dict(self.batch(indices, epoch)))
        half = self.plan.precision == "bf16"
        with torch.autocast(self.plan.device, torch.bfloat16, enabled=half):
            loss: torch.Tensor = self.model(**batch)["loss"]
        return loss

    def step(self, indices: Sequence[int], epoch: int = 0) -> float:
        """Train on a batch and return the loss; the prompts are those of an epoch."""
        loss = self.loss(indices, epoch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())


def eval_loss(gpt: Any, work: Work) -> float:
    """Return the audio loss of weights over all clips, by our model in fp32 and evaluation mode."""
    model = PackedXtts(gpt).eval()
    data = ClipDataset(work.clips, StyleMel(work.folder / "mel_stats.pth"), evaluation=True)
    total, count = 0.0, 0.0
    device = next(model.parameters()).device
    with torch.no_grad():
        for group in work.batches:
            batch = pack([data[i] for i in group], model.special)
            moved = {
                k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()
            }
            totals = model(**moved)["totals"]
            total, count = total + float(totals[1]), count + float(totals[3])
    return total / count


def kept_bytes(
    model: torch.nn.Module, forward: Callable[[], torch.Tensor], again: Sequence[Any] = ()
) -> int:
    """Return the bytes of the storages that a forward pass keeps, weights left out.

    Args:
        model: Whose weights are left out.
        forward: Makes the loss.
        again: Parts that are computed again in the backward pass; their inputs are kept where the
            hooks do not see them.
    """
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    def keep_input(_part: Any, given: tuple[torch.Tensor, ...]) -> None:
        keep(given[0])

    handles = [part.register_forward_pre_hook(keep_input) for part in again]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = forward()
    for handle in handles:
        handle.remove()
    assert loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
