"""The XTTS loss on packed rows: ``[conditioning][START t1..tn STOP][START c1..cm]``.

Coqui pads the text of a batch and the audio of a batch separately, so every row has padding in its
middle and needs an attention mask, which keeps the flash kernels out. Here the audio of a row
follows its text at once and padding stands at the right only: a plain causal mask is exact, and a
row's loss does not depend on its neighbours. Positions restart in each segment, so moving the
audio over the padding changes nothing that the model computes.

On one row the result equals stock ``GPT.forward`` up to rounding, once two of its habits are asked
for (both off by default):

* ``extra_stops=3``: stock trains four STOP targets a row instead of one
  (``code_lengths = ceil(samples / 1024) + 3``); the last three are never reached at inference.
* ``mask_text_stop=True``: stock hides the text's STOP from the audio in training
  (``attn_mask_text[idx, l + 1:] = 0``), though it is there and visible at inference.

A third one can't be asked for: stock ignores the loss of the prompt's span in the last row of a
batch only, and at positions divided by 256 where the codes are 1024 samples apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from training.fused import fuse_activation

IGNORED = -100
"""A target that does not count."""


class SpecialTokens(NamedTuple):
    """Ids of the tokens that begin and end the two segments of a row."""

    text_start: int
    text_stop: int
    mel_start: int
    mel_stop: int


class Recompute(NamedTuple):
    """What gradient checkpointing computes again in the backward pass."""

    blocks: int = -1
    """The first so many blocks; -1: all."""
    conditioning: bool = True
    """The conditioning encoder with its perceiver."""


@dataclass(frozen=True)
class Row:
    """One clip, ready to be packed."""

    clip: int
    """Number of the clip in its dataset, to name it when something goes wrong."""
    text: Tensor
    """(n,) text tokens without START and STOP."""
    codes: Tensor
    """(m,) audio codes, 1024 samples each."""
    cond_mel: Tensor
    """(80, frames) mel of the prompt slice."""
    prompt: tuple[int, int] | None = None
    """First and past-the-last code that the prompt slice touches: ignored in the loss."""
    blank: bool = False
    """Only fills a batch, so that all processes have as many rows: none of its targets counts."""


class PackedBatch(TypedDict, total=False):
    """What `pack` returns and `PackedXtts` takes; N and M count the tokens of all rows together.

    The order matters: accelerate takes the size of the first tensor for the batch size.
    """

    clip: Tensor
    """(B,) number of each row's clip."""
    cond_mel: Tensor
    """(B, 80, frames)."""
    text_tokens: Tensor
    """(N,) ``START t1..tn STOP`` of every row, one after the other."""
    text_positions: Tensor
    """(N,) position of each in its segment."""
    text_slots: Tensor
    """(N,) where each stands in the (B * row_length) slots of the batch."""
    text_labels: Tensor
    """(N,) ``t1..tn STOP`` and IGNORED."""
    mel_tokens: Tensor
    """(M,) ``START c1..cm`` of every row."""
    mel_positions: Tensor
    """(M,)."""
    mel_slots: Tensor
    """(M,)."""
    labels: Tensor
    """(M,) ``c1..cm STOP``, IGNORED where the prompt was cut; the name is the Trainer's."""
    row_length: int
    """Slots of a row, without the conditioning."""
    visible: Tensor
    """(B, row_length) bool, only with `mask_text_stop`: False at each row's text STOP."""


def pack(
    rows: Sequence[Row],
    special: SpecialTokens,
    extra_stops: int = 0,
    mask_text_stop: bool = False,
) -> PackedBatch:
    """Return the rows as one batch, padded at the right."""
    length = max(len(r.text) + 2 + len(r.codes) + 1 + extra_stops for r in rows)
    names = ("tokens", "positions", "slots", "labels")
    text: dict[str, list[Tensor]] = {name: [] for name in names}
    mel: dict[str, list[Tensor]] = {name: [] for name in names}
    visible = torch.ones(len(rows), length, dtype=torch.bool)
    for number, row in enumerate(rows):
        first = number * length
        tokens, codes = row.text.long(), row.codes.long()
        stop = torch.tensor([special.text_stop])
        read = torch.cat([torch.tensor([special.text_start]), tokens, stop])
        wanted = torch.cat([tokens, stop, torch.tensor([IGNORED])])
        _append(text, read, first, wanted.fill_(IGNORED) if row.blank else wanted)
        visible[number, len(tokens) + 1] = False

        stops = torch.full((1 + extra_stops,), special.mel_stop)
        targets = torch.cat([codes, stops])
        if row.prompt is not None:
            targets[row.prompt[0] : min(row.prompt[1], len(codes))] = IGNORED
        if row.blank:
            targets.fill_(IGNORED)
        spoken = torch.cat([torch.tensor([special.mel_start]), codes, stops[:extra_stops]])
        _append(mel, spoken, first + len(read), targets)
    batch = PackedBatch(
        clip=torch.tensor([row.clip for row in rows]),
        cond_mel=torch.stack([row.cond_mel for row in rows]),
        text_tokens=torch.cat(text["tokens"]),
        text_positions=torch.cat(text["positions"]),
        text_slots=torch.cat(text["slots"]),
        text_labels=torch.cat(text["labels"]),
        mel_tokens=torch.cat(mel["tokens"]),
        mel_positions=torch.cat(mel["positions"]),
        mel_slots=torch.cat(mel["slots"]),
        labels=torch.cat(mel["labels"]),
        row_length=length,
    )
    if mask_text_stop:
        batch["visible"] = visible
    return batch


def _append(parts: dict[str, list[Tensor]], tokens: Tensor, first: int, labels: Tensor) -> None:
    """Add one segment that begins at slot `first`."""
    positions = torch.arange(len(tokens))
    parts["tokens"].append(tokens)
    parts["positions"].append(positions)
    parts["slots"].append(positions + first)
    parts["labels"].append(labels)


class PackedXtts(nn.Module):
    """Coqui's ``GPT`` with the packed loss; its parameters keep the names of the release, `gpt.*`.

    Args:
        gpt: A ``TTS.tts.layers.xtts.gpt.GPT`` with the perceiver (XTTS v2).
        text_weight: Weight of the text loss; both weights are coqui's defaults.
        mel_weight: Weight of the audio loss.
    """

    accepts_loss_kwargs = True
    """Tells the Trainer to hand over the token counts of the whole optimizer step, and not to
    divide by the accumulation itself."""
    supports_gradient_checkpointing = True

    def __init__(self, gpt: Any, text_weight: float = 0.01, mel_weight: float = 1.0) -> None:
        super().__init__()
        self.gpt = gpt
        self.text_weight, self.mel_weight = text_weight, mel_weight
        self.checkpointing = False
        self.recompute = Recompute()
        self.label_smoothing = 0.0
        fuse_activation(gpt)
        gpt.gpt.config.use_cache = False  # else every layer copies keys and values for nothing

    @property
    def special(self) -> SpecialTokens:
        """Ids of the tokens that `pack` needs."""
        g = self.gpt
        return SpecialTokens(
            g.start_text_token, g.stop_text_token, g.start_audio_token, g.stop_audio_token
        )

    def activation_checkpointing_enable(
        self, activation_checkpointing_kwargs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Compute what `recompute` says again in the backward pass.

        The Trainer calls this. transformers then wants the inputs of the token embedding to need
        gradients and looks for ``wte``, which coqui has deleted: AttributeError. It skips that
        step for a model whose main input is not ``input_ids``, and ours is ``inputs_embeds``
        indeed, so that is said on the instance.
        """
        self._recompute(activation_checkpointing_kwargs)

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Do the same under the name that transformers 5.20 (Python 3.10) calls."""
        self._recompute(gradient_checkpointing_kwargs)

    def _recompute(self, options: dict[str, Any] | None) -> None:
        blocks = self.gpt.gpt
        blocks.main_input_name = "inputs_embeds"
        new = hasattr(blocks, "activation_checkpointing_enable")
        name = "activation_checkpointing_enable" if new else "gradient_checkpointing_enable"
        getattr(blocks, name)(options or {"use_reentrant": False})
        if self.recompute.blocks >= 0:
            for block in blocks.h[self.recompute.blocks :]:
                block.gradient_checkpointing = False
        self.checkpointing = True

    def _conditioning(self, cond_mel: Tensor) -> Tensor:
        """(B, 80, frames) -> (B, latents, width)."""
        if self.checkpointing and self.recompute.conditioning and self.training:
            latents = checkpoint(self.gpt.get_style_emb, cond_mel, use_reentrant=False)
        else:
            latents = self.gpt.get_style_emb(cond_mel)
        return latents.transpose(1, 2)

    def logits(self, batch: PackedBatch) -> tuple[Tensor, Tensor]:
        """Return (N, text tokens) and (M, audio tokens): the heads see real tokens only."""
        g = self.gpt
        cond = self._conditioning(batch["cond_mel"])
        rows, latents, width = cond.shape
        length = batch["row_length"]
        text = g.text_embedding(batch["text_tokens"])
        text = text + g.text_pos_embedding.emb(batch["text_positions"])
        mel = g.mel_embedding(batch["mel_tokens"])
        mel = mel + g.mel_pos_embedding.emb(batch["mel_positions"])
        slots = torch.cat([batch["text_slots"], batch["mel_slots"]])
        tokens = torch.cat([text, mel])
        x = tokens.new_zeros(rows * length, width).index_copy(0, slots, tokens)
        x = torch.cat([cond.to(x.dtype), x.view(rows, length, width)], dim=1)
        mask = None
        if "visible" in batch:
            mask = F.pad(batch["visible"], (latents, 0), value=True)
        hidden = g.gpt(
            inputs_embeds=x, attention_mask=mask, use_cache=False, return_dict=True
        ).last_hidden_state
        hidden = hidden[:, latents:].reshape(rows * length, width)
        return (
            g.text_head(g.final_norm(hidden[batch["text_slots"]])),
            g.mel_head(g.final_norm(hidden[batch["mel_slots"]])),
        )

    def forward(self, num_items_in_batch: Tensor | None = None, **batch: Any) -> dict[str, Tensor]:
        """Return the loss and its parts.

        Args:
            num_items_in_batch: (2,) counted text and audio targets of the whole optimizer step,
                over micro-batches and processes; None counts this batch alone.
            batch: A `PackedBatch`.

        With `label_smoothing` a part of each audio target is spread over all codes, in training
        only, so that eval losses can be compared (Szegedy et al. 2016, "Rethinking the Inception
        Architecture"). Text targets stay as they are: their loss weighs 0.01, and nothing that
        they teach is drawn from at inference.

        Returns:
            ``loss`` to go backward; ``loss_text`` and ``loss_mel`` (this batch's share of the
            step's means); ``totals`` (4,): summed text and audio losses and their counts.
        """
        packed = PackedBatch(**batch)  # type: ignore[typeddict-item]
        text_logits, mel_logits = self.logits(packed)
        text_sum = _summed_loss(text_logits, packed["text_labels"])
        smoothing = self.label_smoothing if self.training else 0.0
        mel_sum = _summed_loss(mel_logits, packed["labels"], smoothing)
        counts = target_counts(packed)
        shared = counts if num_items_in_batch is None else num_items_in_batch
        text_count, mel_count = shared.clamp(min=1)  # a batch of blank rows only has none
        loss_text, loss_mel = text_sum / text_count, mel_sum / mel_count
        return {
            "loss": self.text_weight * loss_text + self.mel_weight * loss_mel,
            "loss_text": loss_text.detach(),
            "loss_mel": loss_mel.detach(),
            "totals": torch.cat([torch.stack([text_sum, mel_sum]).detach(), counts.float()]),
        }


def target_counts(batch: PackedBatch) -> Tensor:
    """Return (2,) how many text and audio targets count: at least the STOPs of each row."""
    return torch.stack([batch["text_labels"].ne(IGNORED).sum(), batch["labels"].ne(IGNORED).sum()])


def _summed_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    return F.cross_entropy(
        logits.float(), labels, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
