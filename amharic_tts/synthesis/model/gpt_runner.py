"""Coqui's GPT run for speech: its own blocks, a cache allocated once, several sentences together.

What `generate` of transformers costs beside the products, and what the released code does twice, is
left out: keys and values are written into a cache of the final size instead of being copied at
every code, and the latents that the decoder needs are kept from drawing the codes, where coqui
runs the whole GPT a second time. In fp32 codes and latents are those of the released code (a test
compares them).

Sentences of a batch are aligned at their ends and padded at the left; the padding is masked, and
positions are embedded before, so that a sentence does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass
class Cache:
    """Keys and values of all blocks for a batch."""

    blocks: list[Tensor]
    """A block each, (2, B, heads, most, width of a head): keys, then values."""
    filled: int
    padding: Tensor | None
    """(B,) positions at the left that are no text; None where there are none."""

    def keep(self, rows: Sequence[int]) -> Cache:
        """Return the cache of some rows."""
        chosen = torch.tensor(list(rows), device=self.blocks[0].device)
        return Cache(
            [kept.index_select(1, chosen) for kept in self.blocks],
            self.filled,
            None if self.padding is None else self.padding.index_select(0, chosen),
        )


class GptRunner:
    """Runs a ``TTS.tts.layers.xtts.gpt.GPT``; its modules are used, not copied."""

    def __init__(self, gpt: Any) -> None:
        self.gpt = gpt
        self._blocks = list(gpt.gpt.h)
        self._heads = int(gpt.heads)
        self._width = int(gpt.model_dim)

    @property
    def dtype(self) -> torch.dtype:
        """Type of what goes between the blocks."""
        kind: torch.dtype = self._blocks[0].ln_1.weight.dtype
        return kind

    @property
    def device(self) -> torch.device:
        device: torch.device = self._blocks[0].ln_1.weight.device
        return device

    @torch.inference_mode()
    def prefix(self, conditioning: Tensor, tokens: Sequence[int]) -> Tensor:
        """Return what stands before the codes, (n, width): the voice, START, text, STOP.

        Args:
            conditioning: (1, latents, width).
            tokens: Of the text, without START and STOP.
        """
        g = self.gpt
        text = torch.tensor(
            [[g.start_text_token, *tokens, g.stop_text_token]], device=conditioning.device
        )
        read = g.text_embedding(text) + g.text_pos_embedding(text)
        return torch.cat([conditioning, read.to(conditioning.dtype)], dim=1)[0]

    @torch.inference_mode()
    def begin(self, prefixes: Sequence[Tensor], most: int) -> tuple[Tensor, Cache]:
        """Read the prefixes and the START of the codes; return (B, width) latents and the cache.

        Args:
            prefixes: Of `prefix`.
            most: Codes that may follow.
        """
        length = max(len(p) for p in prefixes) + 1
        start = self._code(torch.full((1,), self.gpt.start_audio_token, device=self.device), 0)
        rows = []
        for prefix in prefixes:
            whole = torch.cat([prefix.to(start.dtype), start])
            rows.append(F.pad(whole, (0, 0, length - len(whole), 0)))
        padding = [length - 1 - len(p) for p in prefixes]
        shape = (2, len(rows), self._heads, length + most, self._width // self._heads)
        cache = Cache(
            [torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in self._blocks],
            0,
            torch.tensor(padding, device=self.device) if any(padding) else None,
        )
        return self._run(torch.stack(rows), cache)[:, -1], cache

    @torch.inference_mode()
    def step(self, codes: Tensor, position: int, cache: Cache) -> Tensor:
        """Read one code of each row and return what stands for the next one, (B, width).

        Args:
            codes: (B,).
            position: Of the code, from 1: START stands at 0.
            cache: Grows by one.
        """
        return self._run(self._code(codes, position)[:, None], cache)[:, -1]

    @torch.inference_mode()
    def logits(self, latents: Tensor) -> Tensor:
        """(B, width) -> (B, audio tokens), float32."""
        found: Tensor = self.gpt.mel_head(latents.to(self.gpt.mel_head.weight.dtype))
        return found.float()

    def _code(self, codes: Tensor, position: int) -> Tensor:
        """(B,) -> (B, width)."""
        g = self.gpt
        found: Tensor = g.mel_embedding(codes) + g.mel_pos_embedding.emb.weight[position]
        return found.to(self.dtype)

    def _run(self, x: Tensor, cache: Cache) -> Tensor:
        """(B, n, width) -> latents of the same shape: what the head and the decoder are given."""
        mask = self._mask(x.shape[1], cache)
        for block, kept in zip(self._blocks, cache.blocks, strict=True):
            x = x + self._attend(block, x, kept, cache.filled, mask)
            x = x + block.mlp.c_proj(F.gelu(block.mlp.c_fc(block.ln_2(x)), approximate="tanh"))
        cache.filled += x.shape[1]
        g = self.gpt
        # The last two norms stay in float32, like the head: they decide between like codes.
        last = g.gpt.ln_f(x[:, -1:].to(g.gpt.ln_f.weight.dtype))
        latents: Tensor = g.final_norm(last)
        return latents

    def _attend(
        self, block: Any, x: Tensor, kept: Tensor, filled: int, mask: Tensor | None
    ) -> Tensor:
        rows, count, width = x.shape
        # Few operations: on a CPU each costs some microseconds, thirty blocks long, for every code.
        parts = block.attn.c_attn(block.ln_1(x)).view(rows, count, 3, self._heads, -1)
        parts = parts.permute(2, 0, 3, 1, 4)
        kept.narrow(3, filled, count).copy_(parts[1:])
        keys, values = kept.narrow(3, 0, filled + count).unbind(0)
        found = F.scaled_dot_product_attention(
            parts[0],
            keys,
            values,
            attn_mask=mask,
            is_causal=mask is None and count > 1,
        )
        joined: Tensor = block.attn.c_proj(found.transpose(1, 2).reshape(rows, count, width))
        return joined

    def _mask(self, count: int, cache: Cache) -> Tensor | None:
        """Return (B, 1, count, keys), True where a query may look; None where nothing is padded."""
        if cache.padding is None:
            return None
        stop = cache.filled + count
        keys = torch.arange(stop, device=self.device)
        queries = torch.arange(cache.filled, stop, device=self.device)
        seen = keys[None, None, :] <= queries[None, :, None]
        real = keys[None, None, :] >= cache.padding[:, None, None]
        # A padded query looks at itself, or its softmax would be of nothing.
        own = keys[None, None, :] == queries[None, :, None]
        return ((seen & real) | own)[:, None]
