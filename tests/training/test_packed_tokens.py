"""Token by token against stock coqui: each target's loss, and the gradients that follow from it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from training_fixtures import small_gpt, small_rows, stock_batch

from training.model import IGNORED, PackedXtts, Row, pack

GPT = small_gpt()
Losses = list[torch.Tensor]


def stock_losses(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> tuple[Losses, Losses]:
    """Return the loss of each counted target of each row, text and audio, in stock coqui."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    plain = F.cross_entropy

    def spy(logits: Any, targets: Any, **kwargs: Any) -> Any:
        assert kwargs["ignore_index"] == -1
        each = plain(logits, targets, ignore_index=-1, reduction="none")
        found.append((each.detach(), targets != -1))
        return plain(logits, targets, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(F, "cross_entropy", spy)
        copy.deepcopy(GPT)(**stock_batch(rows))
    (text, text_counted), (mel, mel_counted) = found
    return (
        [loss[counted] for loss, counted in zip(text, text_counted, strict=True)],
        [loss[counted] for loss, counted in zip(mel, mel_counted, strict=True)],
    )


def packed_losses(rows: list[Row], **habits: Any) -> tuple[Losses, Losses]:
    """Return the same of the packed rows."""
    model = PackedXtts(copy.deepcopy(GPT))
    batch = pack(rows, model.special, **habits)
    with torch.no_grad():
        logits = model.logits(batch)
    text = [len(row.text) + 2 for row in rows]
    mel = [len(row.codes) + 1 + habits.get("extra_stops", 0) for row in rows]
    found = []
    for scores, labels, sizes in zip(
        logits, (batch["text_labels"], batch["labels"]), (text, mel), strict=True
    ):
        each = F.cross_entropy(scores, labels, ignore_index=IGNORED, reduction="none")
        kept = labels != IGNORED
        parts = zip(each.split(sizes), kept.split(sizes), strict=True)
        found.append([loss[counted] for loss, counted in parts])
    return found[0], found[1]


def largest(a: Losses, b: Losses) -> float:
    assert [len(x) for x in a] == [len(x) for x in b]
    return max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("count", [1, 4])
def test_every_target_has_the_loss_of_stock_with_its_two_habits(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = small_rows()[:count]
    text, mel = stock_losses(rows, monkeypatch)
    ours_text, ours_mel = packed_losses(rows, extra_stops=3, mask_text_stop=True)
    assert [len(x) for x in mel] == [len(row.codes) + 4 for row in rows]
    assert largest(text, ours_text) < 1e-5
    assert largest(mel, ours_mel) < 1e-5


def test_where_stock_is_wrong_ours_is_as_at_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = small_rows()[:2]
    text, mel = stock_losses(rows, monkeypatch)
    ours_text, ours_mel = packed_losses(rows)
    # Text comes before the STOP that stock hides, so its losses are the same.
    assert largest(text, ours_text) < 1e-5
    # One STOP target each instead of four; the audio before it sees the text's STOP.
    assert [len(x) for x in ours_mel] == [len(row.codes) + 1 for row in rows]
    for theirs, ours, row in zip(mel, ours_mel, rows, strict=True):
        assert 1e-6 < float((theirs[: len(ours)] - ours).abs().max()) < 0.5
        inference = inference_losses(row)
        assert float((inference - ours).abs().max()) < 1e-5


def inference_losses(row: Row) -> torch.Tensor:
    """Return the losses of a row's codes as coqui's generation conditions on them.

    The prefix of `compute_embeddings`, START and STOP of the text included, with no mask at all.
    """
    gpt = copy.deepcopy(GPT)
    with torch.no_grad():
        cond = gpt.get_style_emb(row.cond_mel[None]).transpose(1, 2)
        text = F.pad(row.text[None], (0, 1), value=gpt.stop_text_token)
        text = F.pad(text, (1, 0), value=gpt.start_text_token)
        prefix = gpt.text_embedding(text) + gpt.text_pos_embedding(text)
        codes = F.pad(row.codes[None], (1, 0), value=gpt.start_audio_token)
        audio = gpt.mel_embedding(codes) + gpt.mel_pos_embedding(codes)
        x = torch.cat([cond, prefix, audio], dim=1)
        hidden = gpt.gpt(inputs_embeds=x, use_cache=False, return_dict=True).last_hidden_state
        scores = gpt.mel_head(gpt.final_norm(hidden[0, -codes.shape[1] :]))
    targets = F.pad(row.codes, (0, 1), value=gpt.stop_audio_token)
    return F.cross_entropy(scores, targets, reduction="none")
